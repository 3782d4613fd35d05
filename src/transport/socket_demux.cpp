#include "transport/socket_demux.hpp"

#include <algorithm>
#include <cstring>

#include "stun/message_view.hpp"

namespace linnet::transport {
namespace {

/// What a server says of an allocation is believed up to here; RFC 8656 section 7.2 recommends it as the most.
constexpr std::chrono::seconds max_lifetime = std::chrono::hours{1};

}  // namespace

std::size_t SocketDemux::TransactionHash::operator()(const stun::TransactionId& id) const noexcept {
  // Random already; a peer chooses none of those that are kept.
  std::size_t hash = 0;
  std::memcpy(&hash, id.bytes.data(), std::min(sizeof hash, id.bytes.size()));
  return hash;
}

MemberId SocketDemux::add() {
  const MemberId id{next_member_++};
  members_.try_emplace(id);
  return id;
}

void SocketDemux::remove(MemberId member) {
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  set_username_fragments(member, {});
  for (const Path& path : found->second.paths) owners_.erase(path);
  members_.erase(found);
}

void SocketDemux::set_username_fragments(MemberId member, std::vector<std::string> fragments) {
  const auto found = members_.find(member);
  if (found == members_.end() || found->second.fragments == fragments) return;
  for (const std::string& fragment : found->second.fragments) {
    const auto known = fragments_.find(fragment);
    if (known != fragments_.end() && known->second == member) fragments_.erase(known);
  }
  for (const std::string& fragment : fragments) fragments_.try_emplace(fragment, member);
  found->second.fragments = std::move(fragments);
}

std::optional<SocketDemux::Named> SocketDemux::named_by(const Datagram& datagram) const {
  if (!stun::is_stun(datagram.bytes)) return std::nullopt;
  const auto message = stun::MessageView::parse(datagram.bytes);
  if (!message) return std::nullopt;
  switch (message->message_class()) {
    case stun::Class::Request:
      // RFC 8445 section 7.2.2: USERNAME is RECEIVER ":" SENDER.
      if (const auto name = message->text(stun::AttributeType::Username)) {
        const auto found = fragments_.find(name->substr(0, name->find(':')));
        if (found != fragments_.end()) return Named{found->second};
      }
      break;
    case stun::Class::Success:
    case stun::Class::Error: {
      const auto found = requests_.find(message->transaction_id());
      if (found == requests_.end() || !members_.contains(found->second.member)) break;
      const bool done = message->message_class() == stun::Class::Success;
      return Named{found->second.member, done ? message->u32(stun::AttributeType::Lifetime) : std::nullopt};
    }
    case stun::Class::Indication: break;
  }
  return std::nullopt;
}

std::optional<MemberId> SocketDemux::route(const Datagram& datagram) {
  const auto named = named_by(datagram);
  const auto owner = owners_.find(datagram.path);
  if (owner == owners_.end()) {
    if (named) return named->member;
    ++statistics_.unknown;
    return std::nullopt;
  }
  if (named && named->member != owner->second.member) return named->member;
  owner->second.heard = std::max(owner->second.heard, datagram.at);
  if (named && named->lifetime) {
    owner->second.until = datagram.at + std::min(std::chrono::seconds{*named->lifetime}, max_lifetime);
  }
  return owner->second.member;
}

bool SocketDemux::may_send(TimePoint now, MemberId member, const DatagramBatch::Run& run) {
  if (!stun::is_stun(run.segment_size == 0 ? run.bytes
                                           : run.bytes.first(std::min(run.segment_size, run.bytes.size())))) {
    return claim(now, member, run.path);
  }
  // STUN goes alone or among its like; each request of a run is looked for when its answer comes.
  auto rest = run.bytes;
  while (!rest.empty()) {
    const auto piece = run.segment_size == 0 ? rest : rest.first(std::min(run.segment_size, rest.size()));
    rest = rest.subspan(piece.size());
    const auto message = stun::MessageView::parse(piece);
    if (!message) continue;
    switch (message->message_class()) {
      case stun::Class::Request:
        // Whoever uses the path, anybody may ask a server for the own address; a check (it has a USERNAME) may not go
        // there, and what is about an allocation makes the path one's own.
        if (message->method() != stun::Method::Binding) {
          if (!claim(now, member, run.path)) return false;
        } else if (message->has(stun::AttributeType::Username) && is_others(now, member, run.path)) {
          ++statistics_.contested;
          return false;
        }
        remember_request(member, message->transaction_id());
        break;
      case stun::Class::Success:
        // The check was authentic: the session knows who is there.
        if (!claim(now, member, run.path)) return false;
        break;
      case stun::Class::Indication:
        if (message->method() == stun::Method::Send && !claim(now, member, run.path)) return false;
        break;
      case stun::Class::Error: break;
    }
  }
  return true;
}

TimePoint SocketDemux::reserved_until(const Owner& owner) const {
  return std::max(owner.heard + options_.idle, owner.until);
}

bool SocketDemux::is_others(TimePoint now, MemberId member, const Path& path) const {
  const auto owner = owners_.find(path);
  return owner != owners_.end() && owner->second.member != member && now < reserved_until(owner->second);
}

bool SocketDemux::claim(TimePoint now, MemberId member, const Path& path) {
  const auto claimant = members_.find(member);
  if (claimant == members_.end()) return false;
  const auto [owner, added] = owners_.try_emplace(path, Owner{member, now});
  if (!added) {
    if (owner->second.member == member) return true;
    if (now < reserved_until(owner->second)) {
      ++statistics_.contested;
      return false;
    }
    if (const auto before = members_.find(owner->second.member); before != members_.end()) {
      std::erase(before->second.paths, path);
    }
    owner->second = {member, now};
  }
  auto& paths = claimant->second.paths;
  paths.push_back(path);
  if (paths.size() > options_.max_paths) {
    const auto reserved = [&](const Path& p) { return reserved_until(owners_.at(p)); };
    const auto first = std::ranges::min_element(paths.begin(), paths.end() - 1, {}, reserved);
    owners_.erase(*first);
    paths.erase(first);
  }
  return true;
}

void SocketDemux::remember_request(MemberId member, const stun::TransactionId& id) {
  const auto [entry, added] = requests_.try_emplace(id, Request{member, next_request_});
  if (!added) return;  // Sent once more.
  order_.emplace_back(id, next_request_++);
  while (order_.size() > options_.max_requests) {
    const auto& [oldest, number] = order_.front();
    const auto found = requests_.find(oldest);
    if (found != requests_.end() && found->second.number == number) requests_.erase(found);
    order_.pop_front();
  }
}

}  // namespace linnet::transport
