#pragma once

#include <sys/socket.h>

#include <optional>

#include "linnet/core/address.hpp"

namespace linnet::io {

/// The system's form of an Endpoint.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Writes `endpoint` into `out`; returns the size used.
socklen_t to_system(const Endpoint& endpoint, sockaddr_storage& out) noexcept;
[[nodiscard]] SocketAddress to_system(const Endpoint& endpoint) noexcept;

/// Empty when it is neither IPv4 nor IPv6. The scope is kept for link-local addresses only.
[[nodiscard]] std::optional<Endpoint> from_system(const sockaddr* address) noexcept;

/// The address a socket is bound to.
[[nodiscard]] std::optional<Endpoint> local_endpoint(int fd) noexcept;

}  // namespace linnet::io
