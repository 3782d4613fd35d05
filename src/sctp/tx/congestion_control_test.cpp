#include "sctp/tx/congestion_control.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

constexpr std::size_t mtu = 1'000;

struct Congestion : testing::Test {
  CongestionControl control{mtu, 10};
  std::uint32_t tsn = 1;
  void acked(std::size_t bytes, std::size_t flight) { control.acknowledged(Tsn{tsn++}, true, bytes, flight); }
  void acked(std::size_t bytes) { acked(bytes, control.window()); }
};

TEST_F(Congestion, SlowStartDoublesEachRoundTrip) {
  EXPECT_EQ(control.window(), 10 * mtu);
  for (int i = 0; i < 10; ++i) acked(mtu);
  EXPECT_EQ(control.window(), 20 * mtu);
}

TEST_F(Congestion, OneSackNeverMoreThanDoublesTheWindow) {
  acked(1'000'000);
  EXPECT_EQ(control.window(), 20 * mtu);
}

TEST_F(Congestion, AWindowThatIsNotUsedDoesNotGrow) {
  for (int i = 0; i < 100; ++i) acked(mtu, 2 * mtu);
  EXPECT_EQ(control.window(), 10 * mtu);
}

TEST_F(Congestion, ASackWithoutCumulativeProgressDoesNotGrowIt) {
  control.acknowledged(Tsn{0}, false, mtu, 10 * mtu);
  EXPECT_EQ(control.window(), 10 * mtu);
}

TEST_F(Congestion, LossHalvesOnceUntilTheHighestTsnIsAcknowledged) {
  tsn = 1;
  EXPECT_TRUE(control.lost(Tsn{5}));
  EXPECT_EQ(control.window(), 5 * mtu);
  EXPECT_FALSE(control.lost(Tsn{9})) << "the same recovery";
  acked(mtu);
  EXPECT_EQ(control.window(), 5 * mtu) << "no growth while recovering";
  tsn = 5;
  acked(mtu);
  EXPECT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(control.lost(Tsn{20}));
  EXPECT_EQ(control.window(), 4 * mtu) << "never below four packets by halving";
}

TEST_F(Congestion, AvoidanceAddsOnePacketEachRoundTrip) {
  (void)control.lost(Tsn{1});
  tsn = 1;
  acked(0);
  control.acknowledged(Tsn{2}, true, 0, 0);
  const std::size_t threshold = control.threshold();
  ASSERT_EQ(control.window(), threshold);
  while (control.slow_start()) acked(mtu);
  const std::size_t before = control.window();
  for (std::size_t sum = 0; sum < before; sum += mtu) acked(mtu);
  EXPECT_EQ(control.window(), before + mtu);
}

TEST_F(Congestion, ATimeoutLeavesOnePacketAndEndsTheRecovery) {
  (void)control.lost(Tsn{5});
  control.timed_out();
  EXPECT_EQ(control.window(), mtu);
  EXPECT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(control.slow_start());
}

TEST_F(Congestion, IdleTimeHalvesDownToTheInitialWindowAndRaisesNothing) {
  for (int i = 0; i < 40; ++i) acked(mtu);
  ASSERT_EQ(control.window(), 50 * mtu);
  control.idle();
  EXPECT_EQ(control.window(), 25 * mtu);
  control.idle();
  control.idle();
  EXPECT_EQ(control.window(), 10 * mtu);
  control.timed_out();
  control.idle();
  EXPECT_EQ(control.window(), mtu);
}

}  // namespace
}  // namespace linnet::sctp
