#include "io/address_monitor.hpp"

#include <cerrno>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#endif

namespace linnet::io {

#ifdef __linux__

std::expected<AddressMonitor, std::error_code> AddressMonitor::open() {
  FileDescriptor fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  local.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (fd.get() < 0 || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    return std::unexpected(std::error_code{errno, std::system_category()});
  }
  return AddressMonitor{std::move(fd)};
}

bool AddressMonitor::read() noexcept {
  bool changed = false;
  std::array<std::byte, 8'192> buffer;
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0 || (size < 0 && errno == ENOBUFS)) {  // More changed than the kernel kept for us.
      changed = true;
    } else if (size == 0 || errno != EINTR) {
      return changed;
    }
  }
}

#else

std::expected<AddressMonitor, std::error_code> AddressMonitor::open() {
  return std::unexpected(std::make_error_code(std::errc::not_supported));
}

bool AddressMonitor::read() noexcept { return false; }

#endif

}  // namespace linnet::io
