#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "io/file_descriptor.hpp"

namespace linnet::io {

/// Tells that an interface or one of its addresses came, went or changed; not which one. A netlink socket on Linux
/// (rtnetlink(7)); elsewhere there is none. Owned by the runtime, which waits for readiness. Never blocks.
class AddressMonitor {
 public:
  [[nodiscard]] static std::expected<AddressMonitor, std::error_code> open();

  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }
  /// Takes all that waits; true when something changed.
  [[nodiscard]] bool read() noexcept;

 private:
  explicit AddressMonitor(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace linnet::io
