#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "io/interfaces.hpp"
#include "io/multicast_socket.hpp"
#include "linnet/core/address.hpp"

namespace linnet::runtime {

/// A packet of multicast DNS that came from one of this machine's links.
struct MdnsPacket {
  std::span<const std::byte> bytes;
  Endpoint from;
  std::uint32_t link = 0;  ///< The interface that it came in by, or that it was sent to by this machine itself.
  bool on_link = false;    ///< The sender's address is one of that link: it may be answered directly.

  /// Empty: it may be from anywhere in the world, and is to be dropped (RFC 6762 section 11). What came to the group
  /// came from the link, as no router passes such packets on.
  [[nodiscard]] static std::optional<MdnsPacket> judge(const io::MulticastSocket::Received& packet,
                                                       const IpAddress& group,
                                                       std::span<const io::InterfaceAddress> interfaces) noexcept;
};

}  // namespace linnet::runtime
