#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <system_error>
#include <vector>

#include "io/file_descriptor.hpp"
#include "linnet/core/address.hpp"

namespace linnet::io {

/// A non-blocking socket in one multicast group (of one family) on every interface that can do multicast, loopback
/// included: for multicast DNS. Shares its port with other programs (a browser, avahi). Owned by the runtime.
class MulticastSocket {
 public:
  /// Joins `group` on all interfaces and binds to its port.
  [[nodiscard]] static std::expected<MulticastSocket, std::error_code> join(const Endpoint& group);

  /// Interfaces may have come since.
  void join_new_interfaces() noexcept;
  [[nodiscard]] const Endpoint& group() const noexcept { return group_; }
  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

  /// Sends to the group, once on each interface. Failures are ignored: an interface may have gone.
  void send(std::span<const std::byte> packet) noexcept;
  /// The next packet in `buffer`; empty when there is none (or it does not fit).
  [[nodiscard]] std::span<const std::byte> receive(std::span<std::byte> buffer) noexcept;

 private:
  MulticastSocket(FileDescriptor fd, const Endpoint& group) : fd_(std::move(fd)), group_(group) {}

  FileDescriptor fd_;
  Endpoint group_;
  std::vector<std::uint32_t> interfaces_;
};

}  // namespace linnet::io
