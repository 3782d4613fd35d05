#include "runtime/mdns_sockets.hpp"

#include <algorithm>
#include <utility>

#include "io/clock.hpp"
#include "mdns/resolver.hpp"
#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {

std::shared_ptr<MdnsSockets> MdnsSockets::at(const boost::asio::any_io_executor& executor) {
  auto& all = SharedByExecutor<MdnsSockets>::of(executor);
  if (auto known = all.find(executor)) return known;
  auto sockets = std::make_shared<MdnsSockets>(Key{}, executor);
  all.add(executor, sockets);
  return sockets;
}

MdnsSockets::MdnsSockets(Key, boost::asio::any_io_executor executor)
    : executor_(std::move(executor)), timer_(executor_) {}

void MdnsSockets::add(const std::shared_ptr<User>& user) {
  if (abandoned_ || std::ranges::find(users_, user.get(), &Known::user) != users_.end()) return;
  users_.push_back({user.get(), user});
  if (groups_.empty()) open();
}

void MdnsSockets::remove(const User& user) {
  std::erase_if(users_, [&](const Known& known) { return known.user == &user; });
  if (users_.empty()) close();
}

void MdnsSockets::abandon() {
  abandoned_ = true;
  users_.clear();
  close();
}

void MdnsSockets::open() {
  for (const Endpoint& group : {mdns::group_v4(), mdns::group_v6()}) {
    auto socket = io::MulticastSocket::open(group);
    if (!socket) continue;
    groups_.push_back(std::make_shared<Group>(executor_, std::move(*socket)));
    read(groups_.back());
  }
  if (groups_.empty() || watch_) return;
  watch_ = NetworkWatch::at(executor_);
  if (!watch_) return;
  watched_as_ = watch_->add([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->network_changed();
  });
}

/// The pending waits hold the sockets: they end only when told to.
void MdnsSockets::close() {
  for (const auto& group : groups_) group->stop();
  groups_.clear();
  if (watch_) watch_->remove(watched_as_);
  watch_.reset();
  stale_ = true;
  armed_ = never;
  timer_.cancel();
}

void MdnsSockets::refresh() {
  if (!stale_) return;
  interfaces_ = io::interfaces();
  stale_ = false;
}

/// An interface that went took its memberships with it, and another one may have come under its number.
void MdnsSockets::network_changed() {
  stale_ = true;
  refresh();
  for (const auto& group : groups_) {
    const std::vector<std::uint32_t> joined = (*group)->interfaces();
    for (const std::uint32_t link : joined) {
      (*group)->forget(link);
      if (std::ranges::find(interfaces_, link, &io::InterfaceAddress::index) != interfaces_.end()) (*group)->join(link);
    }
  }
}

std::vector<std::uint32_t> MdnsSockets::links(const io::HostAddressPolicy& policy) {
  if (!watch_) stale_ = true;
  refresh();
  io::HostAddressPolicy with_loopback = policy;
  with_loopback.loopback = true;
  std::vector<std::uint32_t> out;
  for (const io::InterfaceAddress& a : io::host_addresses(interfaces_, with_loopback)) {
    if ((a.multicast || a.loopback) && std::ranges::find(out, a.index) == out.end()) out.push_back(a.index);
  }
  return out;
}

void MdnsSockets::send(std::span<const std::byte> packet, std::uint32_t link, const std::optional<Endpoint>& to) {
  for (const auto& group : groups_) {
    if (to || (*group)->join(link)) (*group)->send(packet, link, to);
  }
}

void MdnsSockets::read(std::shared_ptr<Group> group) {
  Group& g = *group;
  // The handler keeps the group, not this object: who owns this one may let it go at any time.
  g.wait(Group::Wait::wait_read, [weak = weak_from_this(), group = std::move(group)](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || group->stopped()) return;
    self->receive(*group);
    if (!group->stopped()) self->read(group);
  });
}

void MdnsSockets::receive(Group& group) {
  const TimePoint now = io::SteadyClock::now();
  const std::vector<Known> users = users_;  // Some may stop being one.
  std::array<std::byte, 9'000> buffer;      // RFC 6762 section 17: the largest packet.
  refresh();
  for (int i = 0; i < 32 && !group.stopped(); ++i) {
    const auto received = group->receive(buffer);
    if (!received) break;
    const auto packet = MdnsPacket::judge(*received, group->group().address, interfaces_);
    if (!packet) continue;
    for (const Known& known : users)
      if (const auto user = known.weak.lock()) user->handle_packet(now, *packet);
  }
  for (const Known& known : users) {
    const auto user = known.weak.lock();
    if (!user) continue;
    user->flush(now);
    arm(user->next_timeout());
  }
}

void MdnsSockets::arm(TimePoint next) {
  // A later deadline lets the timer fire early once.
  if (next >= armed_ || users_.empty()) return;
  armed_ = next;
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([weak = weak_from_this(), next](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->armed_ != next) return;
    self->expire();
  });
}

void MdnsSockets::expire() {
  armed_ = never;
  const TimePoint now = io::SteadyClock::now();
  const std::vector<Known> users = users_;
  for (const Known& known : users) {
    const auto user = known.weak.lock();
    if (!user) continue;
    user->handle_timeout(now);
    user->flush(now);
    arm(user->next_timeout());
  }
}

}  // namespace linnet::runtime
