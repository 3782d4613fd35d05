#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "mdns/resolver.hpp"

// Packets, queries and time in any order: first byte of each step says which. Queries always end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  SeededGenerator random{1};
  mdns::Resolver resolver{{}, random};
  TimePoint now{std::chrono::hours{1}};
  std::span<const std::byte> rest = std::as_bytes(std::span{data, size});
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  std::array<std::byte, 1'500> room{};
  const auto drain = [&] {
    while (resolver.poll_packet(now, room) != 0) {
    }
    while (resolver.poll_event()) ++answered;
  };
  while (!rest.empty()) {
    const auto step = std::to_integer<unsigned>(rest[0]);
    rest = rest.subspan(1);
    if (step < 32) {
      constexpr std::array<std::string_view, 3> names{"a.local", "b.local", "c"};
      resolver.query(now, mdns::QueryId{++asked}, names[step % 3]);
    } else if (step < 64) {
      now = std::max(now, std::min(resolver.next_timeout(), now + std::chrono::hours{1}));
      resolver.handle_timeout(now);
    } else {
      const std::size_t length = std::min<std::size_t>(rest.size(), step);
      resolver.handle_packet(now, rest.first(length));
      rest = rest.subspan(length);
    }
    drain();
  }
  resolver.handle_timeout(now + std::chrono::hours{2});
  drain();
  if (asked != answered || !resolver.idle() || resolver.next_timeout() != never) std::abort();
  return 0;
}
