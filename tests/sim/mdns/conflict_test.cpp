#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "mdns/resolver.hpp"
#include "sim/allocations.hpp"

// Neighbours who say different things about a name, or about names that nobody asked for.
namespace linnet::mdns {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{1h};
const IpAddress right = IpAddress::v4({192, 168, 1, 7});
const IpAddress wrong = IpAddress::v4({192, 168, 1, 66});

/// A response (RFC 6762 section 18) that gives these addresses to that label.
std::vector<std::byte> response(std::string_view label, const std::vector<IpAddress>& addresses) {
  std::vector<std::byte> out(64 + label.size() + addresses.size() * 64);
  ByteWriter w{out};
  w.u16(0);
  w.u16(0x8400);
  for (const std::size_t count : {std::size_t{0}, addresses.size(), std::size_t{0}, std::size_t{0}})
    w.u16(static_cast<std::uint16_t>(count));
  for (const IpAddress& address : addresses) {
    for (const std::string_view part : {label, std::string_view{"local"}}) {
      w.u8(static_cast<std::uint8_t>(part.size()));
      w.bytes(as_bytes(part));
    }
    w.u8(0);
    w.u16(address.is_v4() ? 1 : 28);
    w.u16(0x8001);
    w.u32(120);
    w.u16(static_cast<std::uint16_t>(address.bytes().size()));
    w.bytes(std::as_bytes(address.bytes()));
  }
  out.resize(w.size());
  return out;
}

class ConflictingAnswers : public testing::Test {
 protected:
  std::optional<Resolved> event() {
    const auto got = resolver_.poll_event();
    return got ? std::optional{std::get<Resolved>(*got)} : std::nullopt;
  }
  SeededGenerator random_{1};
  Resolver resolver_{{}, random_};
};

TEST_F(ConflictingAnswers, InOnePacketAreAllTold) {
  resolver_.query(t0, QueryId{1}, "bird.local");
  resolver_.handle_packet(t0, response("bird", {wrong, right, wrong}));
  const auto resolved = event();
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->addresses, (std::vector{wrong, right})) << "the checks will tell which one is right";
}

TEST_F(ConflictingAnswers, ThatComeLaterChangeNothing) {
  resolver_.query(t0, QueryId{1}, "bird.local");
  resolver_.handle_packet(t0, response("bird", {right}));
  resolver_.handle_packet(t0 + 1ms, response("bird", {wrong}));
  ASSERT_EQ(event()->addresses, std::vector{right});
  EXPECT_FALSE(event());
  // Nor is anything remembered: who asks again hears what is said then.
  resolver_.query(t0 + 2ms, QueryId{2}, "bird.local");
  EXPECT_FALSE(event());
  resolver_.handle_packet(t0 + 3ms, response("bird", {wrong}));
  EXPECT_EQ(event()->addresses, std::vector{wrong});
}

TEST_F(ConflictingAnswers, AreBoundedForEachName) {
  resolver_.query(t0, QueryId{1}, "bird.local");
  std::vector<IpAddress> addresses;
  for (std::uint8_t i = 0; i < 60; ++i) addresses.push_back(IpAddress::v4({10, 0, 0, i}));
  resolver_.handle_packet(t0, response("bird", addresses));
  EXPECT_EQ(event()->addresses.size(), Options{}.max_addresses_per_query);
}

TEST_F(ConflictingAnswers, OfOneNameLeaveTheOthersAlone) {
  resolver_.query(t0, QueryId{1}, "bird.local");
  resolver_.query(t0, QueryId{2}, "fish.local");
  for (int i = 0; i < 1'000; ++i) resolver_.handle_packet(t0, response("bird", {wrong, right}));
  EXPECT_EQ(event()->id, QueryId{1});
  EXPECT_FALSE(event());
  resolver_.handle_packet(t0 + 1s, response("fish", {right}));
  const auto fish = event();
  ASSERT_TRUE(fish);
  EXPECT_EQ(fish->id, QueryId{2});
  EXPECT_EQ(fish->addresses, std::vector{right});
}

TEST_F(ConflictingAnswers, ForNamesThatNobodyAskedForBindNoMemory) {
  resolver_.query(t0, QueryId{1}, "bird.local");
  const std::int64_t before = sim::live_bytes();
  for (int i = 0; i < 10'000; ++i) resolver_.handle_packet(t0, response("x" + std::to_string(i), {wrong}));
  EXPECT_LT(sim::live_bytes() - before, 4'096);
  EXPECT_FALSE(event());
  resolver_.handle_packet(t0 + 1s, response("bird", {right}));
  EXPECT_EQ(event()->addresses, std::vector{right});
}

}  // namespace
}  // namespace linnet::mdns
