#include "mdns/resolver.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "mdns/message.hpp"

namespace linnet::mdns {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{1h};
constexpr std::string_view name = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
const IpAddress v4 = IpAddress::v4({192, 168, 1, 7});

std::vector<std::byte> response(std::string_view host, const IpAddress& address, std::uint32_t ttl = 120,
                                std::uint16_t flags = 0x8400) {
  std::vector<std::byte> out(512);
  ByteWriter w{out};
  w.u16(0);
  w.u16(flags);
  for (const int count : {0, 1, 0, 0}) w.u16(static_cast<std::uint16_t>(count));
  for (std::string_view rest = host; !rest.empty();) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    w.u8(static_cast<std::uint8_t>(label.size()));
    w.bytes(as_bytes(label));
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  }
  w.u8(0);
  w.u16(address.is_v4() ? 1 : 28);
  w.u16(0x8001);
  w.u32(ttl);
  w.u16(static_cast<std::uint16_t>(address.bytes().size()));
  w.bytes(std::as_bytes(address.bytes()));
  out.resize(w.size());
  return out;
}

std::optional<Resolved> resolved(Resolver& resolver) {
  const auto event = resolver.poll_event();
  return event ? std::optional{std::get<Resolved>(*event)} : std::nullopt;
}

std::size_t drain(Resolver& resolver, TimePoint now) {
  std::vector<std::byte> room(1'500);
  std::size_t count = 0;
  while (resolver.poll_packet(now, room) != 0) ++count;
  return count;
}

TEST(Resolver, AsksForBothFamiliesAndFirstForADirectAnswer) {
  SeededGenerator random{1};
  Resolver resolver{{}, random};
  resolver.query(t0, QueryId{1}, name);
  std::vector<std::byte> room(1'500);
  const auto size = resolver.poll_packet(t0, room);
  ASSERT_EQ(size, 12U + name.size() + 2 + 4 + 2 + 4);
  EXPECT_EQ(load_be<std::uint16_t>(room.data() + 4), 2);
  const auto* const question = room.data() + 12 + name.size() + 2;
  EXPECT_EQ(load_be<std::uint16_t>(question), 1);
  EXPECT_EQ(load_be<std::uint16_t>(question + 2), 0x8001);
  EXPECT_EQ(load_be<std::uint16_t>(question + 6), 28);
  resolver.handle_timeout(t0 + 120ms);
  ASSERT_EQ(resolver.poll_packet(t0, room), size);
  EXPECT_EQ(load_be<std::uint16_t>(question + 2), 1);
}

TEST(Resolver, GivesTheAddressOfTheAnswerWhateverItsCase) {
  SeededGenerator random{1};
  Resolver resolver{{}, random};
  resolver.query(t0, QueryId{7}, "AbC.local");
  resolver.handle_packet(t0 + 3ms, response("aBc.LOCAL", v4));
  const auto event = resolved(resolver);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->id, QueryId{7});
  EXPECT_EQ(event->host, "AbC.local");
  EXPECT_EQ(event->addresses, std::vector{v4});
  EXPECT_TRUE(resolver.idle());
  EXPECT_EQ(resolver.next_timeout(), never);
}

TEST(Resolver, RetriesAndGivesUpAfterThreeSeconds) {
  SeededGenerator random{1};
  Resolver resolver{{}, random};
  resolver.query(t0, QueryId{1}, name);
  std::vector<Duration> sent;
  if (drain(resolver, t0) != 0) sent.push_back(0ms);
  for (TimePoint now = t0; resolver.next_timeout() != never;) {
    now = resolver.next_timeout();
    resolver.handle_timeout(now);
    if (drain(resolver, now) != 0) sent.push_back(now - t0);
    if (resolver.idle()) {
      EXPECT_EQ(now - t0, 3s);
    }
  }
  const std::vector<Duration> planned{0ms, 100ms, 300ms, 900ms, 2s};
  ASSERT_EQ(sent.size(), planned.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_GE(sent[i], planned[i]);
    EXPECT_LT(sent[i], planned[i] + 20ms);
  }
  const auto event = resolved(resolver);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->addresses.empty());
  EXPECT_FALSE(resolved(resolver));
}

TEST(Resolver, BelievesNothingThatItDidNotAskFor) {
  SeededGenerator random{1};
  Resolver resolver{{}, random};
  resolver.handle_packet(t0, response(name, v4));
  resolver.query(t0, QueryId{1}, name);
  resolver.handle_packet(t0, response("other.local", v4));
  resolver.handle_packet(t0, response(name, v4, 0));
  resolver.handle_packet(t0, response(name, v4, 120, 0x0000));
  resolver.handle_packet(t0, response(name, v4, 120, 0x8403));
  resolver.handle_packet(t0, response(name, IpAddress::v4({224, 0, 0, 1})));
  EXPECT_FALSE(resolved(resolver));
  EXPECT_FALSE(resolver.idle());
}

TEST(Resolver, FailsAtOnceForOtherNamesAndBeyondItsLimit) {
  SeededGenerator random{1};
  Resolver resolver{{.max_queries = 1}, random};
  resolver.query(t0, QueryId{1}, "example.org");
  EXPECT_TRUE(resolved(resolver));
  resolver.query(t0, QueryId{2}, "a.local");
  EXPECT_FALSE(resolved(resolver));
  resolver.query(t0, QueryId{3}, "b.local");
  EXPECT_EQ(resolved(resolver)->id, QueryId{3});
}

TEST(Resolver, IsSilentAfterClose) {
  SeededGenerator random{1};
  Resolver resolver{{}, random};
  resolver.query(t0, QueryId{1}, name);
  resolver.close();
  resolver.query(t0, QueryId{2}, name);
  resolver.handle_packet(t0, response(name, v4));
  EXPECT_FALSE(resolved(resolver));
  EXPECT_EQ(drain(resolver, t0), 0U);
  EXPECT_EQ(resolver.next_timeout(), never);
}

TEST(Message, FollowsCompressionPointersBackwardsOnly) {
  auto packet = response("a.local", v4);
  // A second record whose name is a pointer to the first one's.
  packet[7] = std::byte{2};
  for (const int b : {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, 9})
    packet.push_back(static_cast<std::byte>(b));
  const auto records = parse_response(packet, 64);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[1].name, "a.local");
  EXPECT_EQ((*records)[1].address, IpAddress::v4({10, 0, 0, 9}));
  // To itself: a circle.
  packet[packet.size() - 15] = static_cast<std::byte>(packet.size() - 16);
  EXPECT_FALSE(parse_response(packet, 64));
}

TEST(Message, RejectsEveryTruncation) {
  const auto packet = response(name, v4);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(parse_response(std::span{packet}.first(size), 64)) << size;
  }
}

}  // namespace
}  // namespace linnet::mdns
