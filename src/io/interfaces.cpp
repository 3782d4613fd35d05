#include "io/interfaces.hpp"

#include <algorithm>

namespace linnet::io {
namespace {

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

bool is_on_link(const IpAddress& source, std::uint32_t interface, std::span<const InterfaceAddress> all) noexcept {
  const IpAddress plain = source.unscoped();
  return std::ranges::any_of(all, [&](const InterfaceAddress& own) {
    if (own.index != interface) return false;
    if (own.loopback) return true;
    if (plain.is_v6() && own.address.is_v6() && plain.is_link_local()) return true;
    return own.prefix_length != 0 && IpPrefix{own.address.unscoped(), own.prefix_length}.contains(plain);
  });
}

}  // namespace linnet::io
