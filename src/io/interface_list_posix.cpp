// What addresses there are, for systems without rtnetlink. interface_list_linux.cpp is the same for Linux, where a test
// asks for this one all the same.
#if !defined(__linux__) || defined(LINNET_IO_PORTABLE)

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <bit>
#include <memory>

#include "io/interfaces.hpp"
#include "io/socket_address.hpp"

namespace linnet::io {

namespace {

std::uint8_t prefix_length(const sockaddr* mask) {
  const auto bits = from_system(mask);
  if (!bits) return 0;
  int length = 0;
  for (const std::uint8_t b : bits->address.bytes()) length += std::popcount(b);
  return static_cast<std::uint8_t>(length);
}

}  // namespace

// Nothing is known here of deprecated addresses and of what is wireless.
std::vector<InterfaceAddress> interfaces() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner{head, ::freeifaddrs};
  std::vector<InterfaceAddress> out;
  for (const ifaddrs* it = head; it != nullptr; it = it->ifa_next) {
    if ((it->ifa_flags & IFF_UP) == 0) continue;
    const auto endpoint = from_system(it->ifa_addr);
    if (!endpoint) continue;
    InterfaceAddress a;
    a.name = it->ifa_name;
    a.address = endpoint->address;
    a.index = ::if_nametoindex(it->ifa_name);
    a.loopback = (it->ifa_flags & IFF_LOOPBACK) != 0 || a.address.is_loopback();
    a.running = (it->ifa_flags & IFF_RUNNING) != 0;
    a.multicast = (it->ifa_flags & IFF_MULTICAST) != 0;
    a.point_to_point = (it->ifa_flags & IFF_POINTOPOINT) != 0;
    a.prefix_length = prefix_length(it->ifa_netmask);
    out.push_back(std::move(a));
  }
  return out;
}

}  // namespace linnet::io

#endif
