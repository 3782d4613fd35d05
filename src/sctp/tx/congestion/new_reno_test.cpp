#include "sctp/tx/congestion/new_reno.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

constexpr std::size_t mtu = 1'000;

struct NewRenoWindow : testing::Test {
  NewReno control{mtu, 10 * mtu};
  void acked(std::size_t bytes) {
    control.acknowledged({.result = {.cumulative_moved = true, .bytes_acked = bytes}, .window_limited = true});
  }
};

TEST_F(NewRenoWindow, SlowStartDoublesEachRoundTrip) {
  EXPECT_EQ(control.window(), 10 * mtu);
  for (int i = 0; i < 10; ++i) acked(mtu);
  EXPECT_EQ(control.window(), 20 * mtu);
}

TEST_F(NewRenoWindow, OneSackNeverMoreThanDoublesTheWindow) {
  acked(1'000'000);
  EXPECT_EQ(control.window(), 20 * mtu);
}

TEST_F(NewRenoWindow, AWindowThatIsNotUsedDoesNotGrow) {
  for (int i = 0; i < 100; ++i)
    control.acknowledged({.result = {.cumulative_moved = true, .bytes_acked = mtu}, .window_limited = false});
  EXPECT_EQ(control.window(), 10 * mtu);
}

TEST_F(NewRenoWindow, ASackWithoutCumulativeProgressDoesNotGrowIt) {
  control.acknowledged({.result = {.bytes_acked = mtu}, .window_limited = true});
  EXPECT_EQ(control.window(), 10 * mtu);
}

TEST_F(NewRenoWindow, CongestionHalvesIt) {
  control.congested(false);
  EXPECT_EQ(control.window(), 5 * mtu);
  control.acknowledged(
      {.result = {.cumulative_moved = true, .bytes_acked = mtu}, .window_limited = true, .recovering = true});
  EXPECT_EQ(control.window(), 5 * mtu) << "no growth while recovering";
  control.congested(false);
  EXPECT_EQ(control.window(), 4 * mtu) << "never below four packets by halving";
}

TEST_F(NewRenoWindow, AvoidanceAddsOnePacketEachRoundTrip) {
  control.congested(false);
  ASSERT_EQ(control.window(), control.threshold());
  while (control.slow_start()) acked(mtu);
  const std::size_t before = control.window();
  for (std::size_t sum = 0; sum < before; sum += mtu) acked(mtu);
  EXPECT_EQ(control.window(), before + mtu);
}

TEST_F(NewRenoWindow, ATimeoutLeavesOnePacket) {
  control.timed_out(false);
  EXPECT_EQ(control.window(), mtu);
  EXPECT_EQ(control.threshold(), 5 * mtu);
  EXPECT_TRUE(control.slow_start());
  control.timed_out(true);
  EXPECT_EQ(control.threshold(), 5 * mtu) << "the same congestion";
}

TEST_F(NewRenoWindow, AMistakeIsUndone) {
  control.timed_out(false);
  control.undo();
  EXPECT_EQ(control.window(), 10 * mtu);
  EXPECT_TRUE(control.slow_start());
  acked(mtu);
  control.undo();
  EXPECT_EQ(control.window(), 11 * mtu) << "once";
}

TEST_F(NewRenoWindow, IdleTimeHalvesDownToTheInitialWindowAndRaisesNothing) {
  for (int i = 0; i < 40; ++i) acked(mtu);
  ASSERT_EQ(control.window(), 50 * mtu);
  control.idle(1);
  EXPECT_EQ(control.window(), 25 * mtu);
  control.idle(2);
  EXPECT_EQ(control.window(), 10 * mtu);
  control.timed_out(false);
  control.idle(100);
  EXPECT_EQ(control.window(), mtu);
}

}  // namespace
}  // namespace linnet::sctp
