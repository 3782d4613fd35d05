#include "sctp/tx/congestion/random_loss.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

struct RandomLossTest : testing::Test {
  RandomLoss judge;
  void round(Duration rtt, std::size_t acked = 100'000) {
    judge.acknowledged({.result = {.bytes_acked = acked, .rtt = rtt}, .round_began = true});
  }
};

TEST_F(RandomLossTest, AFewPacketsInAHundredWithoutAQueueAreAccidents) {
  round(100ms);
  round(100ms);
  judge.lost(2'000);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, MoreThanTwoPerCentIsCongestion) {
  round(100ms);
  round(100ms);
  judge.lost(4'100);
  EXPECT_FALSE(judge.likely());
  round(100ms);
  EXPECT_FALSE(judge.likely()) << "the last round trip counts, too";
  round(100ms);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, WhatWasAnsweredIsForgotten) {
  round(100ms);
  judge.lost(50'000);
  judge.answered();
  judge.lost(1'000);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, AQueueMeansCongestion) {
  round(100ms);
  round(113ms);
  judge.lost(1);
  EXPECT_FALSE(judge.likely());
  round(112ms);
  EXPECT_FALSE(judge.likely());
  round(112ms);
  EXPECT_TRUE(judge.likely());
}

TEST_F(RandomLossTest, NothingKnownIsCongestion) {
  EXPECT_FALSE(judge.likely());
  EXPECT_EQ(judge.path_share(), 0);
}

TEST_F(RandomLossTest, KnowsWhatPartOfTheRoundTripIsQueue) {
  round(100ms);
  round(125ms);
  EXPECT_DOUBLE_EQ(judge.path_share(), 0.8);
  judge.lost(10'000);
  EXPECT_EQ(judge.path_share(), 0);
}

}  // namespace
}  // namespace linnet::sctp
