#include "format.hpp"

#include <array>
#include <cstdio>

namespace linnet::app {

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text.data();
}

std::string format_duration(std::chrono::seconds duration) {
  const auto total = duration.count() < 0 ? 0 : static_cast<long long>(duration.count());
  std::array<char, 40> text{};
  if (total >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", total / 60, total % 60);
  }
  return text.data();
}

std::string shell_word(const std::string& room) {
  return room.find(' ') == std::string::npos ? room : "'" + room + "'";
}

}  // namespace linnet::app
