#include "sctp/tx/outstanding_data.hpp"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "sctp/tx/test_outstanding.hpp"

namespace linnet::sctp::testing {
namespace {

TEST_F(Outstanding, AnAcknowledgedMessageIsFreed) {
  queue_message(250);
  send(3);
  EXPECT_EQ(data.payload_in_flight(), 250U);
  EXPECT_EQ(sack(2).bytes_acked, 2 * (100 + data_header_size));
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_TRUE(sack(3).cumulative_moved);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(data.in_flight(), 0U);
}

TEST_F(Outstanding, IgnoresASackForWhatWasNeverSent) {
  queue_message(250);
  send(3);
  EXPECT_FALSE(sack(4).valid);
  EXPECT_FALSE(sack(-1).valid);
  EXPECT_FALSE(sack(1, {{2, 3}}).valid);
  SackChunk opposite{.cumulative = Tsn{0x7FFFFFFD}, .gap_bytes = {}, .duplicate_bytes = {}};
  EXPECT_FALSE(data.handle_sack(start, opposite, 10ms).valid);
  EXPECT_EQ(data.payload_in_flight(), 250U);
}

TEST_F(Outstanding, ThreePacketsBehindAGapMakeAFragmentLost) {
  queue_message(600);
  send(6);
  EXPECT_EQ(sack(1, {{2, 2}}).lost.bytes, 0U);
  EXPECT_EQ(sack(1, {{2, 3}}).lost.bytes, 0U);
  EXPECT_EQ(sack(1, {{2, 3}}).lost.bytes, 0U) << "nothing new was acknowledged";
  EXPECT_EQ(sack(1, {{2, 4}}).lost.bytes, 100 + data_header_size);
  const auto again = data.peek_lost(start);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tsn, Tsn{0xFFFFFFFF});
  data.resend(start + 1ms, *again);
  EXPECT_FALSE(data.has_lost());
  EXPECT_EQ(data.payload_in_flight(), 200U);
}

TEST_F(Outstanding, ARetransmissionGivesNoRoundTripTime) {
  queue_message(100);
  send(1);
  data.timed_out();
  data.resend(start + 1s, *data.peek_lost(start + 1s));
  EXPECT_EQ(sack(1).rtt, std::nullopt);
}

TEST_F(Outstanding, TheRoundTripTimeIsThatOfTheNewestFragmentAcknowledged) {
  queue_message(300);
  send(2);
  send(1, start + 4ms);
  EXPECT_EQ(sack(1).rtt, 10ms);
  EXPECT_EQ(sack(3).rtt, 6ms);
  EXPECT_EQ(sack(3).rtt, std::nullopt);
}

TEST_F(Outstanding, TakesBackWhatThePeerReneged) {
  queue_message(400);
  send(4);
  (void)sack(0, {{2, 3}});
  EXPECT_EQ(data.payload_in_flight(), 200U);
  (void)sack(0);
  EXPECT_EQ(data.payload_in_flight(), 400U);
}

TEST_F(Outstanding, AGapReportThatGrowsAndShrinksIsFollowedFragmentByFragment) {
  queue_message(2'000);
  send(20);
  const auto newly = [&](std::int32_t cumulative, std::initializer_list<std::pair<int, int>> blocks) {
    return sack(cumulative, blocks).bytes_acked / (100 + data_header_size);
  };
  EXPECT_EQ(newly(0, {{3, 4}, {10, 12}}), 5U);
  EXPECT_EQ(newly(0, {{3, 4}, {10, 12}}), 0U);
  EXPECT_EQ(newly(0, {{2, 5}, {9, 13}}), 4U) << "grown at both ends";
  EXPECT_EQ(newly(0, {{2, 13}}), 3U) << "joined";
  EXPECT_EQ(newly(0, {{4, 4}, {12, 13}, {20, 20}}), 1U) << "and 2, 3, 5 to 11 are taken back";
  EXPECT_EQ(newly(4, {{2, 3}, {8, 9}}), 3U + 2U) << "6 and 7 again; 20 is taken back";
  EXPECT_EQ(data.size(), 16U);
  EXPECT_EQ(newly(20, {}), 12U);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(Outstanding, UnsortedGapBlocksEndTheList) {
  queue_message(600);
  send(6);
  const auto result = sack(0, {{4, 5}, {2, 3}, {1, 6}});
  EXPECT_TRUE(result.valid);
  EXPECT_EQ(result.bytes_acked, 2 * (100 + data_header_size));
}

TEST_F(Outstanding, AbandonsTheWholeMessageWithOnePlaceForItsRest) {
  queue_message(500, {.max_retransmits = std::uint16_t{0}});
  queue_message(100);
  send(2);
  data.timed_out();
  EXPECT_EQ(data.peek_lost(start), std::nullopt);
  EXPECT_EQ(data.messages_abandoned(), 1U);
  EXPECT_EQ(queue.total_buffered(), 100U);
  EXPECT_TRUE(data.wants_forward());
  EXPECT_EQ(data.forward_point(), Tsn{0});
  std::array<std::byte, 100> out;
  ASSERT_EQ(data.write_forward_tsn(out), 8U);
  EXPECT_EQ(load_be<std::uint32_t>(out.data()), 0U);
  EXPECT_EQ(load_be<std::uint16_t>(out.data() + 4), 1U);
  EXPECT_EQ(load_be<std::uint16_t>(out.data() + 6), 0U);
  send(1);
  EXPECT_EQ(data.highest(), Tsn{1});
  (void)sack(4);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_FALSE(data.wants_forward());
}

TEST_F(Outstanding, OneForwardTsnPassesWhatThePeerHasBetweenMessagesGivenUp) {
  for (std::uint16_t i = 0; i < 4; ++i) {  // TSNs 1 (given up) 2 (reliable) 3 (given up) and so on
    queue.add(start, StreamId{1}, Ppid{51}, std::vector<std::byte>(10), {.max_retransmits = std::uint16_t{0}});
    send(1);
    queue.add(start, StreamId{2}, Ppid{51}, std::vector<std::byte>(10), {});
    send(1);
  }
  (void)sack(0, {{2, 2}, {4, 4}, {6, 6}});  // TSN 8, reliable, is missing as well as 1, 3, 5, 7
  data.timed_out();
  const auto again = data.peek_lost(start);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tsn, data.highest());
  EXPECT_EQ(data.forward_point(), data.highest() - 1U);
  std::array<std::byte, 100> out;
  ASSERT_EQ(data.write_forward_tsn(out), 8U) << "the reliable stream is not skipped";
  EXPECT_EQ(load_be<std::uint16_t>(out.data() + 4), 1U);
  EXPECT_EQ(load_be<std::uint16_t>(out.data() + 6), 3U);
  (void)sack(0, {{2, 2}, {6, 6}});  // the peer takes 4 back: it is not passed
  EXPECT_EQ(data.forward_point(), Tsn{0xFFFFFFFD} + 3U);
}

TEST_F(Outstanding, AForwardTsnThatDoesNotFitReachesAsFarAsItDoes) {
  for (std::uint16_t stream = 0; stream < 10; ++stream)
    queue.add(start, StreamId{stream}, Ppid{51}, std::vector<std::byte>(10), {.max_retransmits = std::uint16_t{0}});
  send(10);
  data.timed_out();
  EXPECT_EQ(data.peek_lost(start), std::nullopt);
  std::array<std::byte, 4 + 4 * 3> out;
  ASSERT_EQ(data.write_forward_tsn(out), out.size());
  EXPECT_EQ(Tsn{load_be<std::uint32_t>(out.data())}, Tsn{0xFFFFFFFD} + 3U);
}

}  // namespace
}  // namespace linnet::sctp::testing
