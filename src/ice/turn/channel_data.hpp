#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace linnet::ice::turn {

// RFC 8656 section 12.4: channel number (16 bits), length of the data (16 bits), the data.

inline constexpr std::size_t channel_header = 4;
inline constexpr std::uint16_t first_channel = 0x4000;
inline constexpr std::uint16_t last_channel = 0x4FFF;

struct ChannelData {
  std::uint16_t channel = 0;
  std::span<std::byte> data{};
};

[[nodiscard]] inline bool is_channel_data(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= channel_header && (std::to_integer<unsigned>(bytes.front()) & 0xC0U) == 0x40U;
}

/// What follows the data is padding, which streams need.
[[nodiscard]] inline std::optional<ChannelData> read_channel_data(std::span<std::byte> bytes) noexcept {
  if (!is_channel_data(bytes)) return std::nullopt;
  const auto channel = load_be<std::uint16_t>(bytes.data());
  const std::size_t size = load_be<std::uint16_t>(bytes.data() + 2);
  if (channel > last_channel || size > bytes.size() - channel_header) return std::nullopt;
  return ChannelData{channel, bytes.subspan(channel_header, size)};
}

inline void write_channel_header(std::span<std::byte> out, std::uint16_t channel, std::size_t size) noexcept {
  store_be(out.data(), channel);
  store_be(out.data() + 2, static_cast<std::uint16_t>(size));
}

}  // namespace linnet::ice::turn
