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

}  // namespace

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

}  // namespace linnet::signaling
