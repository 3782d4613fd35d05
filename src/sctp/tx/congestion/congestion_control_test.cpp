#include "sctp/tx/congestion/congestion_control.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mtu = 1'000;

struct Congestion : testing::Test {
  CongestionControl control{{.algorithm = CongestionAlgorithm::NewReno, .mtu = mtu}};
  TimePoint now{1s};
  std::uint32_t next = 1;   // TSN
  std::uint32_t acked = 0;  // cumulative

  void send(std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i, ++next) control.sent(now, mtu, (next - acked) * mtu);
  }
  bool acknowledge(std::uint32_t packets, std::size_t lost = 0) {
    acked += packets;
    return control.acknowledged({.now = now,
                                 .result = {.valid = true,
                                            .cumulative_moved = packets != 0,
                                            .bytes_acked = packets * mtu,
                                            .lost = {.bytes = lost, .runs = lost / mtu},
                                            .rtt = 20ms},
                                 .in_flight = (next - 1 - acked) * mtu,
                                 .cumulative = Tsn{acked},
                                 .next_tsn = Tsn{next},
                                 .smoothed_rtt = 20ms});
  }
};

TEST_F(Congestion, AWindowThatIsUsedGrows) {
  send(10);
  EXPECT_FALSE(acknowledge(10));
  EXPECT_EQ(control.window(), 20 * mtu);
}

TEST_F(Congestion, AWindowThatTheApplicationDoesNotFillStays) {
  for (int round = 0; round < 20; ++round) {
    send(4);
    acknowledge(4);
  }
  EXPECT_EQ(control.window(), 10 * mtu);
}

TEST_F(Congestion, LossReducesOnceUntilWhatWasInFlightIsAcknowledged) {
  send(10);
  EXPECT_TRUE(acknowledge(1, mtu));
  const std::size_t reduced = control.window();
  EXPECT_LT(reduced, 10 * mtu);
  EXPECT_FALSE(control.lost(now, {.bytes = mtu, .runs = 1}, Tsn{next - 1})) << "the same recovery";
  EXPECT_TRUE(control.in_fast_recovery());
  acknowledge(4);
  EXPECT_EQ(control.window(), reduced) << "no growth while recovering";
  acknowledge(5);
  EXPECT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(control.lost(now, {.bytes = mtu, .runs = 1}, Tsn{next}));
}

TEST_F(Congestion, ATimeoutEndsTheRecovery) {
  send(10);
  acknowledge(1, mtu);
  control.timed_out(now);
  EXPECT_EQ(control.window(), mtu);
  EXPECT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(control.slow_start());
}

TEST_F(Congestion, WhatProvesNeedlessIsUndone) {
  send(10);
  acknowledge(1, mtu);
  ASSERT_LT(control.window(), 11 * mtu);
  (void)control.acknowledged(
      {.now = now, .result = {.valid = true, .spurious = true}, .cumulative = Tsn{acked}, .next_tsn = Tsn{next}});
  EXPECT_EQ(control.window(), 11 * mtu);
  EXPECT_FALSE(control.in_fast_recovery());
}

TEST_F(Congestion, AMarkShrinksTheWindowOnceForWhatIsInFlight) {
  send(10);
  control.ecn_echo(now, Tsn{next - 1});
  const std::size_t reduced = control.window();
  EXPECT_LT(reduced, 10 * mtu);
  control.ecn_echo(now, Tsn{next - 1});
  EXPECT_FALSE(control.lost(now, {.bytes = mtu, .runs = 1}, Tsn{next - 1})) << "told already";
  EXPECT_EQ(control.window(), reduced);
  control.undo(now);
  EXPECT_EQ(control.window(), reduced) << "a mark is no mistake";
  acknowledge(10);
  const std::size_t before = control.window();
  control.ecn_echo(now, Tsn{next});
  EXPECT_LT(control.window(), before);
}

TEST_F(Congestion, LongPathsArePacedAndShortOnesAreNot) {
  send(10);
  acknowledge(10);
  // Slow start: twice 20 packets in 20 ms.
  EXPECT_NEAR(control.pacing_rate(), 2e6, 1);
  now += 1s;
  std::uint32_t sent = 0;
  for (; control.next_send(now) <= now; ++sent) send(1);
  EXPECT_EQ(sent, 10U);
  EXPECT_LE(control.next_send(now), now + 2ms);
  CongestionControl short_path{{.mtu = mtu}};
  (void)short_path.acknowledged({.now = now,
                                 .result = {.valid = true, .bytes_acked = mtu, .rtt = 900us},
                                 .cumulative = Tsn{1},
                                 .next_tsn = Tsn{2},
                                 .smoothed_rtt = 10ms});
  EXPECT_EQ(short_path.pacing_rate(), 0);
}

TEST_F(Congestion, AnAccidentDoesNotShrinkTheWindowOfCubicUntilItProvesCongestion) {
  control = CongestionControl{{.algorithm = CongestionAlgorithm::Cubic, .mtu = mtu, .initial_packets = 200}};
  send(200);
  acknowledge(150);
  const std::size_t before = control.window();
  EXPECT_TRUE(acknowledge(1, mtu)) << "to be sent again all the same";
  EXPECT_GE(control.window(), before);
  EXPECT_FALSE(acknowledge(1, 20 * mtu)) << "the same recovery";
  EXPECT_LT(control.window(), before);
}

