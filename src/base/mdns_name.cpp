#include "base/mdns_name.hpp"

#include <algorithm>

namespace linnet {

bool is_mdns_name(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view suffix = ".local";
  if (host.size() <= suffix.size()) return false;
  const auto label = host.substr(0, host.size() - suffix.size());
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return label.find('.') == std::string_view::npos && label.size() <= 63 &&
         std::ranges::equal(host.substr(label.size()), suffix, [&](char a, char b) { return lower(a) == b; });
}

}  // namespace linnet
