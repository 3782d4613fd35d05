#include "sctp/tx/congestion/cubic.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mtu = 1'000;

struct CubicTest : testing::Test {
  Cubic control{mtu, 10 * mtu, false};
  TimePoint now{1s};

  void acked(std::size_t bytes, Duration rtt = 100ms, bool limited = true) {
    control.acknowledged({.now = now,
                          .result = {.cumulative_moved = true, .bytes_acked = bytes, .rtt = rtt},
                          .smoothed_rtt = rtt,
                          .window_limited = limited});
  }
  /// A window's worth of acknowledgements, packet by packet.
  void round(Duration rtt) {
    const std::size_t packets = control.window() / mtu;
    for (std::size_t i = 0; i < packets; ++i) {
      now += rtt / static_cast<Duration::rep>(packets);
      acked(mtu, rtt);
    }
  }
  void grow_to(std::size_t packets) {
    while (control.window() < packets * mtu) acked(mtu);
  }
};

TEST_F(CubicTest, SlowStartDoublesEachRoundTrip) {
  for (int i = 0; i < 10; ++i) acked(mtu);
  EXPECT_EQ(control.window(), 20 * mtu);
}

// RFC 9438 section 4.2 by hand: W_max = 100 and 70 left give K = cbrt(30 / 0.4) = 4.217 s.
TEST_F(CubicTest, TheWindowFunctionIsThatOfTheRfc) {
  EXPECT_NEAR(Cubic::window_at(0, 100, 70), 70, 1e-9);
  EXPECT_NEAR(Cubic::window_at(4.2171633, 100, 70), 100, 1e-6);
  EXPECT_NEAR(Cubic::window_at(1, 100, 70), 86.681, 1e-3);        // 0.4 * (-3.21716)^3 + 100
  EXPECT_NEAR(Cubic::window_at(2, 100, 70), 95.640, 1e-3);        // 0.4 * (-2.21716)^3 + 100
  EXPECT_NEAR(Cubic::window_at(10, 100, 70), 177.354, 1e-3);      // 0.4 * 5.78284^3 + 100
  EXPECT_NEAR(Cubic::window_at(20, 1000, 700), 1'520.067, 1e-3);  // K = 9.08560
  EXPECT_NEAR(Cubic::window_at(3, 50, 50), 60.8, 1e-9);           // K = 0
}

TEST_F(CubicTest, CongestionLeavesSeventyPerCent) {
  grow_to(100);
  control.congested(false);
  EXPECT_EQ(control.window(), 70 * mtu);
  EXPECT_EQ(control.threshold(), 70 * mtu);
  EXPECT_FALSE(control.slow_start());
}

TEST_F(CubicTest, AMarkCostsLess) {
  grow_to(100);
  control.congested(true);
  EXPECT_EQ(control.window(), 85 * mtu);
}

TEST_F(CubicTest, ComesBackToTheOldMaximumAfterK) {
  grow_to(1'000);
  control.congested(false);
  const TimePoint begin = now;
  // K = cbrt(300 / 0.4) = 9.086 s. The window is that of one round trip later.
  while (now - begin < 4s) round(100ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, Cubic::window_at(4.1, 1'000, 700), 3);
  while (now - begin < 9s) round(100ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, 1'000, 2) << "the plateau";
  while (now - begin < 15s) round(100ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, Cubic::window_at(15.1, 1'000, 700), 5) << "and beyond";
}

TEST_F(CubicTest, OnShortRoundTripsItIsAsFastAsReno) {
  grow_to(20);
  control.congested(false);
  ASSERT_EQ(control.window(), 14 * mtu);
  // Section 4.3: 0.529 packets each round trip until the old window, one each then. CUBIC alone would take 2.5 s.
  const TimePoint begin = now;
  for (int i = 0; i < 12; ++i) round(10ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, 20, 1);
  EXPECT_LT(now - begin, 200ms);
  const std::size_t before = control.window();
  for (int i = 0; i < 10; ++i) round(10ms);
  EXPECT_NEAR(static_cast<double>(control.window() - before) / mtu, 10, 1.5);
}

TEST_F(CubicTest, FastConvergenceLeavesRoomForOthers) {
  grow_to(1'000);
  control.congested(false);
  control.congested(false);  // at 700, under the old maximum
  ASSERT_NEAR(static_cast<double>(control.window()), 490 * mtu, 1);
  // Section 4.7: W_max = 700 * 0.85 = 595; K = cbrt(105 / 0.4) = 6.4 s.
  const TimePoint begin = now;
  while (now - begin < 6'400ms) round(100ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, 595, 2);
}

TEST_F(CubicTest, TimeWithoutNeedDoesNotGrowTheWindow) {
  grow_to(1'000);
  control.congested(false);
  round(100ms);
  const std::size_t before = control.window();
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    acked(mtu, 100ms, false);
  }
  EXPECT_EQ(control.window(), before);
  round(100ms);
  EXPECT_NEAR(static_cast<double>(control.window()) / mtu, Cubic::window_at(0.2, 1'000, 700), 3);
}

TEST_F(CubicTest, SlowStartEndsWhenRoundTripsGetLonger) {
  bool began = true;
  const auto round_of = [&](Duration rtt) {
    for (int i = 0; i < 10; ++i, began = false)
      control.acknowledged({.now = now,
                            .result = {.cumulative_moved = true, .bytes_acked = mtu, .rtt = rtt},
                            .smoothed_rtt = rtt,
                            .round_began = began,
                            .window_limited = true});
    began = true;
  };
  round_of(100ms);
  EXPECT_EQ(control.window(), 20 * mtu);
  for (int i = 0; i < 6; ++i) round_of(120ms);
  // Seven packets at full speed, then a quarter of it for the rest of five rounds.
  EXPECT_FALSE(control.slow_start());
  EXPECT_EQ(control.threshold() / mtu, (20'000 + 7'000 + 43 * 250) / mtu);
}

TEST_F(CubicTest, ATimeoutLeavesOnePacketAndSlowStartsToTheThreshold) {
  grow_to(100);
  control.timed_out(false);
  EXPECT_EQ(control.window(), mtu);
  EXPECT_EQ(control.threshold(), 70 * mtu);
  control.timed_out(true);
  EXPECT_EQ(control.threshold(), 70 * mtu);
  grow_to(70);
  EXPECT_FALSE(control.slow_start());
  const std::size_t before = control.window();
  acked(mtu);
  EXPECT_LT(control.window() - before, mtu);
}

TEST_F(CubicTest, AMistakeIsUndoneAltogether) {
  grow_to(100);
  control.congested(false);
  control.undo();
  EXPECT_EQ(control.window(), 100 * mtu);
  EXPECT_TRUE(control.slow_start());
  control.undo();
  EXPECT_EQ(control.window(), 100 * mtu);
}

TEST_F(CubicTest, ForgivesAccidentsOnlyWhenTolerant) {
  for (Cubic* const each : {&control}) {
    acked(100 * mtu);
    EXPECT_FALSE(each->forgives({.bytes = mtu, .runs = 1}));
  }
  Cubic tolerant{mtu, 10 * mtu, true};
  tolerant.acknowledged({.result = {.bytes_acked = 100 * mtu, .rtt = 20ms}});
  EXPECT_TRUE(tolerant.forgives({.bytes = mtu, .runs = 1}));
  EXPECT_FALSE(tolerant.forgives({.bytes = 3 * mtu, .runs = 3})) << "four per cent";
}

struct SlowStartOnALossyPath : testing::Test {
  Cubic control{mtu, 10 * mtu, true};
  TimePoint now{1s};

  /// All of the window comes back, at `rate` bytes a second.
  void round(double rate, Duration rtt = 100ms) {
    const std::size_t packets = control.window() / mtu;
    for (std::size_t i = 0; i < packets; ++i) {
      now += rtt / static_cast<Duration::rep>(packets);
      control.acknowledged({.now = now,
                            .result = {.bytes_acked = mtu,
                                       .rtt = rtt,
                                       .rate = RateSample{.delivered = static_cast<std::size_t>(rate), .interval = 1s}},
                            .smoothed_rtt = rtt,
                            .min_rtt = 100ms,
                            .round_began = i == 0,
                            .window_limited = true});
    }
  }
};

TEST_F(SlowStartOnALossyPath, GoesOnOverAccidents) {
  for (int i = 0; i < 3; ++i) round(1e6);
  EXPECT_TRUE(control.forgives({.bytes = mtu, .runs = 1}));
  EXPECT_TRUE(control.slow_start());
  const std::size_t before = control.window();
  round(2e6);
  EXPECT_GT(control.window(), before * 3 / 2);
}

TEST_F(SlowStartOnALossyPath, EndsWithWhatThePathHoldsWhenNoMoreComesOutOfIt) {
  for (int i = 0; i < 3; ++i) round(5e5);
  EXPECT_TRUE(control.slow_start()) << "may be chance";
  ASSERT_EQ(control.window(), 80 * mtu);
  round(5e5);
  EXPECT_FALSE(control.slow_start());
  EXPECT_NEAR(static_cast<double>(control.window()), 0.1 * 5e5, 2 * mtu);
}

TEST_F(SlowStartOnALossyPath, GoesOnWhileMoreAndMoreComesOutOfIt) {
  for (int i = 0; i < 6; ++i) round(1e6 * std::pow(1.3, i));
  EXPECT_TRUE(control.slow_start());
}

TEST_F(CubicTest, IdleTimeFadesToTheInitialWindowAndRemembersTheWay) {
  grow_to(100);
  control.congested(false);
  control.idle(1);
  EXPECT_EQ(control.window(), 35 * mtu);
  EXPECT_TRUE(control.slow_start());
  EXPECT_EQ(control.threshold(), 70 * mtu);
  control.idle(20);
  EXPECT_EQ(control.window(), 10 * mtu);
}

}  // namespace
}  // namespace linnet::sctp
