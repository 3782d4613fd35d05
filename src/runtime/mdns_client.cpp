#include "runtime/mdns_client.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "io/clock.hpp"

namespace linnet::runtime {

MdnsClient::MdnsClient(boost::asio::any_io_executor executor, Generator& generator, io::HostAddressPolicy policy,
                       Answer answer)
    : executor_(std::move(executor)),
      resolver_(mdns::Options{}, generator),
      policy_(std::move(policy)),
      answer_(std::move(answer)) {}

void MdnsClient::query(ResolveId id, const std::string& host) {
  if (!sockets_) sockets_ = MdnsSockets::at(executor_);
  const auto sockets = sockets_;
  sockets->add(shared_from_this());
  const TimePoint now = io::SteadyClock::now();
  resolver_.query(now, mdns::QueryId{static_cast<std::uint64_t>(id)}, host);
  flush(now);
  sockets->arm(next_timeout());
}

void MdnsClient::close() {
  answer_ = nullptr;
  resolver_.close();
  leave();
}

void MdnsClient::leave() {
  if (!sockets_) return;
  sockets_->remove(*this);
  sockets_.reset();
  links_.clear();
}

void MdnsClient::handle_packet(TimePoint now, const MdnsPacket& packet) {
  // RFC 6762 section 6: answers come from port 5353, all others are none.
  if (packet.from.port != mdns::port || std::ranges::find(links_, packet.link) == links_.end()) return;
  resolver_.handle_packet(now, packet.bytes);
}

void MdnsClient::flush(TimePoint now) {
  send(now);
  while (auto event = resolver_.poll_event()) {
    auto& resolved = std::get<mdns::Resolved>(*event);
    if (answer_) answer_(ResolveId{resolved.id.value()}, std::move(resolved.addresses));
  }
  if (resolver_.idle()) leave();
}

void MdnsClient::send(TimePoint now) {
  std::array<std::byte, 1'500> buffer;
  bool looked = false;
  while (const std::size_t size = resolver_.poll_packet(now, buffer)) {
    if (!sockets_) continue;
    if (!std::exchange(looked, true)) links_ = sockets_->links(policy_);
    for (const std::uint32_t link : links_) sockets_->send(std::span{buffer}.first(size), link);
  }
}

}  // namespace linnet::runtime
