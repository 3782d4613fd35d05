// A connected peer whose SACKs lie: what that may cost, and what it must not change.
#include <gtest/gtest.h>

#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

struct SackAttack : ::testing::Test {
  Wire wire;
  std::uint32_t sent = 0;  // TSNs in flight

  void SetUp() override {
    ASSERT_TRUE(wire.connect());
    ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, Ppid{51}, Bytes(100'000)));
    wire.drain();
    sent = static_cast<std::uint32_t>(wire.association.statistics().unacked_chunks);
    ASSERT_GT(sent, 5U);
    wire.now += 10ms;
  }
  void sack(std::uint32_t cumulative, const std::vector<std::pair<std::uint16_t, std::uint16_t>>& gaps,
            const std::vector<std::uint32_t>& duplicates = {}) {
    Fields value;
    value.u32(cumulative).u32(1'000'000);
    value.u16(static_cast<std::uint16_t>(gaps.size())).u16(static_cast<std::uint16_t>(duplicates.size()));
    for (const auto& [first, last] : gaps) value.u16(first).u16(last);
    for (const std::uint32_t duplicate : duplicates) value.u32(duplicate);
    wire.send(ChunkType::Sack, value);
  }
};

TEST_F(SackAttack, TakingBackWhatWasReportedEachTimeDrawsNoFloodOfRetransmissions) {
  const auto last = static_cast<std::uint16_t>(sent);
  for (int i = 0; i < 20'000; ++i) {
    sack(wire.first_tsn - 1, {{2, last}});
    sack(wire.first_tsn - 1, {});
    wire.drain();
  }
  EXPECT_LE(wire.association.statistics().chunks_retransmitted, 2U) << "no round trip went by";
  EXPECT_TRUE(wire.connected());
  sack(wire.first_tsn - 1 + sent, {});
  wire.answer();
  wire.pass(1ms);  // the pacer's
  EXPECT_GT(wire.count(ChunkType::Data), 0U) << "it goes on by the cumulative TSN";
}

TEST_F(SackAttack, DuplicatesThatNobodySentChangeNothing) {
  const std::size_t window = wire.association.statistics().congestion_window;
  std::vector<std::uint32_t> duplicates;
  for (std::uint32_t i = 0; i < 250; ++i) duplicates.push_back(wire.first_tsn - 100 + i);
  for (int i = 0; i < 2'000; ++i) {
    sack(wire.first_tsn - 1, {}, duplicates);
    wire.drain();
  }
  EXPECT_EQ(wire.association.statistics().congestion_window, window);
  EXPECT_EQ(wire.association.statistics().spurious_recoveries, 0U);
  EXPECT_EQ(wire.association.statistics().chunks_retransmitted, 0U);
  EXPECT_TRUE(wire.connected());
}

TEST_F(SackAttack, ATimeoutIsUndoneOnceHoweverOftenItsDuplicateIsReported) {
  wire.pass(2s);  // T3-rtx
  ASSERT_GE(wire.association.statistics().timeouts, 1U);
  for (int i = 0; i < 1'000; ++i) {
    sack(wire.first_tsn, {}, {wire.first_tsn, wire.first_tsn, wire.first_tsn - 1});
    wire.drain();
  }
  EXPECT_LE(wire.association.statistics().spurious_recoveries, 1U);
}

TEST_F(SackAttack, AFloodOfGapBlocksIsReadAsFarAsItMakesSense) {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> gaps;
  for (std::uint16_t i = 0; i < 250; ++i) gaps.emplace_back(2, 2);
  for (int i = 0; i < 2'000; ++i) {
    sack(wire.first_tsn - 1, gaps);
    wire.drain();
  }
  EXPECT_TRUE(wire.connected());
  EXPECT_LE(wire.association.statistics().chunks_retransmitted, 2U);
  const auto unacked = static_cast<std::uint32_t>(wire.association.statistics().unacked_chunks);
  sack(wire.first_tsn - 1 + unacked, {});
  EXPECT_EQ(wire.association.statistics().unacked_chunks, 0U);
}

TEST_F(SackAttack, AnAcknowledgementOfWhatWasNeverSentEarnsNoWindow) {
  const std::size_t window = wire.association.statistics().congestion_window;
  for (std::uint32_t ahead = 1; ahead < 1'000; ++ahead) {
    sack(wire.first_tsn - 1 + sent + ahead, {});
    sack(wire.first_tsn - 1, {{2, static_cast<std::uint16_t>(sent + ahead)}});
    wire.drain();
  }
  EXPECT_EQ(wire.association.statistics().congestion_window, window);
  EXPECT_EQ(wire.association.statistics().unacked_chunks, sent);
}

TEST_F(SackAttack, SacksThatGoBackInTimeNeitherMoveNorLoseAnything) {
  sack(wire.first_tsn + 3, {});
  wire.drain();
  const std::size_t unacked_chunks = wire.association.statistics().unacked_chunks;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    sack(wire.first_tsn + i % 3, {{2, 3}}, {wire.first_tsn});
    sack(wire.first_tsn + 3 - 0x8000'0000U + i, {});
    wire.drain();
  }
  EXPECT_EQ(wire.association.statistics().unacked_chunks, unacked_chunks);
  EXPECT_EQ(wire.association.statistics().chunks_retransmitted, 0U);
}

}  // namespace
}  // namespace linnet::sctp::testing
