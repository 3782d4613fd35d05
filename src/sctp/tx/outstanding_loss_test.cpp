#include <gtest/gtest.h>

#include "sctp/tx/test_outstanding.hpp"

namespace linnet::sctp::testing {
namespace {

struct Losses : Outstanding {
  /// The peer has the first `fragments`, after a round trip of 10 ms.
  void warm_up(int fragments) {
    queue_message(100'000);
    send(fragments);
    EXPECT_EQ(sack(start + 10ms, fragments).rtt, 10ms);
  }
};

TEST_F(Losses, AGapIsWaitedForAQuarterOfARoundTrip) {
  queue_message(400);
  send(4);
  EXPECT_EQ(sack(start + 10ms, 0, {{2, 2}}).lost.bytes, 0U);
  EXPECT_EQ(data.reordering_deadline(), start + 12'500us);
  EXPECT_EQ(data.find_lost(start + 12ms).bytes, 0U);
  EXPECT_EQ(data.find_lost(start + 12'500us).bytes, whole);
  EXPECT_TRUE(data.has_lost());
  EXPECT_EQ(data.reordering_deadline(), never) << "nothing that was sent later arrived";
}

TEST_F(Losses, WhatComesWithinThatTimeIsNotLost) {
  queue_message(400);
  send(4);
  (void)sack(start + 10ms, 0, {{2, 2}});
  EXPECT_EQ(sack(start + 12ms, 2).lost.bytes, 0U);
  EXPECT_EQ(data.reordering_deadline(), never);
  EXPECT_EQ(sack(start + 13ms, 4).lost.bytes, 0U);
  EXPECT_EQ(data.retransmitted(), 0U);
}

TEST_F(Losses, ThreeFragmentsOfOnePacketAreNotThreePackets) {
  queue_message(600);
  send(1);
  data.begin_packet();
  for (int i = 0; i < 4; ++i) (void)data.send(start, *queue.peek(start, 100));
  EXPECT_EQ(sack(start + 10ms, 0, {{2, 5}}).lost.bytes, 0U);
  EXPECT_NE(data.reordering_deadline(), never);
}

TEST_F(Losses, ALostRetransmissionIsFoundByWhatWasSentAfterIt) {
  queue_message(10'000);
  send(10);
  EXPECT_EQ(sack(start + 10ms, 0, {{2, 4}}).lost.bytes, whole);
  EXPECT_EQ(resend(start + 10ms), 1);
  send(5, start + 11ms);
  EXPECT_EQ(sack(start + 20ms, 0, {{2, 10}}).lost.bytes, 0U) << "sent before it";
  EXPECT_EQ(sack(start + 21ms, 0, {{2, 11}}).lost.bytes, whole);
  EXPECT_EQ(resend(start + 21ms), 1);
  EXPECT_EQ(sack(start + 31ms, 15).lost.bytes, 0U);
}

TEST_F(Losses, TheEarliestLostGoesFirstAlsoWhenItIsARetransmission) {
  queue_message(100'000);
  send(20);
  const AckResult first = sack(start + 10ms, 0, {{3, 8}});
  EXPECT_EQ(first.lost.bytes, 2 * whole);
  EXPECT_EQ(first.lost.runs, 1U) << "one behind the other";
  EXPECT_EQ(resend(start + 10ms), 2);
  send(20, start + 11ms);  // 21 to 40
  (void)sack(start + 12ms, 0, {{3, 8}, {13, 20}});
  ASSERT_TRUE(data.has_lost()) << "9 to 12";
  EXPECT_EQ(sack(start + 22ms, 0, {{3, 8}, {13, 25}}).lost.bytes, 2 * whole) << "1 and 2 again";
  for (const int expected : {1, 2, 9, 10, 11, 12}) {
    const auto again = data.peek_lost(start + 22ms);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->tsn, tsn(expected));
    data.resend(start + 22ms, *again);
  }
  EXPECT_FALSE(data.has_lost());
}

TEST_F(Losses, ARetransmissionThatWasNeedlessIsUndoneAndTheNextGapIsWaitedForLonger) {
  warm_up(1);
  send(10, start + 20ms);  // 2 to 11
  EXPECT_EQ(sack(start + 30ms, 1, {{2, 4}}).lost.bytes, whole);
  EXPECT_EQ(resend(start + 30ms), 1);
  EXPECT_TRUE(sack(start + 32ms, 11).spurious) << "two milliseconds are no round trip";
  EXPECT_EQ(data.spurious(), 1U);
  send(10, start + 40ms);  // 12 to 21
  EXPECT_EQ(sack(start + 50ms, 11, {{2, 9}}).lost.bytes, 0U);
  EXPECT_EQ(data.find_lost(start + 54ms).bytes, 0U);
  EXPECT_EQ(data.find_lost(start + 55ms).bytes, whole) << "two quarters now";
}

TEST_F(Losses, ADuplicateProvesItToo) {
  warm_up(1);
  send(10, start + 20ms);
  (void)sack(start + 30ms, 1, {{2, 4}});
  EXPECT_EQ(resend(start + 30ms), 1);
  EXPECT_FALSE(sack(start + 41ms, 11).spurious);
  EXPECT_FALSE(sack(start + 42ms, 11, {}, {3}).spurious) << "that one was sent once: the path duplicates";
  EXPECT_TRUE(sack(start + 43ms, 11, {}, {2}).spurious);
  EXPECT_FALSE(sack(start + 44ms, 11, {}, {2}).spurious);
}

TEST_F(Losses, OneRealLossKeepsTheEpisodeFromBeingUndone) {
  warm_up(1);
  send(10, start + 20ms);
  EXPECT_EQ(sack(start + 30ms, 1, {{3, 6}}).lost.bytes, 2 * whole);
  EXPECT_EQ(resend(start + 30ms), 2);
  EXPECT_FALSE(sack(start + 41ms, 11, {}, {2}).spurious);
}

TEST_F(Losses, AProbeOfALostTailFindsTheRestOfItLost) {
  warm_up(1);
  send(4, start + 20ms);  // 2 to 5, of which 4 and 5 are lost
  (void)sack(start + 30ms, 3);
  ASSERT_TRUE(data.may_probe());
  ASSERT_TRUE(data.probe(start + 50ms));
  EXPECT_FALSE(data.may_probe());
  EXPECT_EQ(data.peek_lost(start + 50ms)->tsn, tsn(5));
  EXPECT_EQ(resend(start + 50ms), 1);
  EXPECT_FALSE(data.may_probe()) << "one is enough";
  EXPECT_EQ(sack(start + 60ms, 3, {{2, 2}}).lost.bytes, 2 * whole);
  EXPECT_EQ(resend(start + 60ms), 1);
  EXPECT_FALSE(sack(start + 70ms, 5).spurious);
  EXPECT_TRUE(data.empty());
}

TEST_F(Losses, AProbeThatWasNeedlessIsNoLoss) {
  warm_up(1);
  send(2, start + 20ms);
  ASSERT_TRUE(data.probe(start + 40ms));
  EXPECT_EQ(resend(start + 40ms), 1);
  EXPECT_EQ(sack(start + 50ms, 3, {}, {3}).lost.bytes, 0U);
  send(2, start + 60ms);
  ASSERT_TRUE(data.probe(start + 80ms));
  EXPECT_EQ(resend(start + 80ms), 1);
  EXPECT_EQ(sack(start + 85ms, 5).lost.bytes, 0U) << "sooner than any round trip";
  send(2, start + 90ms);
  ASSERT_TRUE(data.probe(start + 110ms));
  EXPECT_EQ(resend(start + 110ms), 1);
  EXPECT_EQ(sack(start + 121ms, 7).lost.bytes, whole) << "it repaired a loss, as it seems";
  EXPECT_TRUE(sack(start + 122ms, 7, {}, {7}).spurious) << "but it did not";
  EXPECT_EQ(data.reordering_deadline(), never);
}

TEST_F(Losses, WhatMayNotBeSentAgainIsNotProbedWith) {
  queue_message(100, {.max_retransmits = std::uint16_t{0}});
  send(1);
  EXPECT_TRUE(data.may_probe());
  EXPECT_FALSE(data.probe(start + 20ms));
  EXPECT_FALSE(data.has_lost());
}

TEST_F(Losses, ATimeoutInADelaySpikeIsUndoneByTheFirstAckThatComesTooSoon) {
  warm_up(2);
  send(10, start + 20ms);  // 3 to 12
  data.timed_out();
  EXPECT_EQ(data.in_flight(), 0U);
  data.resend(start + 320ms, *data.peek_lost(start + 320ms));
  const AckResult result = sack(start + 325ms, 4);
  EXPECT_TRUE(result.spurious);
  EXPECT_EQ(result.lost.bytes, 0U);
  EXPECT_FALSE(data.has_lost());
  EXPECT_EQ(data.in_flight(), 8 * whole);
  EXPECT_EQ(sack(start + 326ms, 12, {}, {3}).lost.bytes, 0U);
}

TEST_F(Losses, ATimeoutInALongDelaySpikeIsUndoneByTheSecondAck) {
  warm_up(2);
  send(10, start + 20ms);
  data.timed_out();
  data.resend(start + 320ms, *data.peek_lost(start + 320ms));
  EXPECT_FALSE(sack(start + 335ms, 4).spurious);
  const AckResult result = sack(start + 336ms, 6);
  EXPECT_TRUE(result.spurious);
  EXPECT_EQ(result.lost.bytes, 0U);
  EXPECT_FALSE(data.has_lost());
  EXPECT_EQ(data.in_flight(), 6 * whole);
  EXPECT_EQ(sack(start + 337ms, 10).lost.bytes, 0U);
  EXPECT_EQ(sack(start + 338ms, 12).lost.bytes, 0U);
}

TEST_F(Losses, ATimeoutThatWasRightIsNotUndone) {
  warm_up(2);
  send(4, start + 20ms);
  data.timed_out();
  EXPECT_EQ(resend(start + 320ms), 4);
  for (int i = 3; i <= 6; ++i) EXPECT_FALSE(sack(start + 330ms + i * 1ms, i).spurious);
}

TEST_F(Losses, AfterATimeoutEverythingGoesInTheOrderOfTsns) {
  warm_up(1);
  send(6, start + 20ms);
  (void)sack(start + 30ms, 1, {{2, 4}});  // 2 is lost
  EXPECT_EQ(resend(start + 30ms), 1);
  data.timed_out();
  for (const int expected : {2, 6, 7}) {
    const auto again = data.peek_lost(start + 330ms);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->tsn, tsn(expected));
    data.resend(start + 330ms, *again);
  }
  EXPECT_FALSE(data.has_lost());
}

TEST_F(Losses, WhatThePeerTookBackCountsAsSentNow) {
  warm_up(1);
  send(4, start + 20ms);
  (void)sack(start + 30ms, 1, {{2, 3}});
  EXPECT_EQ(sack(start + 31ms, 1).lost.bytes, 0U) << "a SACK may have overtaken another";
  EXPECT_EQ(data.in_flight(), 4 * whole);
  EXPECT_EQ(data.find_lost(start + 32'500us).bytes, whole) << "but the gap before them is one all the same";
  EXPECT_EQ(sack(start + 33ms, 5).rtt, 13ms) << "of the fragment that nobody took back";
}

TEST_F(Losses, APeerThatTakesBackMoreThanItGotIsNotListenedToAnyMore) {
  queue_message(100'000);
  send(1'000);
  std::size_t acked = 0;
  for (int i = 0; i < 200; ++i) {
    acked += sack(start + 10ms, 0, {{2, 1'000}}).bytes_acked;
    (void)sack(start + 10ms, 0);
  }
  EXPECT_LE(acked, 5'000 * whole);
  EXPECT_EQ(sack(start + 10ms, 0, {{2, 1'000}}).bytes_acked, 0U);
  EXPECT_EQ(sack(start + 11ms, 1'000).bytes_acked, 1'000 * whole) << "but the cumulative TSN counts";
  EXPECT_TRUE(data.empty());
  EXPECT_EQ(data.in_flight(), 0U);
}

}  // namespace
}  // namespace linnet::sctp::testing
