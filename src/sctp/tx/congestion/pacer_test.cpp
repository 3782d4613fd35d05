#include "sctp/tx/congestion/pacer.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t mtu = 1'000;

struct PacerTest : testing::Test {
  Pacer pacer{mtu};
  TimePoint now{1s};
  /// Packets that leave now.
  std::size_t burst() {
    std::size_t packets = 0;
    for (; packets < 100'000 && pacer.next_send(now) <= now; ++packets) pacer.sent(now, mtu);
    return packets;
  }
};

TEST_F(PacerTest, WithoutARateNothingWaits) { EXPECT_EQ(burst(), 100'000U); }

TEST_F(PacerTest, AnInitialWindowLeavesAtOnce) {
  pacer.set_rate(now, 1e6);
  EXPECT_EQ(burst(), 10U);
}

TEST_F(PacerTest, SendsItsRate) {
  for (const double rate : {1e5, 1e6, 12.5e6, 125e6}) {
    pacer = Pacer{mtu};
    pacer.set_rate(now, rate);
    burst();
    std::size_t sent = 0;
    const TimePoint begin = now;
    while (now < begin + 10s) {
      const TimePoint next = pacer.next_send(now);
      ASSERT_GT(next, now);
      now = next;
      sent += burst() * mtu;
    }
    const double seconds = std::chrono::duration<double>(now - begin).count();
    EXPECT_NEAR(static_cast<double>(sent) / seconds, rate, rate * 0.01);
  }
}

TEST_F(PacerTest, WakesOnceAMillisecond) {
  pacer.set_rate(now, 100e6);
  burst();
  now = pacer.next_send(now);
  EXPECT_NEAR(static_cast<double>(burst()), 100, 1);
  EXPECT_NEAR(std::chrono::duration<double>(pacer.next_send(now) - now).count(), 0.001, 1e-4);
}

TEST_F(PacerTest, ALateTimerIsMadeGoodButOnlyOnce) {
  pacer.set_rate(now, 100e6);
  burst();
  now = pacer.next_send(now) + 1ms;
  EXPECT_NEAR(static_cast<double>(burst()), 200, 2);
  now = pacer.next_send(now) + 1s;
  EXPECT_NEAR(static_cast<double>(burst()), 200, 2);
}

TEST_F(PacerTest, ANewRateTakesEffectAtOnce) {
  pacer.set_rate(now, 1e5);
  burst();
  EXPECT_GT(pacer.next_send(now), now + 10ms);
  pacer.set_rate(now, 1e8);
  EXPECT_LT(pacer.next_send(now), now + 2ms);
}

}  // namespace
}  // namespace linnet::sctp
