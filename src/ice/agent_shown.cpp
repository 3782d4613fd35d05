#include <algorithm>

#include "ice/agent.hpp"

// What peers are told of our addresses: themselves, those of a 1:1 NAT, or names of multicast DNS.

namespace linnet::ice {

/// The public address that stands for this one of ours.
std::optional<IpAddress> Agent::public_address(const IpAddress& local) const noexcept {
  for (const PublicMapping& mapping : options_.public_addresses) {
    const bool each =
        !mapping.local && mapping.shown.family() == local.family() && !local.is_loopback() && !local.is_link_local();
    if (each || mapping.local == local) return mapping.shown;
  }
  return std::nullopt;
}

/// What peers are told of an address of ours.
std::variant<IpAddress, std::string> Agent::shown_address(const LocalSocket& socket) const {
  const auto shown = options_.show_private_addresses ? std::nullopt : public_address(socket.local.address);
  if (shown) return *shown;
  if (!socket.name.empty()) return socket.name;
  return without_scope(socket.local.address);
}

/// What related addresses tell of it. draft-ietf-mmusic-mdns-ice-candidates section 3.1.2.2: nothing where it is
/// hidden.
Endpoint Agent::shown_base(const LocalSocket& socket) const {
  const auto shown = shown_address(socket);
  if (const auto* const address = std::get_if<IpAddress>(&shown)) return {*address, socket.local.port};
  return {socket.local.address.is_v4() ? IpAddress{} : IpAddress::v6({}), 0};
}

bool Agent::hides_addresses() const noexcept {
  return std::ranges::any_of(sockets_, [](const LocalSocket& s) { return !s.name.empty(); });
}

/// Somebody else had the name that it was told by.
void Agent::rename_socket(const LocalSocket& socket) {
  const auto same = [&](const LocalSocket& s) { return s.local == socket.local && s.protocol == socket.protocol; };
  const auto known = std::ranges::find_if(sockets_, same);
  if (known->name == socket.name) return;
  known->name = socket.name;
  const auto of_it = [&](const LocalEntry& l) {
    if (l.candidate.protocol == socket.protocol && l.base == socket.local) return true;
    return socket.protocol == Protocol::Udp && l.candidate.tcp_type == IceTcpCandidateType::Active &&
           l.base.address == socket.local.address;
  };
  for (LocalEntry& entry : locals_) {
    if (!of_it(entry) || !std::holds_alternative<std::string>(entry.candidate.address)) continue;
    entry.candidate.address = socket.name;
    if (gathering_state_ == IceGatheringState::Complete) set_gathering_state(IceGatheringState::Gathering);
    emit(LocalCandidate{entry.candidate});
  }
  run();
}

}  // namespace linnet::ice
