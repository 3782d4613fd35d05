#include "base/ip_prefix.hpp"

#include <algorithm>
#include <charconv>

namespace linnet {

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned most = address->is_v4() ? 32 : 128;
  unsigned length = most;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || length > most) {
      return std::nullopt;
    }
  }
  return IpPrefix{.address = *address, .length = static_cast<std::uint8_t>(length)};
}

bool IpPrefix::contains(const IpAddress& other) const noexcept {
  if (other.family() != address.family()) return false;
  const auto mine = address.bytes();
  const auto theirs = other.bytes();
  const std::size_t whole = length / 8;
  if (!std::ranges::equal(mine.first(whole), theirs.first(whole))) return false;
  const unsigned rest = length % 8;
  return rest == 0 || ((mine[whole] ^ theirs[whole]) >> (8 - rest)) == 0;
}

IpAddress network_of(const IpAddress& address) noexcept {
  if (address.is_v4()) return address;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes().first(8), bytes.begin());
  return IpAddress::v6(bytes);
}

}  // namespace linnet
