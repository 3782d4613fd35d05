#include "turn_server/challenge_limit.hpp"

#include <bit>
#include <chrono>
#include <span>

#include "base/ip_prefix.hpp"

namespace linnet::turn_server {

ChallengeLimit::ChallengeLimit(std::size_t per_second, Generator& generator) : per_second_(per_second) {
  std::array<std::byte, sizeof key_> random{};
  generator.fill(random);
  key_ = std::bit_cast<std::uint64_t>(random);
}

bool ChallengeLimit::take(TimePoint now, const IpAddress& to) noexcept {
  // FNV-1a from a secret start.
  std::uint64_t hash = key_;
  const IpAddress network = network_of(to);
  for (const std::uint8_t byte : network.bytes()) hash = (hash ^ byte) * 0x100'0000'01B3U;
  Place& place = places_[(hash >> 32U) % places_.size()];
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (place.second != second) place = {.second = second};
  if (place.count >= per_second_) return false;
  ++place.count;
  return true;
}

}  // namespace linnet::turn_server
