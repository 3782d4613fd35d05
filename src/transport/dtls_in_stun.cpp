#include "transport/dtls_in_stun.hpp"

#include <algorithm>
#include <utility>

#include "stun/wire.hpp"
#include "transport/demux.hpp"

namespace linnet::transport {
namespace {

constexpr std::size_t max_pending = 16;
constexpr std::size_t max_acknowledgements = 4;

}  // namespace

void DtlsInStun::flight(Datagrams datagrams) {
  pending_.clear();
  for (std::vector<std::byte>& datagram : datagrams) {
    const std::uint32_t crc = stun::wire::crc32(datagram);
    pending_.push_back({.crc = crc, .datagram = std::move(datagram)});
    // What is beyond goes once there is a path, by DTLS's own resending.
    if (pending_.size() == max_pending) break;
  }
}

std::optional<std::vector<std::byte>> DtlsInStun::received(ice::Embedded embedded) {
  if (over_) return std::nullopt;
  // "Inband discovery": who sends neither attribute does not know them, or has what it needs.
  if (!embedded.data && !embedded.acknowledged) {
    over_ = true;
    return std::nullopt;
  }
  if (embedded.acknowledged) {
    std::erase_if(pending_, [&](const Pending& p) {
      return std::ranges::find(*embedded.acknowledged, p.crc) != embedded.acknowledged->end();
    });
  }
  std::optional<std::vector<std::byte>> out;
  // "META-DTLS-IN-STUN": what is no DTLS, and anything after the handshake, is discarded.
  if (embedded.data && kind_of(*embedded.data) == PacketKind::Dtls) {
    const std::uint32_t crc = stun::wire::crc32(*embedded.data);
    if (std::ranges::find(arrived_, crc) == arrived_.end()) {
      if (arrived_.size() == max_acknowledgements) arrived_.erase(arrived_.begin());
      arrived_.push_back(crc);
    }
    if (!connected_) out = std::move(*embedded.data);
  }
  if (connected_ && pending_.empty()) over_ = true;
  return out;
}

void DtlsInStun::connected(bool client) {
  connected_ = true;
  if (client) pending_.clear();
}

std::optional<ice::Embedding> DtlsInStun::to_embed() const {
  if (over_) return std::nullopt;
  ice::Embedding out{.data_if_empty = !connected_, .acknowledged = arrived_};
  for (const Pending& p : pending_) out.data.push_back(p.datagram);
  return out;
}

DtlsInStun::Datagrams DtlsInStun::take_unsent() {
  Datagrams out;
  for (Pending& p : pending_)
    if (!std::exchange(p.sent, true)) out.push_back(p.datagram);
  return out;
}

}  // namespace linnet::transport
