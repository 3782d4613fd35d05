#include "runtime/mdns_publisher.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "io/clock.hpp"
#include "mdns/resolver.hpp"
#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {
namespace {

using std::chrono::seconds;

constexpr Duration conflict_window = seconds{10};
/// RFC 6762 section 8.1: at least five seconds. Each new name is a new candidate that the peer is told.
constexpr Duration conflict_pause = seconds{60};

}  // namespace

std::shared_ptr<MdnsPublisher> MdnsPublisher::at(const boost::asio::any_io_executor& executor) {
  auto& publishers = SharedByExecutor<MdnsPublisher>::of(executor);
  if (auto known = publishers.find(executor)) return known;
  auto publisher = std::make_shared<MdnsPublisher>(Key{}, executor);
  publishers.add(executor, publisher);
  return publisher;
}

MdnsPublisher::MdnsPublisher(Key, boost::asio::any_io_executor executor)
    : executor_(std::move(executor)), sockets_(MdnsSockets::at(executor_)) {}

std::optional<std::string> MdnsPublisher::publish(const IpAddress& address, std::uint32_t link, OnLost lost) {
  const TimePoint now = io::SteadyClock::now();
  std::string name = mdns::random_name(generator_);
  constexpr mdns::ResponderOptions options{.max_names = max_names, .max_packets = 512};
  mdns::Responder& responder = links_.try_emplace(link, options).first->second;
  if (!responder.publish(now, name, address)) return std::nullopt;
  names_.emplace(name, Name{link, std::move(lost)});
  sockets_->add(shared_from_this());
  send(now);
  sockets_->arm(next_timeout());
  return name;
}

void MdnsPublisher::withdraw(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  const TimePoint now = io::SteadyClock::now();
  if (const auto link = links_.find(found->second.link); link != links_.end()) link->second.withdraw(now, name);
  names_.erase(found);
  std::erase_if(told_later_, [&](const auto& later) { return later.second == name; });
  send(now);
  if (names_.empty()) sockets_->remove(*this);
}

void MdnsPublisher::abandon() {
  links_.clear();
  names_.clear();
  told_later_.clear();
  sockets_->remove(*this);
}

void MdnsPublisher::handle_packet(TimePoint now, const MdnsPacket& packet) {
  const auto link = links_.find(packet.link);
  if (link == links_.end()) return;
  if (packet.from.port == mdns::port)
    link->second.handle_packet(now, packet.bytes);
  else if (packet.on_link)
    link->second.handle_legacy_packet(now, packet.bytes, packet.from);
}

void MdnsPublisher::handle_timeout(TimePoint now) {
  for (auto& [index, responder] : links_) responder.handle_timeout(now);
  while (!told_later_.empty() && told_later_.front().first <= now) {
    const std::string name = std::move(told_later_.front().second);
    told_later_.pop_front();
    tell_lost(name);
  }
}

TimePoint MdnsPublisher::next_timeout() const {
  TimePoint next = told_later_.empty() ? never : told_later_.front().first;
  for (const auto& [index, responder] : links_) next = std::min(next, responder.next_timeout());
  return next;
}

void MdnsPublisher::send(TimePoint now) {
  std::array<std::byte, 1'500> buffer;
  std::optional<Endpoint> to;
  for (auto& [link, responder] : links_)
    while (const std::size_t size = responder.poll_packet(now, buffer, to))
      sockets_->send(std::span{buffer}.first(size), link, to);
}

void MdnsPublisher::flush(TimePoint now) {
  send(now);
  for (auto& [index, responder] : links_)
    while (const auto event = responder.poll_event()) take_conflict(now, std::get<mdns::Conflict>(*event).name);
  leave_unused();
}

void MdnsPublisher::take_conflict(TimePoint now, const std::string& name) {
  if (!names_.contains(name)) return;
  const bool many = conflicts_.size() >= max_conflicts && conflicts_.front() + conflict_window > now;
  if (many) {
    told_later_.emplace_back(now + conflict_pause, name);
    return;
  }
  if (conflicts_.size() >= max_conflicts) conflicts_.pop_front();
  conflicts_.push_back(now);
  tell_lost(name);
}

/// Unless it was withdrawn meanwhile.
void MdnsPublisher::tell_lost(const std::string& name) {
  auto node = names_.extract(name);
  if (!node.empty()) node.mapped().lost(node.key());
}

void MdnsPublisher::leave_unused() {
  std::erase_if(links_, [](const auto& link) { return link.second.names() == 0; });
  if (names_.empty()) sockets_->remove(*this);
}

}  // namespace linnet::runtime
