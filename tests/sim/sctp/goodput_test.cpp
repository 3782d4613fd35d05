#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <ostream>

#include "sim/sctp/bulk.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

/// What one flow gets of the path, 1 being all of it, in `measured` after `warm_up`.
double utilization(const Bottleneck& path, const sctp::Options& options, Duration warm_up, Duration measured) {
  SeededGenerator random{7};
  Bulk a{random};
  Bulk b{random};
  a.add(options);
  b.add(options);
  Pair pair{a, b, random, path.options()};
  a.connect(pair.now(), 0);
  b.connect(pair.now(), 0);
  a.set_sending(0, true);
  EXPECT_EQ(pair.run_for(warm_up), Stop::TimeLimit);
  const std::uint64_t before = b.received(0);
  EXPECT_EQ(pair.run_for(measured), Stop::TimeLimit);
  const double rate = static_cast<double>(b.received(0) - before) / std::chrono::duration<double>(measured).count();
  return rate / path.ideal(options.mtu);
}

struct Cell {
  double mbps;
  int rtt_ms;
  double loss;
  double least = 0.9;
  friend std::ostream& operator<<(std::ostream& out, const Cell& cell) {
    return out << cell.mbps << " Mbit/s, " << cell.rtt_ms << " ms, loss " << cell.loss;
  }
};

struct Goodput : testing::TestWithParam<Cell> {};

TEST_P(Goodput, ReachesNineTenthsOfTheBottleneck) {
  const Cell& cell = GetParam();
  const Bottleneck path{.mbps = cell.mbps, .rtt = std::chrono::milliseconds{cell.rtt_ms}, .loss = cell.loss};
  // Slow start takes a dozen round trips to 1 Gbit/s; then ten more are measured, a second at least.
  const double share = utilization(path, {}, 20 * path.rtt + 500ms, std::max<Duration>(10 * path.rtt, 1s));
  EXPECT_GE(share, cell.least);
}

INSTANTIATE_TEST_SUITE_P(Paths, Goodput,
                         testing::Values(Cell{10, 20, 0}, Cell{10, 100, 0}, Cell{10, 300, 0}, Cell{100, 20, 0},
                                         Cell{100, 100, 0}));

}  // namespace
}  // namespace linnet::sim
