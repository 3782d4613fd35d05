#include "runtime/mdns_client.hpp"

#include <array>
#include <utility>

#include "io/clock.hpp"

namespace linnet::runtime {

MdnsClient::MdnsClient(boost::asio::any_io_executor executor, Generator& generator, Answer answer)
    : executor_(std::move(executor)),
      resolver_(mdns::Options{}, generator),
      answer_(std::move(answer)),
      timer_(executor_) {}

void MdnsClient::query(ResolveId id, const std::string& host) {
  if (groups_.empty()) open();
  resolver_.query(io::SteadyClock::now(), mdns::QueryId{static_cast<std::uint64_t>(id)}, host);
  pump();
}

void MdnsClient::close() {
  answer_ = nullptr;
  resolver_.close();
  leave_groups();
  timer_.cancel();
}

void MdnsClient::open() {
  // Without any group the question simply finds no answer in time.
  for (const Endpoint& group : {mdns::group_v4(), mdns::group_v6()}) {
    auto socket = io::MulticastSocket::join(group);
    if (!socket) continue;
    groups_.push_back(std::make_shared<Group>(executor_, std::move(*socket)));
    read(groups_.back());
  }
}

/// The pending waits hold the sockets: they end only when told to.
void MdnsClient::leave_groups() {
  for (const auto& group : groups_) group->stop();
  groups_.clear();
}

void MdnsClient::read(std::shared_ptr<Group> group) {
  Group& g = *group;
  // The handler keeps the group, not this object: who owns this one may let it go at any time.
  g.wait(Group::Wait::wait_read, [weak = weak_from_this(), group = std::move(group)](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || group->stopped()) return;
    std::array<std::byte, 9'000> buffer;  // RFC 6762 section 17: the largest packet.
    for (int i = 0; i < 32; ++i) {
      const auto packet = (*group)->receive(buffer);
      if (packet.empty()) break;
      self->resolver_.handle_packet(io::SteadyClock::now(), packet);
    }
    self->pump();
    if (!group->stopped()) self->read(group);
  });
}

void MdnsClient::pump() {
  std::array<std::byte, 9'000> buffer;
  while (const std::size_t size = resolver_.poll_packet(io::SteadyClock::now(), buffer))
    for (const auto& group : groups_) (*group)->send(std::span{buffer}.first(size));
  while (auto event = resolver_.poll_event()) {
    auto& resolved = std::get<mdns::Resolved>(*event);
    if (answer_) answer_(ResolveId{resolved.id.value()}, std::move(resolved.addresses));
  }
  if (resolver_.idle()) leave_groups();
  set_timer();
}

void MdnsClient::set_timer() {
  const TimePoint next = resolver_.next_timeout();
  if (next == never) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->resolver_.handle_timeout(io::SteadyClock::now());
    self->pump();
  });
}

}  // namespace linnet::runtime
