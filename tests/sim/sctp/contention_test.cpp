// Our flows beside others, and on paths with habits.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

#include "sim/sctp/contest.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

sctp::Options with(CongestionAlgorithm algorithm) {
  sctp::Options options;
  options.mtu = 1'415;
  options.congestion_algorithm = algorithm;
  return options;
}
const sctp::Options cubic = with(CongestionAlgorithm::Cubic);
const sctp::Options bbr = with(CongestionAlgorithm::Bbr);
const std::optional<sctp::Options> tcp = std::nullopt;

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// What the first gets for each byte of the second; the path must be in use.
double ratio(const Trial& trial) {
  const auto outcome = trial.run();
  EXPECT_GE(outcome.sum(), 0.9) << outcome.shares[0] << " and " << outcome.shares[1];
  return outcome.shares[0] / outcome.shares[1];
}

/// Whoever comes first.
void expect_ratio(std::optional<sctp::Options> first, std::optional<sctp::Options> second, double least, double most,
                  const Bottleneck& path) {
  Trial trial{.path = path, .flows = {first, second}, .warm_up = 30s, .measured = 60s, .stagger = 3s};
  const double first_early = ratio(trial);
  EXPECT_GE(first_early, least);
  EXPECT_LE(first_early, most);
  if (sanitized) return;
  std::swap(trial.flows[0], trial.flows[1]);
  const double first_late = 1 / ratio(trial);
  EXPECT_GE(first_late, least);
  EXPECT_LE(first_late, most);
}

TEST(Contention, TwoCubicFlowsShareEvenly) {
  expect_ratio(cubic, cubic, 0.6, 1.7, {.mbps = 10, .rtt = 40ms});
  expect_ratio(cubic, cubic, 0.6, 1.7, {.mbps = 20, .rtt = 100ms});
}

TEST(Contention, CubicAndTcpCubicShareThePath) {
  // Where the queue is short the drops fall on who sends in bursts, and we pace: twice as much in the mean is ours.
  double product = 1;
  unsigned trials = 0;
  for (const Bottleneck& path :
       {Bottleneck{.mbps = 10, .rtt = 40ms}, Bottleneck{.mbps = 20, .rtt = 100ms},
        Bottleneck{.mbps = 10, .rtt = 40ms, .queue = 4}, Bottleneck{.mbps = 50, .rtt = 20ms}}) {
    if (sanitized && path.mbps > 20) continue;
    Trial trial{.path = path, .flows = {cubic, tcp}, .warm_up = 30s, .measured = 60s, .stagger = 3s};
    const double first = ratio(trial);
    std::swap(trial.flows[0], trial.flows[1]);
    const double second = 1 / ratio(trial);
    for (const double ours : {first, second}) {
      EXPECT_GE(ours, 0.3) << path.mbps;
      EXPECT_LE(ours, 4) << path.mbps;
      product *= ours;
      ++trials;
    }
  }
  const double mean = std::pow(product, 1.0 / trials);
  EXPECT_GE(mean, 0.5);
  EXPECT_LE(mean, 2.2);
}

/// What four TCP flows get beside ours, for each byte that they get beside one to the letter of RFC 9438.
double left_for_tcp(const Bottleneck& path, const std::function<void(PairOptions&)>& change = {}) {
  const auto theirs = [&](const sctp::Options& ours) {
    const Trial trial{
        .path = path, .flows = {ours, tcp, tcp, tcp, tcp}, .warm_up = 30s, .measured = 60s, .stagger = 3s};
    PairOptions links = trial.options();
    if (change) change(links);
    const auto outcome = trial.run(links);
    return outcome.sum() - outcome.shares[0];
  };
  sctp::Options strict = cubic;
  strict.tolerate_random_loss = false;
  return theirs(cubic) / theirs(strict);
}

TEST(Contention, ForgivingAccidentsTakesNothingFromTcpAtShortQueues) {
  // The whole queue is shorter than what passes for jitter.
  EXPECT_GE(left_for_tcp({.mbps = 50, .rtt = 100ms, .queue = 0.1}), 0.85);
  if (sanitized) return;
  EXPECT_GE(left_for_tcp({.mbps = 50, .rtt = 40ms, .queue = 0.15}), 0.85);
  EXPECT_GE(left_for_tcp({.mbps = 50, .rtt = 100ms, .queue = 0.25}), 0.85);
}

