#include "sctp/tx/retransmission_timeout.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

struct Rto : testing::Test {
  RetransmissionTimeout rto{{.initial = 500ms, .min = 300ms, .max = 10s}};
};

TEST_F(Rto, BeginsWithItsInitialValue) {
  EXPECT_EQ(rto.value(), 500ms);
  EXPECT_EQ(rto.smoothed(), 0ms);
}

TEST_F(Rto, TheFirstMeasurementSetsBothAverages) {
  rto.measured(200ms);
  EXPECT_EQ(rto.smoothed(), 200ms);
  EXPECT_EQ(rto.value(), 200ms + 4 * 100ms);
}

TEST_F(Rto, LaterMeasurementsMoveTheAveragesByTheirShares) {
  rto.measured(200ms);
  rto.measured(280ms);
  EXPECT_EQ(rto.smoothed(), 210ms);
  EXPECT_EQ(rto.value(), 210ms + 4 * 95ms);
}

TEST_F(Rto, StaysBetweenItsLimits) {
  for (int i = 0; i < 100; ++i) rto.measured(1ms);
  EXPECT_EQ(rto.value(), 300ms);
  rto.measured(1h);
  EXPECT_EQ(rto.value(), 10s);
  for (int i = 0; i < 20; ++i) rto.back_off();
  EXPECT_EQ(rto.value(), 10s);
}

TEST_F(Rto, StaysAwayFromALongRoundTripThatHardlyVaries) {
  for (int i = 0; i < 100; ++i) rto.measured(500ms);
  EXPECT_EQ(rto.value(), 500ms + 150ms);
  rto.back_off();
  rto.answered();
  EXPECT_EQ(rto.value(), 650ms);
}

TEST_F(Rto, BacksOffUntilAMeasurementOrAnAnswer) {
  rto.measured(100ms);
  rto.back_off();
  rto.back_off();
  EXPECT_EQ(rto.value(), 1'200ms);
  rto.answered();
  EXPECT_EQ(rto.value(), 300ms);
  rto.back_off();
  rto.measured(100ms);
  EXPECT_EQ(rto.value(), 300ms);
}

TEST_F(Rto, AnAnswerBeforeTheFirstMeasurementChangesNothing) {
  rto.back_off();
  rto.answered();
  EXPECT_EQ(rto.value(), 1s);
}

TEST_F(Rto, BeginsAnewOnAnotherPath) {
  rto.measured(1s);
  rto.back_off();
  rto.path_changed();
  EXPECT_EQ(rto.value(), 500ms);
  EXPECT_EQ(rto.smoothed(), 0ms);
  rto.measured(200ms);
  EXPECT_EQ(rto.smoothed(), 200ms) << "the first of this path";
}

TEST_F(Rto, AMeasurementOfLessThanNothingIsIgnored) {
  rto.measured(-1ms);
  EXPECT_EQ(rto.value(), 500ms);
  EXPECT_EQ(rto.smoothed(), 0ms);
}

}  // namespace
}  // namespace linnet::sctp
