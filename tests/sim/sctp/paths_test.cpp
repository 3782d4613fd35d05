// What path_floors_test.cpp does not show of the paths of docs/performance-paths.md: CUBIC to the letter beside TCP,
// and seeds that were unlucky once.
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>

#include "sim/sctp/contest.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

sctp::Options with(CongestionAlgorithm algorithm, bool tolerate = true) {
  sctp::Options options;
  options.mtu = 1'415;
  options.congestion_algorithm = algorithm;
  options.tolerate_random_loss = tolerate;
  return options;
}

struct Cell {
  double mbps = 10;
  int rtt_ms = 20;
  double loss = 0;
  double burst = 0;

  [[nodiscard]] Trial trial(std::optional<sctp::Options> flow) const {
    const Duration rtt = std::chrono::milliseconds{rtt_ms};
    return {.path = {.mbps = mbps, .rtt = rtt, .loss = loss},
            .burst = burst,
            .flows = {flow},
            .warm_up = std::max<Duration>(20 * rtt, 3s),
            .measured = std::max<Duration>(20 * rtt, mbps >= 1'000 ? 1s
                                                     : mbps >= 100 ? 5s
                                                                   : 20s)};
  }
  friend std::ostream& operator<<(std::ostream& out, const Cell& cell) {
    return out << cell.mbps << " Mbit/s, " << cell.rtt_ms << " ms, loss " << cell.loss
               << (cell.burst > 0 ? " in fadings" : "");
  }
};

double share(const Cell& cell, std::optional<sctp::Options> flow) { return cell.trial(flow).run().shares[0]; }

/// A loss in slow start is seldom what ends it: with these seeds one once did, and 0.59 to 0.67 was what remained.
TEST(NineTenthsOfAGigabit, AreTakenWhateverIsLostInSlowStart) {
  if (sanitized) GTEST_SKIP();
  struct Unlucky {
    Duration rtt;
    std::uint64_t seed;
  };
  for (const auto& [rtt, seed] : {Unlucky{100ms, 4}, Unlucky{300ms, 9}}) {
    const Trial trial{.path = {.mbps = 1'000, .rtt = rtt, .loss = 0.001},
                      .flows = {with(CongestionAlgorithm::Cubic)},
                      .warm_up = std::max<Duration>(27 * rtt, 3s),
                      .measured = 1s,
                      .seed = seed};
    EXPECT_GE(trial.run().shares[0], 0.9) << std::chrono::milliseconds{rtt / 1ms}.count() << " ms";
  }
}

struct BesideTcp : testing::TestWithParam<Cell> {};

TEST_P(BesideTcp, CubicIsNotSlower) {
  if (sanitized && GetParam().mbps > 10) GTEST_SKIP();
  // Where both fill the path, or both hardly move, the last two per cent are luck.
  const double tcp = share(GetParam(), std::nullopt);
  EXPECT_GE(share(GetParam(), with(CongestionAlgorithm::Cubic)), 0.98 * tcp - 0.01);
  EXPECT_GE(share(GetParam(), with(CongestionAlgorithm::Cubic, false)), 0.9 * tcp - 0.01) << "to the letter";
}

INSTANTIATE_TEST_SUITE_P(Paths, BesideTcp,
                         testing::Values(Cell{1, 20, 0.01}, Cell{1, 100, 0.05}, Cell{10, 1, 0.05}, Cell{10, 20, 0.01},
                                         Cell{10, 50, 0.05}, Cell{10, 100, 0.01}, Cell{100, 20, 0.01},
                                         Cell{100, 50, 0.05}, Cell{100, 300, 0.01}));

}  // namespace
}  // namespace linnet::sim
