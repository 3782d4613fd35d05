#include "runtime/mdns_packet.hpp"

#include <algorithm>

namespace linnet::runtime {
namespace {

/// The system says of what this machine sends to itself that it came by loopback.
std::uint32_t link_of(const io::MulticastSocket::Received& packet, std::span<const io::InterfaceAddress> interfaces) {
  const auto by_loopback = [&](const io::InterfaceAddress& a) { return a.index == packet.interface && a.loopback; };
  if (std::ranges::none_of(interfaces, by_loopback)) return packet.interface;
  const auto own = std::ranges::find_if(
      interfaces, [&](const io::InterfaceAddress& a) { return a.address.unscoped() == packet.to.unscoped(); });
  return own == interfaces.end() ? packet.interface : own->index;
}

}  // namespace

std::optional<MdnsPacket> MdnsPacket::judge(const io::MulticastSocket::Received& packet, const IpAddress& group,
                                            std::span<const io::InterfaceAddress> interfaces) noexcept {
  MdnsPacket out{.bytes = packet.bytes,
                 .from = packet.from,
                 .link = packet.interface,
                 .on_link = io::is_on_link(packet.from.address, packet.interface, interfaces)};
  if (packet.to.unscoped() == group) return out;
  if (!out.on_link) return std::nullopt;
  out.link = link_of(packet, interfaces);
  return out;
}

}  // namespace linnet::runtime
