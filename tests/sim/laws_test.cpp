#include "sim/laws.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/as_pipe.hpp"
#include "sim/laws_suite.hpp"
#include "sim/toy.hpp"

namespace linnet::sim {

INSTANTIATE_TYPED_TEST_SUITE_P(SoundToy, SevenLaws, ToyFixture<Defect::None>);

namespace {

using testing::Contains;
using testing::HasSubstr;

template <Defect defect>
Violations found(Law law) {
  Violations all;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (auto& violation : check_law<ToyFixture<defect>>(law, seed)) all.push_back(std::move(violation));
  }
  return all;
}

TEST(Laws, FirstNoticesAGlobalCounter) {
  EXPECT_THAT(found<Defect::GlobalCounter>(Law::Deterministic), Contains(HasSubstr("same seed differs")));
}

TEST(Laws, SecondNoticesStateSharedBetweenMachines) {
  EXPECT_TRUE(found<Defect::SharedState>(Law::Deterministic).empty());
  EXPECT_THAT(found<Defect::SharedState>(Law::Closed), Contains(HasSubstr("beside another pair")));
}

TEST(Laws, ThirdNoticesThatPollingChangesSomething) {
  EXPECT_THAT(found<Defect::PollChanges>(Law::AnyOrder), Contains(HasSubstr("polling more often")));
}

TEST(Laws, ThirdNoticesThatPollingIsNeeded) {
  EXPECT_THAT(found<Defect::WedgesUnpolled>(Law::AnyOrder), Contains(HasSubstr("polled seldom")));
}

TEST(Laws, FourthNoticesTrustInAnOlderTime) {
  EXPECT_THAT(found<Defect::TrustsTime>(Law::TimeIsClamped), Contains(HasSubstr("older time")));
}

TEST(Laws, FifthNoticesATimeoutThatDoesNotAdvance) {
  EXPECT_THAT(found<Defect::StuckTimeout>(Law::TimeoutsAdvance), Contains(HasSubstr("does not advance")));
}

TEST(Laws, FifthNoticesOutputWithoutEnd) {
  EXPECT_THAT(found<Defect::EndlessOutput>(Law::TimeoutsAdvance), Contains(HasSubstr("busy")));
}

TEST(Laws, SixthNoticesAnAnswerAfterClose) {
  EXPECT_THAT(found<Defect::TalksAfterClose>(Law::SilentAfterClose), Contains(HasSubstr("makes output")));
}

TEST(Laws, SixthNoticesATimerAfterClose) {
  EXPECT_THAT(found<Defect::TimerAfterClose>(Law::SilentAfterClose), Contains(HasSubstr("timer runs")));
}

TEST(Laws, SeventhNoticesGrowthUnderHostileInput) {
  EXPECT_THAT(found<Defect::Grows>(Law::Bounded), Contains(HasSubstr("hostile inputs")));
}

}  // namespace
}  // namespace linnet::sim
