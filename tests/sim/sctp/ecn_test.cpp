#include <gtest/gtest.h>

#include <chrono>

#include "sim/sctp/bulk.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  double share = 0;
  LinkStats link;
  sctp::Statistics sender;
};

/// A flow over a router that marks packets long before its queue is full.
Outcome run(bool here, bool there, CongestionAlgorithm algorithm = CongestionAlgorithm::Cubic) {
  const Bottleneck path{.mbps = 20, .rtt = 40ms, .queue = 4};
  PairOptions options = path.options();
  options.a_to_b.ecn_threshold = options.a_to_b.queue_bytes / 8;
  SeededGenerator random{5};
  Bulk a{random};
  Bulk b{random};
  a.add({.congestion_algorithm = algorithm, .ecn = here});
  b.add({.congestion_algorithm = algorithm, .ecn = there});
  Pair pair{a, b, random, options};
  a.connect(pair.now(), 0);
  a.set_sending(0, true);
  pair.run_for(2s);
  const std::uint64_t before = b.received(0);
  pair.run_for(8s);
  return {static_cast<double>(b.received(0) - before) / (8 * path.ideal(sctp::Options{}.mtu)),
          pair.link(Side::A).stats(), a.association(0).statistics()};
}

TEST(Ecn, MarksKeepTheQueueShortWithoutALoss) {
  for (const auto algorithm : {CongestionAlgorithm::Cubic, CongestionAlgorithm::NewReno}) {
    const Outcome outcome = run(true, true, algorithm);
    EXPECT_GT(outcome.link.marked, 0U);
    EXPECT_EQ(outcome.link.overflowed, 0U);
    EXPECT_EQ(outcome.sender.chunks_retransmitted, 0U);
    EXPECT_GE(outcome.share, 0.9);
  }
}

TEST(Ecn, IsNotUsedUnlessBothEndsWantIt) {
  for (const bool here : {false, true}) {
    const Outcome outcome = run(here, !here);
    EXPECT_EQ(outcome.link.marked, 0U);
    EXPECT_GT(outcome.link.overflowed, 0U) << "so the queue runs over now and then";
  }
}

}  // namespace
}  // namespace linnet::sim