TEST(Contention, ForgivingAccidentsTakesNothingFromTcpBehindAPolicer) {
  if (sanitized) GTEST_SKIP();
  const auto policed = [](PairOptions& links) {
    links.a_to_b.bits_per_second = 1'000'000'000;
    links.a_to_b.queue_bytes = 10'000'000;
    links.a_to_b.policed_bits_per_second = 50'000'000;
    links.a_to_b.policer_bucket = 200'000;
  };
  EXPECT_GE(left_for_tcp({.mbps = 50, .rtt = 100ms}, policed), 0.85);
}

TEST(Contention, ForgivingAccidentsTakesLittleFromTcpAfterDelaySpikes) {
  if (sanitized) GTEST_SKIP();
  // All that a stall holds back looks as if it had met a long queue, next to which the real one is never full.
  const auto left_after = [](const std::vector<Duration>& stalls) {
    return left_for_tcp({.mbps = 50, .rtt = 100ms, .queue = 0.1}, [&](PairOptions& links) {
      for (const Duration from : stalls) links.a_to_b.stalls.push_back({.from = from, .length = 400ms});
    });
  };
  EXPECT_GE(left_after({46s}), 0.85);
  EXPECT_GE(left_after({20s, 40s, 60s, 80s}), 0.65);
}

TEST(Contention, NeitherBbrNorTcpCubicStarves) {
  expect_ratio(bbr, tcp, 0.1, 10, {.mbps = 10, .rtt = 40ms});
  expect_ratio(bbr, tcp, 0.1, 10, {.mbps = 10, .rtt = 40ms, .queue = 4});
}

/// 20 Mbit/s that pass a token bucket of `bucket` bytes, and no queue to be seen.
Trial::Outcome policed(std::optional<sctp::Options> flow, std::size_t bucket) {
  const Trial trial{.path = {.mbps = 20, .rtt = 40ms}, .flows = {flow}, .warm_up = 10s, .measured = 20s};
  PairOptions links = trial.options();
  links.a_to_b.bits_per_second = 1'000'000'000;
  links.a_to_b.queue_bytes = 10'000'000;
  links.a_to_b.policed_bits_per_second = 20'000'000;
  links.a_to_b.policer_bucket = bucket;
  return trial.run(links);
}

TEST(Policer, IsNotFoughtWithAFloodOfLosses) {
  for (const auto& flow : {cubic, bbr}) {
    const auto ours = policed(flow, 100'000);
    const auto theirs = policed(tcp, 100'000);
    EXPECT_GE(ours.shares[0], 0.98 * theirs.shares[0] - 0.01);
    EXPECT_LE(static_cast<double>(ours.link.policed), 0.06 * static_cast<double>(ours.link.sent));
  }
}

/// An uplink with a second of buffer.
Trial::Outcome bloated(std::optional<sctp::Options> flow) {
  return Trial{.path = {.mbps = 5, .rtt = 40ms, .queue = 25}, .flows = {flow}, .warm_up = 10s, .measured = 30s}.run();
}

TEST(Bufferbloat, CubicQueuesNoMoreThanTcpDoes) {
  const auto ours = bloated(cubic);
  const auto theirs = bloated(tcp);
  EXPECT_GE(ours.shares[0], 0.9);
  EXPECT_LE(milliseconds(ours.mean_queueing), 1.1 * milliseconds(theirs.mean_queueing));
}

TEST(Bufferbloat, BbrLeavesTheQueueAlone) {
  const auto outcome = bloated(bbr);
  EXPECT_GE(outcome.shares[0], 0.9);
  EXPECT_LE(milliseconds(outcome.mean_queueing), 80);
}

/// 20 Mbit/s on which packets are held back for up to `late` with that probability; nothing is lost.
Trial::Outcome reordered(std::optional<sctp::Options> flow, double probability, Duration late) {
  const Trial trial{.path = {.mbps = 20, .rtt = 40ms}, .flows = {flow}, .warm_up = 10s, .measured = 10s};
  PairOptions links = trial.options();
  links.a_to_b.reorder = probability;
  links.a_to_b.reorder_delay = late;
  return trial.run(links);
}

TEST(Reordering, ALittleIsNoSignOfCongestion) {
  for (const auto& flow : {cubic, bbr}) {
    const auto outcome = reordered(flow, 0.02, 5ms);
    EXPECT_GE(outcome.shares[0], 0.9);
    EXPECT_LE(static_cast<double>(outcome.retransmissions), 0.01 * static_cast<double>(outcome.link.sent));
  }
}

TEST(Reordering, MuchOfItIsLearnt) {
  const auto outcome = reordered(cubic, 0.2, 30ms);
  EXPECT_GE(outcome.shares[0], 0.8);
  EXPECT_EQ(outcome.timeouts, 0U);
}

}  // namespace
}  // namespace linnet::sim
