#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "check.hpp"
#include "mdns/responder.hpp"

// Packets, names that come and go, and time in any order: first byte of each step says which. What goes out is a probe
// or a response that can be read; nothing grows; a name is lost only once.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  constexpr std::size_t most = 8;
  mdns::Responder responder{{.max_names = 4, .max_packets = most, .max_events = 4}};
  TimePoint now{std::chrono::hours{1}};
  std::span<const std::byte> rest = std::as_bytes(std::span{data, size});
  std::array<std::byte, 1'500> room{};
  constexpr std::array<std::string_view, 4> names{"a.local", "b.local", "c.local", "a.b"};
  const std::array<IpAddress, 2> addresses{IpAddress::v4({192, 0, 2, 1}), IpAddress::v6({0x20, 1})};
  std::uint64_t published = 0;
  std::uint64_t gone = 0;
  const auto drain = [&] {
    std::size_t packets = 0;
    while (const std::size_t written = responder.poll_packet(now, room)) {
      const auto packet = std::span{room}.first(written);
      require(mdns::parse_query(packet, 4).has_value() != mdns::parse_response(packet, 4).has_value());
      ++packets;
    }
    require(packets <= most);
    while (const auto event = responder.poll_event()) ++gone;
  };
  while (!rest.empty()) {
    const auto step = std::to_integer<unsigned>(rest[0]);
    rest = rest.subspan(1);
    if (step < 16) {
      if (responder.publish(now, names[step % 4], addresses[step / 4 % 2])) ++published;
    } else if (step < 24) {
      const std::size_t before = responder.names();
      responder.withdraw(now, names[step % 4]);
      gone += before - responder.names();
    } else if (step < 64) {
      now = std::max(now, std::min(responder.next_timeout(), now + std::chrono::hours{1}));
      responder.handle_timeout(now);
      require(responder.next_timeout() > now);
    } else {
      const std::size_t length = std::min<std::size_t>(rest.size(), step);
      if (step < 248)
        responder.handle_packet(now, rest.first(length));
      else
        responder.handle_legacy_packet(now, rest.first(length), {addresses[0], 40'000});
      rest = rest.subspan(length);
    }
    require(responder.names() <= 3);
    drain();
    require(published == gone + responder.names());
  }
  responder.close();
  require(responder.poll_packet(now, room) == 0 && responder.next_timeout() == never && !responder.poll_event());
  return 0;
}
