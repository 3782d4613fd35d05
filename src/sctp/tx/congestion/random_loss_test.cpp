#include "sctp/tx/congestion/random_loss.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mtu = 1'000;

struct RandomLossTest : testing::Test {
  RandomLoss judge;
  TimePoint now{1s};
  void round(Duration rtt, std::size_t acked = 100'000) {
    now += rtt;
    round(rtt, acked, rtt / 10);
  }
  void round(Duration rtt, std::size_t acked, Duration between) {
    constexpr std::size_t samples = 10;
    for (std::size_t i = 0; i < samples; ++i, now += between)
      judge.acknowledged({.now = now, .result = {.bytes_acked = acked / samples, .rtt = rtt}, .round_began = i == 0});
  }
  /// Packet by packet, or in so many runs.
  void lost(std::size_t bytes, std::size_t runs = 0) {
    judge.lost({.bytes = bytes, .runs = runs == 0 ? (bytes + mtu - 1) / mtu : runs}, mtu);
  }
  /// A queue of as much as the path itself was full once and is gone.
  void know_the_queue() {
    round(100ms);
    round(200ms);
    round(100ms);
    round(100ms);
  }
};

TEST_F(RandomLossTest, AFewPacketsInAHundredWithoutAQueueAreAccidents) {
  know_the_queue();
  lost(2'000);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, MoreThanTwoPerCentIsCongestion) {
  know_the_queue();
  lost(4'100);
  EXPECT_FALSE(judge.likely());
  round(100ms);
  EXPECT_FALSE(judge.likely()) << "the last round trip counts, too";
  round(100ms);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, WhatAStallHeldBackSaysNothingAboutTheQueue) {
  round(100ms);
  round(110ms);
  round(110ms);
  now += 500ms;
  round(500ms, 100'000, 1ms);
  round(100ms);
  round(100ms);
  EXPECT_TRUE(judge.likely());
  round(106ms);
  EXPECT_FALSE(judge.likely()) << "the queue is as good as full";
}

TEST_F(RandomLossTest, ACablesQueueMayBeAsShortAsTheCable) {
  for (const Duration rtt : {1ms, 2ms, 2ms, 1ms, 1ms}) round(rtt);
  EXPECT_TRUE(judge.likely());
  round(2ms);
  EXPECT_FALSE(judge.likely());
}

TEST_F(RandomLossTest, AFadingIsOneAccidentHoweverManyPacketsItTakes) {
  know_the_queue();
  lost(40'000, 1);
  EXPECT_TRUE(judge.likely());
  EXPECT_GT(judge.path_share(), 0.9);
  lost(4'000, 4);
  EXPECT_FALSE(judge.likely()) << "five in two hundred packets";
}

TEST_F(RandomLossTest, AFadingThatTakesAThirdOfWhatIsSentIsAPathInTrouble) {
  know_the_queue();
  lost(110'000, 1);
  EXPECT_FALSE(judge.likely());
  EXPECT_EQ(judge.path_share(), 0);
}

TEST_F(RandomLossTest, AFadingWhileTheQueueIsFullIsAnOverflow) {
  round(100ms);
  round(110ms);
  round(100ms);
  round(106ms);
  lost(10'000, 1);
  EXPECT_FALSE(judge.likely());
}

TEST_F(RandomLossTest, WhatWasAnsweredIsForgotten) {
  know_the_queue();
  lost(50'000);
  judge.answered(now);
  lost(1'000);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, WhatLeftBeforeTheWindowShrankSaysNothingAboutTheQueue) {
  know_the_queue();
  now += 50ms;
  judge.answered(now);
  round(130ms);  // the first of it left 80 ms after the answer
  round(130ms);
  EXPECT_FALSE(judge.likely()) << "a queue that stays";
  judge.answered(now + 1s);
  round(130ms);
  round(130ms);
  EXPECT_TRUE(judge.likely()) << "all of it left before";
}

TEST_F(RandomLossTest, AQueueThatStandsForAWholeRoundMeansCongestion) {
  know_the_queue();
  round(113ms);
  EXPECT_TRUE(judge.likely()) << "the round before had none";
  round(113ms);
  lost(1);
  EXPECT_FALSE(judge.likely());
  round(112ms);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, WhatIsLostWhileTheQueueIsAsGoodAsFullIsNoAccident) {
  round(100ms);
  round(110ms);  // all that this queue has room for: no round trip looks long
  round(100ms);
  EXPECT_TRUE(judge.likely());
  round(106ms);
  EXPECT_FALSE(judge.likely());
  EXPECT_EQ(judge.path_share(), 0) << "and costs as much as CUBIC says";
  round(104ms);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, WhereNoQueueWasEverSeenALossMayBeAPolicers) {
  for (const Duration rtt : {100ms, 102ms, 100ms}) round(rtt);
  EXPECT_FALSE(judge.likely());
  EXPECT_EQ(judge.path_share(), 0);
  EXPECT_TRUE(judge.likely_in_slow_start(mtu)) << "which is yet to show the queue";
}

TEST_F(RandomLossTest, InSlowStartTwoPacketsOfASmallWindowAreForgiven) {
  round(100ms, 20'000);
  round(100ms, 20'000);
  lost(2 * mtu);
  EXPECT_TRUE(judge.likely_in_slow_start(mtu));
  lost(mtu);
  EXPECT_FALSE(judge.likely_in_slow_start(mtu));
}

TEST_F(RandomLossTest, InSlowStartTheQueueIsLeftToHyStart) {
  round(100ms);
  round(150ms);
  round(150ms);
  lost(2 * mtu);
  EXPECT_FALSE(judge.likely());
  EXPECT_TRUE(judge.likely_in_slow_start(mtu));
  lost(3 * mtu);
  EXPECT_FALSE(judge.likely_in_slow_start(mtu)) << "too much is too much";
}

TEST_F(RandomLossTest, AStallIsTakenForAFullQueueForAMinuteAtMost) {
  round(100ms);
  round(1'100ms);
  const auto overflow = [&] {
    round(100ms);
    round(100ms);
    EXPECT_TRUE(judge.likely());
    round(110ms);  // all that the queue has room for
    return !judge.likely();
  };
  EXPECT_FALSE(overflow()) << "little, next to the stall";
  const TimePoint end = now + 61s;
  while (now < end) (void)overflow();
  EXPECT_TRUE(overflow());
}

TEST_F(RandomLossTest, APathThatGetsLongerIsKnownAfterAMinute) {
  for (int i = 0; i < 10; ++i) round(20ms);
  const auto known = [&] {
    round(200ms);
    round(100ms);
    round(100ms);
    return judge.likely();
  };
  EXPECT_FALSE(known()) << "it may be a queue";
  const TimePoint end = now + 61s;
  while (now < end) (void)known();
  EXPECT_TRUE(known());
}

TEST_F(RandomLossTest, NothingKnownIsCongestion) {
  EXPECT_FALSE(judge.likely());
  EXPECT_EQ(judge.path_share(), 0);
}

TEST_F(RandomLossTest, KnowsWhatPartOfTheRoundTripIsQueue) {
  know_the_queue();
  round(125ms);
  round(125ms);
  EXPECT_DOUBLE_EQ(judge.path_share(), 0.8);
  lost(10'000);
  EXPECT_EQ(judge.path_share(), 0);
}

}  // namespace
}  // namespace linnet::sctp
