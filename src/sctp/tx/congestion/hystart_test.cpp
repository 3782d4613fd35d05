#include "sctp/tx/congestion/hystart.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;
using Phase = HyStart::Phase;

struct HyStartTest : testing::Test {
  HyStart hystart;
  void round(Duration rtt, int samples = 8) {
    hystart.acknowledged(true);
    for (int i = 0; i < samples; ++i) hystart.measured(rtt);
  }
};

TEST_F(HyStartTest, SteadyRoundTripsLeaveSlowStartAlone) {
  for (int i = 0; i < 20; ++i) round(100ms);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
}

TEST_F(HyStartTest, AnEighthMoreThanTheLastRoundEndsIt) {
  round(100ms);
  round(112ms);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
  round(124'499us);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart) << "112 / 8 = 14 ms are allowed, this is less";
  round(141ms);
  EXPECT_EQ(hystart.phase(), Phase::Conservative) << "124.499 / 8 = 15.56 ms";
}

TEST_F(HyStartTest, ShortRoundTripsMayVaryByFourMilliseconds) {
  round(10ms);
  round(13'999us);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
  round(18ms);
  EXPECT_EQ(hystart.phase(), Phase::Conservative);
}

TEST_F(HyStartTest, LongOnesBySixteen) {
  round(400ms);
  round(415ms);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
  round(431ms);
  EXPECT_EQ(hystart.phase(), Phase::Conservative);
}

TEST_F(HyStartTest, SevenSamplesAreTooFew) {
  round(100ms);
  round(200ms, 7);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
}

TEST_F(HyStartTest, TheLeastOfTheRoundCounts) {
  round(100ms);
  round(100ms, 1);
  for (int i = 0; i < 20; ++i) hystart.measured(200ms);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
}

TEST_F(HyStartTest, FiveConservativeRoundsEndSlowStart) {
  round(100ms);
  round(120ms);
  for (int i = 0; i < 4; ++i) round(120ms);
  EXPECT_EQ(hystart.phase(), Phase::Conservative);
  round(120ms);
  EXPECT_EQ(hystart.phase(), Phase::Done);
}

TEST_F(HyStartTest, AShorterRoundTripWasAFalseAlarm) {
  round(100ms);
  round(120ms);
  round(119ms);
  EXPECT_EQ(hystart.phase(), Phase::SlowStart);
}

}  // namespace
}  // namespace linnet::sctp
