#include "client/liveness.hpp"

#include <gtest/gtest.h>

namespace linnet::signaling {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Advice = Liveness::Advice;

class LivenessTest : public testing::Test {
 protected:
  const Liveness::TimePoint start{seconds(1000)};
  Liveness liveness{{.connect = seconds(10), .idle = seconds(45), .answer = seconds(3)}};
};

TEST_F(LivenessTest, GivesATryItsTimeAndAConnectionMore) {
  liveness.begin(start);
  EXPECT_EQ(liveness.deadline(), start + seconds(10));
  EXPECT_EQ(liveness.at(start + milliseconds(9'999)), Advice::Nothing);
  EXPECT_EQ(liveness.at(start + seconds(10)), Advice::GiveUp);
  EXPECT_EQ(liveness.heard(start + seconds(1)), Advice::Nothing);
  EXPECT_EQ(liveness.deadline(), start + seconds(46));
  EXPECT_EQ(liveness.heard(start + seconds(30)), Advice::Nothing);
  EXPECT_EQ(liveness.at(start + milliseconds(74'999)), Advice::Nothing);
  EXPECT_EQ(liveness.at(start + seconds(75)), Advice::GiveUp);
}

TEST_F(LivenessTest, GivesUpAtOnceWhenTheAddressIsGone) {
  liveness.begin(start);
  EXPECT_EQ(liveness.network_changed(start, true), Advice::GiveUp) << "while it connects";
  EXPECT_EQ(liveness.heard(start), Advice::Nothing);
  EXPECT_EQ(liveness.network_changed(start, true), Advice::GiveUp) << "when it is connected";
  EXPECT_EQ(liveness.network_changed(start, false), Advice::Ask);
  EXPECT_EQ(liveness.network_changed(start, true), Advice::GiveUp) << "while it waits for an answer";
}

TEST_F(LivenessTest, AsksAfterAnotherChangeAndBelievesAnyAnswer) {
  liveness.begin(start);
  (void)liveness.heard(start);
  const auto changed = start + seconds(20);
  EXPECT_EQ(liveness.network_changed(changed, false), Advice::Ask);
  EXPECT_EQ(liveness.deadline(), changed + seconds(3));
  EXPECT_EQ(liveness.heard(changed + seconds(1)), Advice::Nothing);
  EXPECT_EQ(liveness.deadline(), changed + seconds(46)) << "as patient as before";
}

TEST_F(LivenessTest, GivesUpWhenAQuestionIsNotAnswered) {
  liveness.begin(start);
  (void)liveness.heard(start);
  ASSERT_EQ(liveness.network_changed(start, false), Advice::Ask);
  EXPECT_EQ(liveness.at(start + milliseconds(2'999)), Advice::Nothing);
  EXPECT_EQ(liveness.at(start + seconds(3)), Advice::GiveUp);
}

TEST_F(LivenessTest, WaitsNoLongerBecauseItAsks) {
  liveness.begin(start);
  (void)liveness.heard(start);
  ASSERT_EQ(liveness.network_changed(start + seconds(44), false), Advice::Ask);
  EXPECT_EQ(liveness.deadline(), start + seconds(45));
}

TEST_F(LivenessTest, AsksOnceAtATimeHoweverOftenTheNetworkChanges) {
  liveness.begin(start);
  (void)liveness.heard(start);
  ASSERT_EQ(liveness.network_changed(start, false), Advice::Ask);
  for (int i = 1; i < 20; ++i)
    EXPECT_EQ(liveness.network_changed(start + milliseconds(100 * i), false), Advice::Nothing);
  EXPECT_EQ(liveness.deadline(), start + seconds(3)) << "more changes are no excuse for the first question";
  // That answer may be from before the last change.
  EXPECT_EQ(liveness.heard(start + seconds(2)), Advice::Ask);
  EXPECT_EQ(liveness.deadline(), start + seconds(5));
  EXPECT_EQ(liveness.heard(start + seconds(3)), Advice::Nothing);
  EXPECT_EQ(liveness.deadline(), start + seconds(48));
}

TEST_F(LivenessTest, GivesATryThatAChangeMetALittleTimeAndNeverMore) {
  liveness.begin(start);
  EXPECT_EQ(liveness.network_changed(start + seconds(1), false), Advice::Nothing) << "there is nobody to ask";
  EXPECT_EQ(liveness.deadline(), start + seconds(4));
  EXPECT_EQ(liveness.network_changed(start + seconds(3), false), Advice::Nothing);
  EXPECT_EQ(liveness.deadline(), start + seconds(4));
}

TEST_F(LivenessTest, BeginsAnewWithEachTry) {
  liveness.begin(start);
  (void)liveness.heard(start);
  ASSERT_EQ(liveness.network_changed(start, false), Advice::Ask);
  (void)liveness.network_changed(start, false);
  liveness.begin(start + seconds(3));
  EXPECT_EQ(liveness.deadline(), start + seconds(13));
  EXPECT_EQ(liveness.network_changed(start + seconds(3), false), Advice::Nothing) << "not open yet";
  EXPECT_EQ(liveness.heard(start + seconds(4)), Advice::Nothing) << "nothing was asked on this one";
}

}  // namespace
}  // namespace linnet::signaling
