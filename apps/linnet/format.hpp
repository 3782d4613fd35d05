#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace linnet::app {

/// 1234567 -> "1.2 MB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// 75 s -> "1:15".
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

/// A room's name as a shell takes it: in quotes when there is a space in it.
[[nodiscard]] std::string shell_word(const std::string& room);

}  // namespace linnet::app
