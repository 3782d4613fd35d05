#include "sim/tcp_cubic.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "sim/pair.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

/// Payload bytes a second of one flow, measured after `warm_up`.
double goodput(LinkOptions link, Duration warm_up, Duration measured, std::uint64_t* timeouts = nullptr) {
  SeededGenerator random{3};
  TcpCubic a{1};
  TcpCubic b{1};
  PairOptions options = both_ways(link);
  options.b_to_a.loss = 0;
  Pair pair{a, b, random, options};
  a.set_sending(true);
  pair.run_for(warm_up);
  const std::uint64_t before = b.received();
  pair.run_for(measured);
  if (timeouts != nullptr) *timeouts = a.timeouts();
  return static_cast<double>(b.received() - before) / std::chrono::duration<double>(measured).count();
}

TEST(TcpCubic, FillsAPathWithoutLoss) {
  std::uint64_t timeouts = 0;
  const double ideal = 10e6 / 8 * 1'428 / 1'500;
  const double got =
      goodput({.latency = 20ms, .bits_per_second = 10'000'000, .queue_bytes = 50'000}, 2s, 20s, &timeouts);
  EXPECT_GE(got, 0.93 * ideal);
  EXPECT_LE(got, 1.01 * ideal);
  EXPECT_EQ(timeouts, 0U);
}

TEST(TcpCubic, FollowsItsResponseFunction) {
  // RFC 9438 section 5.1 with the average window in segments.
  for (const double loss : {0.01, 0.001, 0.0003}) {
    const double seconds = 0.2;
    const double cubic = std::pow(0.4 * 3.7 / (4 * 0.3), 0.25) * std::pow(seconds / loss, 0.75);
    const double reno = std::sqrt(1.5 / loss);
    const double expected = std::max(cubic, reno) * TcpCubic::segment_size / seconds;
    const double got = goodput({.latency = 100ms, .loss = loss}, 60s, 1'000s);
    EXPECT_GE(got, 0.7 * expected) << loss;
    EXPECT_LE(got, 1.4 * expected) << loss;
  }
}

TEST(TcpCubic, GoesOnAfterAnOutage) {
  std::uint64_t timeouts = 0;
  const double got = goodput({.latency = 20ms,
                              .bits_per_second = 10'000'000,
                              .queue_bytes = 50'000,
                              .outages = {{.from = 1s, .length = 500ms}}},
                             4s, 4s, &timeouts);
  EXPECT_GE(timeouts, 1U);
  EXPECT_GE(got, 0.9 * 10e6 / 8 * 1'428 / 1'500);
}

}  // namespace
}  // namespace linnet::sim
