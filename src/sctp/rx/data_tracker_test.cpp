#include "sctp/rx/data_tracker.hpp"

#include <gtest/gtest.h>

#include "sctp/packet/chunk.hpp"

namespace linnet::sctp {
namespace {

using Arrival = DataTracker::Arrival;
using Ack = DataTracker::Ack;

struct Written {
  std::array<std::byte, 1'400> bytes{};
  SackChunk sack;
  explicit Written(DataTracker& tracker, std::size_t room = 1'400) {
    const std::size_t size = tracker.write_sack(std::span<std::byte>(bytes).first(room), 1'000);
    const auto parsed =
        SackChunk::parse({.type = ChunkType::Sack, .value = std::span<const std::byte>(bytes).first(size)});
    EXPECT_TRUE(parsed);
    if (parsed) sack = *parsed;
  }
};

TEST(DataTracker, FollowsTsnsInOrderAcrossTheWrap) {
  DataTracker tracker(Tsn{0xFFFFFFFE});
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(tracker.add(Tsn{0xFFFFFFFE + i}), Arrival::New);
  EXPECT_EQ(tracker.cumulative(), Tsn{1});
  EXPECT_FALSE(tracker.has_gaps());
}

TEST(DataTracker, ReportsAGapWhenATsnIsMissing) {
  DataTracker tracker(Tsn{10});
  for (const std::uint32_t tsn : {10U, 12U, 13U, 16U}) (void)tracker.add(Tsn{tsn});
  const Written written(tracker);
  EXPECT_EQ(written.sack.cumulative, Tsn{10});
  ASSERT_EQ(written.sack.gap_count, 2);
  EXPECT_EQ(written.sack.gap(0).start, 2);
  EXPECT_EQ(written.sack.gap(0).end, 3);
  EXPECT_EQ(written.sack.gap(1).start, 6);
  EXPECT_EQ(written.sack.gap(1).end, 6);
  (void)tracker.add(Tsn{11});
  EXPECT_EQ(tracker.cumulative(), Tsn{13});
}

TEST(DataTracker, JoinsBlocksFromBothSides) {
  DataTracker tracker(Tsn{1});
  for (const std::uint32_t tsn : {3U, 5U, 4U, 8U, 7U}) EXPECT_EQ(tracker.add(Tsn{tsn}), Arrival::New);
  EXPECT_EQ(Written(tracker).sack.gap_count, 2);
}

TEST(DataTracker, ReportsDuplicatesOnceAndAtMostSoMany) {
  DataTracker tracker(Tsn{1});
  (void)tracker.add(Tsn{1});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(tracker.add(Tsn{1}), Arrival::Duplicate);
  EXPECT_EQ(Written(tracker).sack.duplicate_count, DataTracker::max_duplicates);
  EXPECT_EQ(Written(tracker).sack.duplicate_count, 0);
}

TEST(DataTracker, TakesNothingTooFarAhead) {
  DataTracker tracker(Tsn{1});
  EXPECT_EQ(tracker.add(Tsn{65'535}), Arrival::New);
  EXPECT_EQ(tracker.add(Tsn{65'536}), Arrival::TooFar);
  EXPECT_EQ(tracker.add(Tsn{0x8000'0000}), Arrival::TooFar);
}

TEST(DataTracker, TakesOnlySoManyHoles) {
  DataTracker tracker(Tsn{1});
  std::size_t taken = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) taken += tracker.add(Tsn{3 + 2 * i}) == Arrival::New ? 1U : 0U;
  EXPECT_EQ(taken, DataTracker::max_blocks);
  EXPECT_EQ(tracker.add(Tsn{4}), Arrival::New) << "what joins two blocks is welcome";
}

TEST(DataTracker, WritesOnlyTheGapsThatFit) {
  DataTracker tracker(Tsn{1});
  for (std::uint32_t i = 0; i < 100; ++i) (void)tracker.add(Tsn{3 + 2 * i});
  EXPECT_EQ(Written(tracker, 12 + 4 * 7).sack.gap_count, 7);
}

TEST(DataTracker, DelaysTheSackOfOnePacketAndSendsItForTheSecond) {
  DataTracker tracker(Tsn{1});
  (void)tracker.add(Tsn{1});
  tracker.packet_ended(false);
  EXPECT_EQ(tracker.ack(), Ack::Delayed);
  (void)tracker.add(Tsn{2});
  tracker.packet_ended(false);
  EXPECT_EQ(tracker.ack(), Ack::Now);
  (void)Written(tracker);
  EXPECT_EQ(tracker.ack(), Ack::None);
}

TEST(DataTracker, AcknowledgesAtOnceForGapsDuplicatesTheFilledGapAndTheIBit) {
  DataTracker tracker(Tsn{1});
  (void)tracker.add(Tsn{2});
  tracker.packet_ended(false);
  EXPECT_EQ(tracker.ack(), Ack::Now);
  (void)Written(tracker);
  (void)tracker.add(Tsn{1});
  tracker.packet_ended(false);
  EXPECT_EQ(tracker.ack(), Ack::Now) << "filled";
  (void)Written(tracker);
  (void)tracker.add(Tsn{1});
  tracker.packet_ended(false);
  EXPECT_EQ(tracker.ack(), Ack::Now) << "duplicate";
  (void)Written(tracker);
  (void)tracker.add(Tsn{3});
  tracker.packet_ended(true);
  EXPECT_EQ(tracker.ack(), Ack::Now) << "immediate";
}

TEST(DataTracker, ForwardSkipsMissingTsnsAndJoinsWhatCame) {
  DataTracker tracker(Tsn{1});
  for (const std::uint32_t tsn : {4U, 5U, 9U}) (void)tracker.add(Tsn{tsn});
  tracker.forward(Tsn{3});
  EXPECT_EQ(tracker.cumulative(), Tsn{5});
  tracker.forward(Tsn{2});
  EXPECT_EQ(tracker.cumulative(), Tsn{5});
  tracker.forward(Tsn{20});
  EXPECT_EQ(tracker.cumulative(), Tsn{20});
  EXPECT_FALSE(tracker.has_gaps());
}

}  // namespace
}  // namespace linnet::sctp
