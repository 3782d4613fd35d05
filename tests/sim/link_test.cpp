#include "sim/link.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "sim/allocations.hpp"
#include "sim/hostile.hpp"
#include "sim/random.hpp"
#include "sim/seed_trace.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t payload = 952;  // With 48 bytes of headers: 1000 on the wire.

class LinkTest : public testing::Test {
 protected:
  // Sends `count` datagrams, `gap` apart, numbered in their first bytes, and returns what arrives.
  std::vector<Packet> pass(Link& link, std::size_t count, Duration gap, Ecn ecn = Ecn::NotEct) {
    std::array<std::byte, payload> bytes{};
    TimePoint now = start;
    for (std::size_t i = 0; i < count; ++i, now += gap) {
      bytes[0] = static_cast<std::byte>(i & 0xff);
      bytes[1] = static_cast<std::byte>(i >> 8);
      link.send(now, bytes, ecn);
    }
    std::vector<Packet> out;
    for (Packet packet; link.receive(now + 1h, packet);) out.push_back(packet);
    return out;
  }
  static std::size_t number(const Packet& packet) {
    return std::to_integer<std::size_t>(packet.bytes[0]) + 256 * std::to_integer<std::size_t>(packet.bytes[1]);
  }
  SeededGenerator random_{7};
};

TEST_F(LinkTest, DeliversAfterTheLatencyAndNotBefore) {
  Link link{{.latency = 30ms}, random_};
  link.send(start, std::array{std::byte{1}, std::byte{2}});
  EXPECT_EQ(link.next_arrival(), start + 30ms);
  Packet packet;
  EXPECT_FALSE(link.receive(start + 30ms - 1ns, packet));
  ASSERT_TRUE(link.receive(start + 30ms, packet));
  EXPECT_EQ(packet.bytes, (std::vector{std::byte{1}, std::byte{2}}));
  EXPECT_EQ(link.next_arrival(), never);
}

