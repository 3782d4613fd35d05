#include "io/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

// Linux tells the state of IPv6 addresses here; elsewhere the file does not exist and none counts as deprecated.
//   fe80000000000000aaaaaaaaaaaaaaaa 02 40 20 80 eth0
//   address                          index plen scope flags name
std::set<std::string> unusable_v6() {
  constexpr unsigned deprecated = 0x20, tentative = 0x40, dad_failed = 0x08;
  std::set<std::string> out;
  std::ifstream file{"/proc/net/if_inet6"};
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields{line};
    std::string address, index, prefix, scope;
    unsigned flags = 0;
    if (fields >> address >> index >> prefix >> scope >> std::hex >> flags &&
        (flags & (deprecated | tentative | dad_failed)))
      out.insert(address);
  }
  return out;
}

std::string hex(const IpAddress& address) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t b : address.bytes()) {
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

/// What each address of an interface has in common; asking the system takes several calls.
struct Interface {
  unsigned index = 0;
  bool wireless = false;
};

Interface look_at(const std::string& name) {
  return {.index = ::if_nametoindex(name.c_str()),
          .wireless = ::access(("/sys/class/net/" + name + "/wireless").c_str(), F_OK) == 0};
}

// RFC 8445 section 5.1.1.1: deprecated forms of IPv6 addresses.
bool is_forbidden(const IpAddress& a) {
  if (a.is_unspecified() || a.is_multicast()) return true;
  if (a.is_v4()) return false;
  if (a.unmapped().is_v4()) return true;
  const auto b = a.bytes();
  const bool site_local = b[0] == 0xFE && (b[1] & 0xC0) == 0xC0;
  const bool v4_compatible =
      std::ranges::all_of(b.first(12), [](std::uint8_t x) { return x == 0; }) && !a.is_loopback();
  return site_local || v4_compatible;
}

/// A lone link-local address does not count.
bool is_network(const InterfaceAddress& a) { return !a.loopback && !a.address.is_link_local(); }

bool is_let_in(const InterfaceAddress& a, const HostAddressPolicy& policy) {
  const auto named = [&](const std::string& pattern) { return matches(pattern, a.name); };
  const auto within = [&](const IpPrefix& range) { return range.contains(a.address); };
  if (std::ranges::any_of(policy.deny_interfaces, named) || std::ranges::any_of(policy.deny_addresses, within)) {
    return false;
  }
  return (policy.allow_interfaces.empty() || std::ranges::any_of(policy.allow_interfaces, named)) &&
         (policy.allow_addresses.empty() || std::ranges::any_of(policy.allow_addresses, within));
}

}  // namespace

std::vector<InterfaceAddress> interfaces() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner{head, ::freeifaddrs};
  std::optional<std::set<std::string>> unusable;
  std::map<std::string, Interface, std::less<>> known;

  std::vector<InterfaceAddress> out;
  for (const ifaddrs* it = head; it != nullptr; it = it->ifa_next) {
    if ((it->ifa_flags & IFF_UP) == 0) continue;
    const auto endpoint = from_system(it->ifa_addr);
    if (!endpoint) continue;
    InterfaceAddress a;
    a.name = it->ifa_name;
    a.address = endpoint->address;
    auto found = known.find(a.name);
    if (found == known.end()) found = known.emplace(a.name, look_at(a.name)).first;
    a.index = found->second.index;
    a.wireless = found->second.wireless;
    a.loopback = (it->ifa_flags & IFF_LOOPBACK) != 0 || a.address.is_loopback();
    a.running = (it->ifa_flags & IFF_RUNNING) != 0;
    a.multicast = (it->ifa_flags & IFF_MULTICAST) != 0;
    a.point_to_point = (it->ifa_flags & IFF_POINTOPOINT) != 0;
    if (a.address.is_v6()) {
      if (!unusable) unusable = unusable_v6();
      a.deprecated = unusable->contains(hex(a.address));
    }
    out.push_back(std::move(a));
  }
  return out;
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  // The last star takes what it must and, when the rest does not fit, one character more: no other needs to be tried.
  std::size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<InterfaceAddress> host_addresses(std::span<const InterfaceAddress> all, const HostAddressPolicy& policy) {
  std::vector<InterfaceAddress> usable;
  for (const InterfaceAddress& a : all) {
    if (!a.running || a.deprecated || is_forbidden(a.address)) continue;
    if (a.address.is_v4() ? !policy.ipv4 : !policy.ipv6) continue;
    if (policy.loopback_only && !a.loopback) continue;
    if (!is_let_in(a, policy)) continue;
    const bool has_better = std::ranges::any_of(all, [&](const InterfaceAddress& b) {
      return b.index == a.index && b.address.is_v6() && !b.address.is_link_local() && !b.deprecated &&
             !is_forbidden(b.address);
    });
    if (a.address.is_v6() && a.address.is_link_local() && has_better) continue;
    usable.push_back(a);
  }
  // Loopback serves two processes on one machine that has no network; else it would only double every pair.
  if (std::ranges::any_of(usable, is_network) && !policy.loopback)
    std::erase_if(usable, [](const InterfaceAddress& a) { return a.loopback; });
  return usable;
}

bool is_lost(const IpAddress& address, std::span<const InterfaceAddress> all,
             std::span<const InterfaceAddress> chosen) {
  const auto known = std::ranges::find(all, address, &InterfaceAddress::address);
  if (known == all.end()) return true;
  return !known->running && std::ranges::any_of(chosen, is_network);
}

}  // namespace linnet::io
