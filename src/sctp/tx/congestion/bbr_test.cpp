#include "sctp/tx/congestion/bbr.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;
using State = Bbr::State;

constexpr std::size_t mtu = 1'000;

/// A path of one queue and one delay, whose sender follows the window and the pacing rate exactly.
struct BbrTest : testing::Test {
  Bbr control{mtu, 10 * mtu};
  double rate = 1e6;  // bytes a second
  Duration delay = 50ms;
  std::size_t lose_every = 0;
  std::size_t in_a_row = 1;
  bool last_lost = false;
  TimePoint now{1s};
  std::size_t in_flight = 0;
  std::uint64_t delivered = 0;

  struct Packet {
    TimePoint sent;
    TimePoint acked;
    TimePoint delivered_at;  // time of the newest delivery when it was sent
    std::uint64_t delivered = 0;
    std::size_t in_flight = 0;
    bool lost = false;
  };
  std::deque<Packet> flying;
  TimePoint free{};
  TimePoint next_send{};
  TimePoint delivered_at{1s};
  std::size_t count = 0;
  std::size_t most_queued = 0;

  void send() {
    in_flight += mtu;
    free = std::max(free, now) + Duration{static_cast<Duration::rep>(mtu / rate * 1e9)};
    most_queued =
        std::max(most_queued, static_cast<std::size_t>(std::chrono::duration<double>(free - now).count() * rate));
    flying.push_back(
        {now, free + delay, delivered_at, delivered, in_flight, lose_every != 0 && ++count % lose_every < in_a_row});
    if (control.pacing_rate() > 0)
      next_send = std::max(next_send, now) + Duration{static_cast<Duration::rep>(mtu / control.pacing_rate() * 1e9)};
  }
  void acknowledge() {
    const Packet packet = flying.front();
    flying.pop_front();
    in_flight -= mtu;
    Acknowledgement ack{.now = now, .in_flight = in_flight, .window_limited = true};
    if (packet.lost) {
      ack.result.lost = {.bytes = mtu, .runs = std::exchange(last_lost, true) ? 0U : 1U};
      control.lost(ack.result.lost);
    } else {
      last_lost = false;
      delivered += mtu;
      delivered_at = now;
      ack.result.bytes_acked = mtu;
      ack.result.rtt = now - packet.sent;
      ack.result.rate = RateSample{.delivered = static_cast<std::size_t>(delivered - packet.delivered),
                                   .interval = now - packet.delivered_at,
                                   .prior_delivered = static_cast<std::size_t>(packet.delivered),
                                   .in_flight_at_send = packet.in_flight};
    }
    control.acknowledged(ack);
  }
  void run(Duration time) {
    const TimePoint end = now + time;
    while (now < end) {
      const TimePoint ack = flying.empty() ? never : flying.front().acked;
      const TimePoint send_at = in_flight + mtu <= control.window() ? std::max(now, next_send) : never;
      now = std::min(ack, send_at);
      if (ack <= send_at)
        acknowledge();
      else
        send();
    }
  }
};

TEST_F(BbrTest, FindsTheBandwidthAndTheDelay) {
  run(3s);
  EXPECT_NE(control.state(), State::Startup);
  EXPECT_NEAR(control.bandwidth(), 1e6, 0.1e6);
  EXPECT_NEAR(std::chrono::duration<double>(control.min_rtt()).count(), 0.051, 0.002);
}

TEST_F(BbrTest, KeepsThePathFullAndTheQueueShort) {
  run(3s);
  const std::uint64_t before = delivered;
  most_queued = 0;
  run(10s);
  EXPECT_GT(static_cast<double>(delivered - before), 0.95 * 10e6);
  EXPECT_LT(most_queued, 40'000U) << "a bandwidth-delay product is 50 kB";
}

TEST_F(BbrTest, FivePerCentOfAccidentalLossCostFivePerCent) {
  lose_every = 20;
  run(3s);
  const std::uint64_t before = delivered;
  run(10s);
  EXPECT_GT(static_cast<double>(delivered - before), 0.85 * 10e6);
}

TEST_F(BbrTest, AFadingIsNoSignOfTooMuchInFlightHoweverManyPacketsItTakes) {
  lose_every = 250;
  in_a_row = 12;  // a quarter of the path's packets at that time
  run(3s);
  const std::uint64_t before = delivered;
  run(10s);
  EXPECT_GT(static_cast<double>(delivered - before), 0.9 * 10e6);
}

TEST_F(BbrTest, FollowsAPathThatGetsFaster) {
  run(3s);
  rate = 4e6;
  run(12s);
  EXPECT_GT(control.bandwidth(), 3.5e6);
}

TEST_F(BbrTest, FollowsAPathThatGetsSlower) {
  run(3s);
  rate = 0.25e6;
  run(12s);
  EXPECT_LT(control.bandwidth(), 0.3e6);
}

TEST_F(BbrTest, EmptiesTheQueueFromTimeToTimeToMeasureTheDelay) {
  run(3s);
  bool seen = false;
  for (int i = 0; i < 800; ++i) {
    run(10ms);
    if (control.state() != State::ProbeRtt) continue;
    seen = true;
    EXPECT_LE(control.window(), 30'000U);
  }
  EXPECT_TRUE(seen);
  delay = 100ms;  // another path: the old delay is forgotten
  run(25s);
  EXPECT_GT(control.min_rtt(), 90ms);
}

TEST_F(BbrTest, ATimeoutLeavesOnePacketAndIsUndone) {
  run(3s);
  const std::size_t before = control.window();
  control.timed_out(false);
  EXPECT_EQ(control.window(), mtu);
  control.undo();
  EXPECT_EQ(control.window(), before);
}

TEST_F(BbrTest, NeverLessThanFourPackets) {
  run(3s);
  rate = 100;
  run(60s);
  EXPECT_GE(control.window(), 4 * mtu);
}

}  // namespace
}  // namespace linnet::sctp
