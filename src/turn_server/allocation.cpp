#include "turn_server/allocation.hpp"

#include <algorithm>
#include <chrono>

namespace linnet::turn_server {

bool Permissions::grant(TimePoint now, const IpAddress& peer, TimePoint until, std::size_t most) {
  const auto known = std::ranges::find(granted_, peer, &Permission::peer);
  if (known != granted_.end()) {
    known->until = until;
    return true;
  }
  if (granted_.size() >= most) std::erase_if(granted_, [&](const Permission& p) { return p.until <= now; });
  if (granted_.size() >= most) return false;
  granted_.push_back({peer, until});
  return true;
}

bool Permissions::has(TimePoint now, const IpAddress& peer) const noexcept {
  const auto known = std::ranges::find(granted_, peer, &Permission::peer);
  return known != granted_.end() && known->until > now;
}

Channels::Bound Channels::bind(TimePoint now, ChannelNumber number, const Endpoint& peer, TimePoint until,
                               std::size_t most) {
  // RFC 8656 section 12.2: neither the number nor the peer may be bound to another one.
  for (Channel& channel : bound_) {
    if (channel.until <= now || (channel.number != number && channel.peer != peer)) continue;
    if (channel.number != number || channel.peer != peer) return Bound::Conflict;
    channel.until = until;
    return Bound::Yes;
  }
  std::erase_if(bound_, [&](const Channel& channel) { return channel.until <= now; });
  if (bound_.size() >= most) return Bound::Full;
  bound_.push_back({number, peer, until});
  return Bound::Yes;
}

const Endpoint* Channels::peer(TimePoint now, ChannelNumber number) const noexcept {
  const auto found = std::ranges::find(bound_, number, &Channel::number);
  return found != bound_.end() && found->until > now ? &found->peer : nullptr;
}

std::optional<ChannelNumber> Channels::number(TimePoint now, const Endpoint& peer) const noexcept {
  const auto found = std::ranges::find(bound_, peer, &Channel::peer);
  if (found == bound_.end() || found->until <= now) return std::nullopt;
  return found->number;
}

bool Allowance::take(TimePoint now, std::size_t bytes) noexcept {
  if (rate_ == 0) return true;
  left_ = std::min(rate_, left_ + rate_ * std::chrono::duration<double>(now - at_).count());
  at_ = now;
  const auto cost = static_cast<double>(bytes);
  if (cost > left_) return false;
  left_ -= cost;
  return true;
}

}  // namespace linnet::turn_server
