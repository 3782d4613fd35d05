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
  // Slow start takes a dozen round trips to 1 Gbit/s, as many again where it overshoots, and then CUBIC its seconds.
  const Duration warm_up = std::max<Duration>(40 * path.rtt, cell.mbps > 100 ? 6s : 15s);
  // What path MTU discovery finds below 1,500 bytes of IP. Gap blocks reach 65,535 TSNs, which is two round trips of
  // the fastest and longest of these paths: one in flight, one behind holes.
  const double share = utilization(path, {.mtu = 1'415}, warm_up, std::max<Duration>(20 * path.rtt, 2s));
  EXPECT_GE(share, cell.least);
}

INSTANTIATE_TEST_SUITE_P(Paths, Goodput,
                         testing::Values(Cell{10, 20, 0}, Cell{10, 100, 0}, Cell{10, 300, 0}, Cell{100, 20, 0},
                                         Cell{100, 100, 0}, Cell{100, 300, 0}, Cell{1'000, 20, 0}, Cell{1'000, 100, 0},
                                         Cell{1'000, 300, 0}, Cell{10, 20, 0.001}, Cell{10, 100, 0.001},
                                         Cell{10, 300, 0.001}, Cell{100, 20, 0.001}, Cell{100, 100, 0.001},
                                         Cell{100, 300, 0.001}, Cell{1'000, 20, 0.001}, Cell{1'000, 100, 0.001},
                                         Cell{1'000, 300, 0.001}));

TEST(Bbr, KeepsItsSpeedWhereFivePerCentAreLost) {
  const sctp::Options options{.congestion_algorithm = CongestionAlgorithm::Bbr};
  for (const double mbps : {10.0, 100.0}) {
    const Bottleneck path{.mbps = mbps, .rtt = 50ms, .loss = 0.05};
    EXPECT_GE(utilization(path, options, 5s, 5s), 0.8) << mbps << " Mbit/s";
  }
}

TEST(Bbr, FillsAPathWithoutFillingItsQueue) {
  const sctp::Options options{.congestion_algorithm = CongestionAlgorithm::Bbr};
  for (const int rtt_ms : {20, 100}) {
    const Bottleneck path{.mbps = 50, .rtt = std::chrono::milliseconds{rtt_ms}, .queue = 4};
    EXPECT_GE(utilization(path, options, 3s, 5s), 0.9) << rtt_ms << " ms";
  }
}

/// Jain's index of what the flows get: 1 is equal, 1/n is one for all.
double fairness(const Bottleneck& path, std::span<const sctp::Options> flows, Duration warm_up, Duration measured) {
  SeededGenerator random{11};
  Bulk a{random};
  Bulk b{random};
  for (const sctp::Options& options : flows) {
    a.add(options);
    b.add(options);
  }
  Pair pair{a, b, random, path.options()};
  // One after the other: the late one has to find room.
  for (std::size_t i = 0; i < flows.size(); ++i) {
    a.connect(pair.now(), i);
    a.set_sending(i, true);
    pair.run_for(warm_up / 4);
  }
  pair.run_for(warm_up);
  std::vector<double> before(flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) before[i] = static_cast<double>(b.received(i));
  pair.run_for(measured);
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const double got = static_cast<double>(b.received(i)) - before[i];
    sum += got;
    squares += got * got;
  }
  EXPECT_GE(sum, 0.85 * path.ideal(flows[0].mtu) * std::chrono::duration<double>(measured).count());
  return sum * sum / (static_cast<double>(flows.size()) * squares);
}

TEST(Fairness, TwoFlowsShareThePath) {
  const std::array<sctp::Options, 2> flows{};
  EXPECT_GE(fairness({.mbps = 20, .rtt = 40ms}, flows, 20s, 20s), 0.9);
}

TEST(Fairness, CubicAndNewRenoShareAShortPath) {
  const std::array flows{sctp::Options{}, sctp::Options{.congestion_algorithm = CongestionAlgorithm::NewReno}};
  EXPECT_GE(fairness({.mbps = 10, .rtt = 20ms}, flows, 20s, 20s), 0.9);
}

TEST(Fairness, TwoBbrFlowsShareThePath) {
  const sctp::Options bbr{.congestion_algorithm = CongestionAlgorithm::Bbr};
  const std::array flows{bbr, bbr};
  EXPECT_GE(fairness({.mbps = 20, .rtt = 40ms}, flows, 20s, 20s), 0.8);
}

}  // namespace
}  // namespace linnet::sim
