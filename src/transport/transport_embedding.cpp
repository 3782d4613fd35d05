// Transport: the DTLS handshake in ICE's checks, draft-hancke-webrtc-sped. ICE carries bytes, DTLS makes and takes
// datagrams, and DtlsInStun says which of them when.
#include <algorithm>
#include <utility>

#include "transport/transport.hpp"

namespace linnet::transport {

/// What DTLS has to say goes with checks and responses as well as, once there is a path, by itself.
void Transport::collect_flight() {
  DtlsInStun::Datagrams flight;
  std::vector<std::byte> datagram(options_.dtls.mtu);
  while (const std::size_t size = dtls_->poll_packet(now_, datagram))
    flight.emplace_back(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(size));
  if (!flight.empty()) {
    unsent_.clear();
    embedded_->flight(std::move(flight));
  }
  ice_.embed(embedded_->to_embed());
}

void Transport::take_embedded(ice::Embedded& embedded) {
  if (auto datagram = embedded_->received(std::move(embedded))) {
    // Authenticated by the check, so it needs no path that is known.
    handle_records(*datagram, Ecn::NotEct);
  }
  if (embedded_->over()) ice_.embed(std::nullopt);
}

bool Transport::send_unsent(const Path& path, DatagramBatch& batch) {
  for (auto& datagram : embedded_->take_unsent()) unsent_.push_back(std::move(datagram));
  while (!unsent_.empty()) {
    const std::vector<std::byte>& next = unsent_.front();
    const std::span<std::byte> room = ice_.begin(batch, path, Ecn::NotEct, next.size());
    if (room.empty()) return false;
    std::ranges::copy(next, room.begin());
    ice_.commit(batch, next.size());
    count_sent(path, next.size());
    unsent_.erase(unsent_.begin());
  }
  return true;
}

}  // namespace linnet::transport