TEST_F(Congestion, WhatIsFoundLostWhileRecoveringIsNotHeldAgainstTheNextAccident) {
  control = CongestionControl{{.algorithm = CongestionAlgorithm::Cubic, .mtu = mtu, .initial_packets = 200}};
  const auto round_of = [&](Duration rtt) {
    for (int i = 0; i < 100; ++i) {
      now += rtt / 100;
      send(1);
      (void)control.acknowledged({.now = now,
                                  .result = {.valid = true, .cumulative_moved = true, .bytes_acked = mtu, .rtt = rtt},
                                  .in_flight = 100 * mtu,
                                  .cumulative = Tsn{++acked},
                                  .next_tsn = Tsn{next},
                                  .smoothed_rtt = rtt});
    }
  };
  send(100);
  round_of(20ms);
  round_of(40ms);  // a queue
  EXPECT_TRUE(acknowledge(1, 50 * mtu)) << "the overflow begins";
  const std::size_t reduced = control.window();
  EXPECT_FALSE(acknowledge(1, 40 * mtu)) << "the rest of it";
  round_of(20ms);
  round_of(20ms);
  ASSERT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(acknowledge(1, mtu));
  EXPECT_GE(control.window(), reduced);
}

TEST_F(Congestion, AHoleThatStaysDoesNotStopTheRounds) {
  control = CongestionControl{{.algorithm = CongestionAlgorithm::Cubic, .mtu = mtu}};
  // The cumulative TSN stays at 0; delay grows from round to round, which is HyStart++'s sign to slow down.
  send(10);
  const auto acknowledge_all = [&](Duration rtt) {
    now += rtt;
    const std::size_t packets = control.window() / mtu;
    for (std::size_t i = 0; i < packets; ++i)
      (void)control.acknowledged({.now = now,
                                  .result = {.valid = true, .bytes_acked = mtu, .rtt = rtt},
                                  .in_flight = packets * mtu,
                                  .cumulative = Tsn{0},
                                  .next_tsn = Tsn{next},
                                  .smoothed_rtt = rtt});
    send(static_cast<std::uint32_t>(packets));
  };
  for (const Duration rtt : {100ms, 100ms, 140ms, 140ms, 140ms, 140ms, 140ms, 140ms}) acknowledge_all(rtt);
  EXPECT_FALSE(control.slow_start());
}

TEST_F(Congestion, AnotherPathBeginsAnewAndIsPacedByItsOwnRoundTrip) {
  for (const CongestionAlgorithm algorithm :
       {CongestionAlgorithm::Cubic, CongestionAlgorithm::NewReno, CongestionAlgorithm::Bbr}) {
    control = CongestionControl{{.algorithm = algorithm, .mtu = mtu}};
    const auto acknowledge_after = [&](Duration rtt) {
      send(10);
      now += rtt;
      acked += 10;
      (void)control.acknowledged(
          {.now = now,
           .result = {.valid = true,
                      .cumulative_moved = true,
                      .bytes_acked = 10 * mtu,
                      .rtt = rtt,
                      .rate = RateSample{.delivered = 10 * mtu, .interval = rtt, .in_flight_at_send = 10 * mtu}},
           .in_flight = 0,
           .cumulative = Tsn{acked},
           .next_tsn = Tsn{next},
           .smoothed_rtt = rtt});
    };
    for (int i = 0; i < 5; ++i) acknowledge_after(300us);
    ASSERT_EQ(control.pacing_rate(), 0);
    control.path_changed(now, std::nullopt);
    EXPECT_EQ(control.window(), 10 * mtu);
    acknowledge_after(100ms);
    EXPECT_EQ(control.min_rtt(), 100ms);
    EXPECT_GT(control.pacing_rate(), 0);
  }
}

TEST_F(Congestion, WhatTheLastPathLeavesSaysNothingAboutTheNext) {
  control = CongestionControl{{.algorithm = CongestionAlgorithm::Cubic, .mtu = mtu}};
  send(10);
  control.path_changed(now, Tsn{next - 1});
  now += 10ms;
  acknowledge(4, 5 * mtu);  // sent 20 ms ago
  EXPECT_EQ(control.window(), 10 * mtu) << "neither more nor less";
  EXPECT_EQ(control.min_rtt(), Duration::zero());
  acknowledge(6);
  EXPECT_FALSE(control.in_fast_recovery());
  EXPECT_TRUE(control.slow_start());
  EXPECT_TRUE(control.lost(now, {.bytes = 10 * mtu, .runs = 1}, Tsn{next})) << "but this is its own";
}

TEST_F(Congestion, ATimeoutOfWhatTheLastPathLostCostsTheNextNothing) {
  send(10);
  control.path_changed(now, Tsn{next - 1});
  control.timed_out(now);
  EXPECT_EQ(control.window(), 10 * mtu);
  EXPECT_TRUE(control.slow_start());
  control.timed_out(now + 1s);
  EXPECT_EQ(control.window(), mtu) << "a second one is its own";
}

TEST_F(Congestion, KnowsTheLeastRoundTrip) {
  send(2);
  acknowledge(1);
  (void)control.acknowledged({.now = now,
                              .result = {.valid = true, .bytes_acked = mtu, .rtt = 15ms},
                              .cumulative = Tsn{acked},
                              .next_tsn = Tsn{next}});
  acknowledge(0);
  EXPECT_EQ(control.min_rtt(), 15ms);
}

}  // namespace
}  // namespace linnet::sctp
