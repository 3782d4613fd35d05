#include "server/origin.hpp"

#include <algorithm>
#include <utility>

namespace linnet::signaling {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_loopback(std::string_view name) {
  if (name == "localhost" || name.ends_with(".localhost") || name == "::1" || name == "[::1]") return true;
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::string without_port(std::string_view host) {
  const std::size_t end = host.starts_with('[') ? std::min(host.find(']'), host.size() - 1) + 1 : host.find(':');
  std::string name = lower(host.substr(0, end));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_origin_allowed(std::string_view origin, std::string_view host, std::span<const std::string> allowed) {
  if (origin.empty()) return true;
  const std::string page = lower(origin);
  for (const std::string& each : allowed) {
    std::string entry = lower(each);
    if (entry.ends_with('/')) entry.pop_back();
    if (entry == "*" || entry == page) return true;
  }
  // RFC 6454 section 6.2: an origin has its port only when it is not the scheme's default.
  std::string own = lower(host);
  for (const auto& [scheme, port] : {std::pair{"http://", ":80"}, std::pair{"https://", ":443"}}) {
    if (!page.starts_with(scheme)) continue;
    if (own.ends_with(port)) own.resize(own.size() - std::string_view(port).size());
    return !own.empty() && page.substr(std::string_view(scheme).size()) == own;
  }
  return false;
}

bool is_host_allowed(std::string_view host, std::string_view bind_address, std::span<const std::string> allowed) {
  if (host.empty() || !is_loopback(lower(bind_address))) return true;
  const std::string name = without_port(host);
  if (is_loopback(name)) return true;
  return std::ranges::any_of(allowed, [&](std::string_view origin) {
    if (origin == "*") return true;
    const std::size_t scheme = origin.find("://");
    if (scheme == std::string_view::npos) return false;
    origin.remove_prefix(scheme + 3);
    return without_port(origin.substr(0, origin.find('/'))) == name;
  });
}

}  // namespace linnet::signaling