TEST_F(LinkTest, LosesTheShareThatItIsTold) {
  Link link{{.loss = 0.2}, random_};
  EXPECT_NEAR(static_cast<double>(pass(link, 20'000, 1ms).size()), 16'000, 300);
  EXPECT_EQ(link.stats().lost + link.stats().delivered, 20'000u);
}

TEST_F(LinkTest, LosesInBurstsWhenBad) {
  // One in 100 enters the bad state and stays for 10 packets on average: 1/11 of the time, all lost.
  Link link{{.burst = {.enter = 0.01, .leave = 0.1, .loss = 1.0}}, random_};
  const auto arrived = pass(link, 40'000, 1ms);
  EXPECT_NEAR(static_cast<double>(link.stats().lost), 40'000.0 / 11, 500);
  std::size_t gaps = 0;
  for (std::size_t i = 1; i < arrived.size(); ++i) {
    if (number(arrived[i]) != number(arrived[i - 1]) + 1) ++gaps;
  }
  EXPECT_NEAR(static_cast<double>(link.stats().lost) / static_cast<double>(gaps), 10, 2);
}

TEST_F(LinkTest, FadesForTheShareOfTheTimeThatItIsToldWhetherSomebodySendsOrNot) {
  Link busy{{.fading = {.clear = 90ms, .faded = 10ms}}, random_};
  EXPECT_NEAR(static_cast<double>(pass(busy, 50'000, 1ms).size()), 45'000, 900);
  Link idle{{.fading = {.clear = 90ms, .faded = 10ms}}, random_};
  EXPECT_NEAR(static_cast<double>(pass(idle, 5'000, 1s).size()), 4'500, 100);
}

TEST_F(LinkTest, PolicesByATokenBucketWithoutDelay) {
  Link link{{.latency = 0ms, .policed_bits_per_second = 8'000'000, .policer_bucket = 10'000}, random_};
  const auto burst = pass(link, 50, 0ms);  // ten fit the bucket
  EXPECT_EQ(burst.size(), 10U);
  EXPECT_EQ(burst.back().at, start);
  EXPECT_EQ(link.stats().policed, 40U);
  Link steady{{.latency = 0ms, .policed_bits_per_second = 8'000'000, .policer_bucket = 10'000}, random_};
  EXPECT_EQ(pass(steady, 1'000, 1ms).size(), 1'000U) << "its rate to the byte";
  Link fast{{.latency = 0ms, .policed_bits_per_second = 8'000'000, .policer_bucket = 10'000}, random_};
  EXPECT_NEAR(static_cast<double>(pass(fast, 2'000, 500us).size()), 1'000, 15) << "half of twice its rate";
}

TEST_F(LinkTest, SerialisesAtItsBandwidth) {
  Link link{{.latency = 0ms, .bits_per_second = 8'000'000, .queue_bytes = 10'000'000}, random_};
  const auto arrived = pass(link, 1'000, 0ms);
  ASSERT_EQ(arrived.size(), 1'000u);
  EXPECT_EQ(arrived.front().at, start + 1ms);
  EXPECT_EQ(arrived.back().at, start + 1s);
}

TEST_F(LinkTest, DropsTheTailWhenItsQueueIsFull) {
  Link link{{.latency = 0ms, .bits_per_second = 8'000'000, .queue_bytes = 10'000}, random_};
  EXPECT_EQ(pass(link, 100, 0ms).size(), 10u);
  EXPECT_EQ(link.stats().overflowed, 90u);
}

TEST_F(LinkTest, DrainsItsQueueAsTimePasses) {
  Link link{{.bits_per_second = 8'000'000, .queue_bytes = 10'000}, random_};
  (void)pass(link, 10, 0ms);
  EXPECT_EQ(link.queued_bytes(start), 10'000u);
  EXPECT_EQ(link.queued_bytes(start + 4ms), 6'000u);
  EXPECT_EQ(link.queued_bytes(start + 20ms), 0u);
}

TEST_F(LinkTest, MarksCapablePacketsAboveTheThresholdOnly) {
  const LinkOptions options{.bits_per_second = 8'000'000, .queue_bytes = 100'000, .ecn_threshold = 4'500};
  Link link{options, random_};
  const auto arrived = pass(link, 10, 0ms, Ecn::Ect0);
  for (const Packet& packet : arrived) EXPECT_EQ(packet.ecn, number(packet) < 5 ? Ecn::Ect0 : Ecn::Ce);
  Link incapable{options, random_};
  for (const Packet& packet : pass(incapable, 10, 0ms)) EXPECT_EQ(packet.ecn, Ecn::NotEct);
  EXPECT_EQ(incapable.stats().marked, 0u);
}

TEST_F(LinkTest, KeepsTheOrderUnderJitter) {
  Link link{{.latency = 10ms, .jitter = 50ms}, random_};
  const auto arrived = pass(link, 2'000, 1ms);
  ASSERT_EQ(arrived.size(), 2'000u);
  bool delayed = false;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    EXPECT_EQ(number(arrived[i]), i);
    const Duration took = arrived[i].at - (start + 1ms * static_cast<int>(i));
    EXPECT_GE(took, 10ms);
    EXPECT_LE(took, 60ms);
    delayed = delayed || took > 40ms;
  }
  EXPECT_TRUE(delayed);
}

TEST_F(LinkTest, ReordersTheShareThatItIsTold) {
  Link link{{.reorder = 0.1, .reorder_delay = 20ms}, random_};
  const auto arrived = pass(link, 10'000, 1ms);
  ASSERT_EQ(arrived.size(), 10'000u);
  EXPECT_NEAR(static_cast<double>(link.stats().reordered), 1'000, 120);
  std::size_t behind = 0;
  for (std::size_t i = 1; i < arrived.size(); ++i) behind += number(arrived[i]) < number(arrived[i - 1]) ? 1u : 0u;
  EXPECT_GT(behind, 500u);
}

TEST_F(LinkTest, DuplicatesTheShareThatItIsTold) {
  Link link{{.duplicate = 0.1}, random_};
  EXPECT_NEAR(static_cast<double>(pass(link, 10'000, 1ms).size()), 11'000, 120);
}

TEST_F(LinkTest, FlipsAFewBitsOfTheShareThatItIsTold) {
  Link link{{.corrupt = 0.1}, random_};
  std::size_t damaged = 0;
  std::size_t index = 0;
  for (const Packet& packet : pass(link, 10'000, 1ms)) {
    int bits = 0;
    for (std::size_t i = 2; i < payload; ++i) bits += std::popcount(std::to_integer<unsigned>(packet.bytes[i]));
    bits += std::popcount((number(packet) ^ index++) & 0xffff);
    EXPECT_LE(bits, 8);
    damaged += bits != 0 ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(damaged), 1'000, 120);
}

TEST_F(LinkTest, DropsWhatIsLargerThanTheMtuWithItsHeaders) {
  Link link{{.mtu = 1'000}, random_};
  link.send(start, std::array<std::byte, 952>{});
  link.send(start, std::array<std::byte, 953>{});
  EXPECT_EQ(link.in_flight(), 1u);
  EXPECT_EQ(link.stats().too_large, 1u);
}

TEST_F(LinkTest, IsSilentDuringAnOutage) {
  Link link{{.outages = {{.from = 1s, .length = 1s}, {.from = 5s, .length = 1s}}}, random_};
  for (const Packet& packet : pass(link, 80, 100ms)) {
    const std::size_t tenths = number(packet);
    EXPECT_FALSE((tenths >= 10 && tenths < 20) || (tenths >= 50 && tenths < 60)) << tenths;
  }
  EXPECT_EQ(link.stats().silenced, 20u);
}

TEST_F(LinkTest, PassesNothingWhileDown) {
  Link link{{}, random_};
  link.set_down(true);
  link.send(start, std::array<std::byte, 4>{});
  EXPECT_EQ(link.in_flight(), 0u);
  link.set_down(false);
  link.send(start, std::array<std::byte, 4>{});
  EXPECT_EQ(link.in_flight(), 1u);
}

TEST_F(LinkTest, NeedsNoMemoryInSteadyState) {
  Link link{{.bits_per_second = 100'000'000}, random_};
  std::array<std::byte, payload> bytes{};
  Packet packet;
  TimePoint now = start;
  const auto forward = [&](int packets) {
    for (int i = 0; i < packets; ++i, now += 1ms) {
      link.send(now, bytes);
      while (link.receive(now, packet)) {
      }
    }
  };
  forward(200);
  const std::uint64_t before = allocations();
  forward(1'000);
  EXPECT_EQ(allocations(), before);
}

TEST_F(LinkTest, IsTheSameForTheSameSeed) {
  for (const std::uint64_t seed : seeds(20)) {
    const SeedTrace trace{seed};
    const auto run = [&] {
      SeededGenerator random{seed};
      const LinkOptions options = hostile(random);
      Link link{options, random};
      std::vector<std::pair<TimePoint, std::vector<std::byte>>> out;
      for (const Packet& packet : pass(link, 300, 3ms)) out.emplace_back(packet.at, packet.bytes);
      return out;
    };
    EXPECT_EQ(run(), run());
  }
}

TEST_F(LinkTest, HostilePathsDifferAndStayWithinTheirBounds) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededGenerator random{seed};
    const LinkOptions link = hostile(random);
    EXPECT_EQ(link.mtu, 1'280u);
    EXPECT_LE(link.loss, 0.2);
    for (const Outage& outage : link.outages) EXPECT_LE(outage.length, 1s);
    seen["loss"] += link.loss > 0 ? 1 : 0;
    seen["burst"] += link.burst.enter > 0 ? 1 : 0;
    seen["reorder"] += link.reorder > 0 ? 1 : 0;
    seen["duplicate"] += link.duplicate > 0 ? 1 : 0;
    seen["corrupt"] += link.corrupt > 0 ? 1 : 0;
    seen["queue"] += link.bits_per_second > 0 ? 1 : 0;
    seen["ecn"] += link.ecn_threshold > 0 ? 1 : 0;
    seen["outage"] += link.outages.empty() ? 0 : 1;
  }
  for (const auto& [what, times] : seen) EXPECT_TRUE(times > 20 && times < 180) << what << ": " << times;
}

}  // namespace
}  // namespace linnet::sim
