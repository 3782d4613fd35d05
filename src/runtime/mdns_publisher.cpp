#include "runtime/mdns_publisher.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "io/clock.hpp"
#include "mdns/resolver.hpp"
#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {

std::shared_ptr<MdnsPublisher> MdnsPublisher::at(const boost::asio::any_io_executor& executor) {
  auto& publishers = SharedByExecutor<MdnsPublisher>::of(executor);
  if (auto known = publishers.find(executor)) return known;
  auto publisher = std::make_shared<MdnsPublisher>(Key{}, executor);
  publishers.add(executor, publisher);
  return publisher;
}

MdnsPublisher::MdnsPublisher(Key, boost::asio::any_io_executor executor)
    : executor_(std::move(executor)), responder_({.max_names = 8'192, .max_packets = 512}), timer_(executor_) {}

std::string MdnsPublisher::publish(const IpAddress& address, OnLost lost) {
  join_groups();
  std::string name = mdns::random_name(generator_);
  if (responder_.publish(io::SteadyClock::now(), name, address)) names_.emplace(name, std::move(lost));
  send();
  set_timer();
  return name;
}

void MdnsPublisher::withdraw(const std::string& name) {
  if (names_.erase(name) == 0) return;
  responder_.withdraw(io::SteadyClock::now(), name);
  send();
  if (names_.empty()) leave_groups();
  set_timer();
}

void MdnsPublisher::abandon() {
  responder_.close();
  names_.clear();
  leave_groups();
  timer_.cancel();
}

/// Also on interfaces that were not there before.
void MdnsPublisher::join_groups() {
  for (const auto& group : groups_) (*group)->join_new_interfaces();
  for (const Endpoint& endpoint : {mdns::group_v4(), mdns::group_v6()}) {
    const auto same = [&](const auto& group) { return (*group)->group() == endpoint; };
    if (std::ranges::any_of(groups_, same)) continue;
    auto socket = io::MulticastSocket::join(endpoint);
    if (!socket) continue;
    groups_.push_back(std::make_shared<Group>(executor_, std::move(*socket)));
    read(groups_.back());
  }
}

/// The pending waits hold the sockets: they end only when told to.
void MdnsPublisher::leave_groups() {
  for (const auto& group : groups_) group->stop();
  groups_.clear();
}

void MdnsPublisher::read(std::shared_ptr<Group> group) {
  Group& g = *group;
  g.wait(Group::Wait::wait_read, [weak = weak_from_this(), group = std::move(group)](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || group->stopped()) return;
    std::array<std::byte, 9'000> buffer;  // RFC 6762 section 17: the largest packet.
    for (int i = 0; i < 32; ++i) {
      const auto packet = (*group)->receive(buffer);
      if (packet.empty()) break;
      self->responder_.handle_packet(io::SteadyClock::now(), packet);
    }
    self->pump();
    if (!group->stopped()) self->read(group);
  });
}

void MdnsPublisher::send() {
  std::array<std::byte, 1'500> buffer;
  while (const std::size_t size = responder_.poll_packet(io::SteadyClock::now(), buffer))
    for (const auto& group : groups_) (*group)->send(std::span{buffer}.first(size));
}

void MdnsPublisher::pump() {
  send();
  while (const auto event = responder_.poll_event()) {
    const auto found = names_.find(std::get<mdns::Conflict>(*event).name);
    if (found == names_.end()) continue;
    const auto [name, lost] = std::pair{found->first, std::move(found->second)};
    names_.erase(found);
    lost(name);
  }
  set_timer();
}

void MdnsPublisher::set_timer() {
  const TimePoint next = responder_.next_timeout();
  if (next == never) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->responder_.handle_timeout(io::SteadyClock::now());
    self->pump();
  });
}

}  // namespace linnet::runtime
