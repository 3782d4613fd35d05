#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "io/file_descriptor.hpp"
#include "linnet/core/address.hpp"

namespace linnet::io {

/// A non-blocking socket in one multicast group (of one family) on those interfaces that it is told: for multicast DNS.
/// Shares its port with other programs (a browser, avahi). Owned by the runtime.
class MulticastSocket {
 public:
  struct Received {
    std::span<const std::byte> bytes;
    Endpoint from;
    IpAddress to;                 ///< The group, or an address of ours.
    std::uint32_t interface = 0;  ///< Where it came in; 0: the system does not say.
  };

  /// Binds to the group's port; joins nothing.
  [[nodiscard]] static std::expected<MulticastSocket, std::error_code> open(const Endpoint& group);

  /// False: this interface is not there, or does no multicast. Asks the system only when it is no member yet.
  bool join(std::uint32_t interface) noexcept;
  /// Of a member that the system may have forgotten: an interface that goes takes its memberships with it.
  void forget(std::uint32_t interface) noexcept;
  [[nodiscard]] const std::vector<std::uint32_t>& interfaces() const noexcept { return interfaces_; }
  [[nodiscard]] const Endpoint& group() const noexcept { return group_; }
  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

  /// Sends to the group, or to `to` alone, on that interface and no other. False: it could not. Where it is for the
  /// group and the interface has gone, that is no member any more.
  bool send(std::span<const std::byte> packet, std::uint32_t interface,
            const std::optional<Endpoint>& to = {}) noexcept;
  /// The next packet, in `buffer`; those that do not fit are left out. Empty when there is none.
  [[nodiscard]] std::optional<Received> receive(std::span<std::byte> buffer) noexcept;

 private:
  MulticastSocket(FileDescriptor fd, const Endpoint& group) : fd_(std::move(fd)), group_(group) {}

  FileDescriptor fd_;
  Endpoint group_;
  std::vector<std::uint32_t> interfaces_;
};

}  // namespace linnet::io
