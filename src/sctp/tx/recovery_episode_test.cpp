#include "sctp/tx/recovery_episode.hpp"

#include <gtest/gtest.h>

#include "sctp/tx/timeout_check.hpp"

namespace linnet::sctp {
namespace {

using Cause = RecoveryEpisode::Cause;

TEST(RecoveryEpisode, IsNeedlessWhenEveryFragmentHadArrived) {
  RecoveryEpisode episode;
  Fragment a;
  Fragment b;
  episode.begin(Cause::Gap, Tsn{10});
  episode.lost(a);
  episode.lost(b);
  EXPECT_TRUE(episode.arrived(a));
  EXPECT_FALSE(episode.arrived(a)) << "counts once";
  EXPECT_FALSE(episode.take_needless());
  EXPECT_TRUE(episode.arrived(b));
  EXPECT_TRUE(episode.take_needless());
  EXPECT_FALSE(episode.take_needless()) << "told once";
}

TEST(RecoveryEpisode, ADuplicateTellsOfAFragmentThatIsLongAcknowledged) {
  RecoveryEpisode episode;
  Fragment a;
  Fragment other;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.forget(Tsn{1}, a);
  episode.forget(Tsn{2}, other);
  EXPECT_TRUE(episode.acknowledged(Tsn{2}));
  EXPECT_FALSE(episode.active());
  EXPECT_FALSE(episode.duplicate(Tsn{2}, Tsn{2})) << "was not sent again: the path duplicates";
  EXPECT_FALSE(episode.duplicate(Tsn{0}, Tsn{2}));
  EXPECT_FALSE(episode.duplicate(Tsn{3}, Tsn{2}));
  EXPECT_FALSE(episode.duplicate(Tsn{1 - 2'048U}, Tsn{2}));
  EXPECT_TRUE(episode.duplicate(Tsn{1}, Tsn{2}));
  EXPECT_FALSE(episode.duplicate(Tsn{1}, Tsn{2})) << "reported again";
  EXPECT_TRUE(episode.take_needless());
}

TEST(RecoveryEpisode, WhatIsLostTwiceWasLost) {
  RecoveryEpisode episode;
  Fragment a;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.lost(a);
  EXPECT_TRUE(episode.arrived(a));
  EXPECT_FALSE(episode.take_needless());
}

TEST(RecoveryEpisode, CopiesOfAProbedFragmentTellNothing) {
  RecoveryEpisode episode;
  Fragment a;
  Fragment b;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.lost(b);
  episode.probed(a);
  EXPECT_FALSE(episode.arrived(a));
  episode.forget(Tsn{1}, a);
  EXPECT_FALSE(episode.duplicate(Tsn{1}, Tsn{2}));
  EXPECT_TRUE(episode.arrived(b));
  EXPECT_FALSE(episode.take_needless()) << "nobody knows of the first";
}

TEST(RecoveryEpisode, AProbeOfWhatWasNotLostChangesNothing) {
  RecoveryEpisode episode;
  Fragment a;
  Fragment b;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.probed(b);
  EXPECT_TRUE(episode.arrived(a));
  EXPECT_TRUE(episode.take_needless());
}

TEST(RecoveryEpisode, OneThatIsTooLongAgoCannotProveNeedless) {
  RecoveryEpisode episode;
  Fragment a;
  const Fragment other;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.forget(Tsn{1}, a);
  for (std::uint32_t i = 2; i < 3'000; ++i) episode.forget(Tsn{i}, other);
  EXPECT_FALSE(episode.duplicate(Tsn{1}, Tsn{2'999}));
  EXPECT_FALSE(episode.duplicate(Tsn{2'049}, Tsn{2'999})) << "shares the place of the other";
  EXPECT_FALSE(episode.take_needless());
}

TEST(RecoveryEpisode, TheNextOneKnowsNothingOfTheLast) {
  RecoveryEpisode episode;
  Fragment a;
  Fragment b;
  episode.begin(Cause::Gap, Tsn{3});
  episode.lost(a);
  episode.lost(b);
  episode.forget(Tsn{1}, a);
  episode.begin(Cause::Timeout, Tsn{9});
  Fragment c;
  episode.lost(c);
  EXPECT_FALSE(episode.duplicate(Tsn{1}, Tsn{2}));
  EXPECT_FALSE(episode.arrived(b));
  EXPECT_TRUE(episode.arrived(c));
  EXPECT_TRUE(episode.take_needless());
}

TEST(TimeoutCheck, TheSecondAckForWhatWasNotSentAgainProvesTheTimeoutNeedless) {
  TimeoutCheck check;
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{1})) << "there was none";
  check.timed_out(Tsn{20});
  EXPECT_FALSE(check.handle({}, false, Tsn{1})) << "an empty SACK tells nothing";
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{2})) << "may answer the retransmission";
  EXPECT_TRUE(check.handle({.anything = true, .original = true}, true, Tsn{4}));
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{6})) << "told once";
}

TEST(TimeoutCheck, ATimeoutWasRightWhenTheFirstAckIsForEverythingOrForNothingOld) {
  TimeoutCheck check;
  check.timed_out(Tsn{20});
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{19}));
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{19}));
  check.timed_out(Tsn{20});
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, false, Tsn{1}));
  EXPECT_FALSE(check.handle({.anything = true, .original = true}, true, Tsn{4}));
  check.timed_out(Tsn{20});
  EXPECT_FALSE(check.handle({.anything = true}, true, Tsn{2}));
  EXPECT_FALSE(check.handle({.anything = true}, true, Tsn{4}));
}

TEST(TimeoutCheck, AnAnswerSoonerThanAnyRoundTripProvesItAtOnce) {
  TimeoutCheck check;
  check.timed_out(Tsn{20});
  EXPECT_TRUE(check.handle({.anything = true, .early = true}, true, Tsn{2}));
}

}  // namespace
}  // namespace linnet::sctp
