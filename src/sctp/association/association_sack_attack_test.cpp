// A connected peer whose SACKs lie: what that may cost, and what it must not change.
#include <gtest/gtest.h>

#include "sctp/association/test_wire.hpp"
#include "sim/allocations.hpp"

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
  duplicates.reserve(250);
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
  gaps.reserve(250);
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

/// A peer with a window without end that makes us send, and keep what was sent.
struct HeldData : ::testing::Test {
  static constexpr std::uint32_t endless = 4'000'000'000;
  static constexpr std::size_t most = 500'000;
  static Options options() {
    Options options;
    options.max_unacknowledged = options.max_send_queue = most;
    options.pacing = false;
    return options;
  }
  Wire wire{options()};
  Bytes message = Bytes(50'000);
  std::uint32_t acked = 0;  // cumulatively
  std::int64_t before = 0;

  void SetUp() override {
    ASSERT_TRUE(wire.connect(endless));
    acked = wire.first_tsn - 1;
    before = sim::live_bytes();
  }
  [[nodiscard]] std::uint32_t unacked() const {
    return static_cast<std::uint32_t>(wire.association.statistics().unacked_chunks);
  }
  /// The application always has more, until nothing more leaves.
  void fill(const SendOptions& how = {}) {
    do {
      while (wire.association.send(wire.now, StreamId{1}, Ppid{53}, message, how)) {
      }
    } while (!wire.answer().empty());
  }
  /// All but the first.
  void acknowledge_behind_a_hole(std::uint32_t window = endless) {
    if (unacked() >= 2) wire.sack(acked, window, {{2, static_cast<std::uint16_t>(unacked())}});
  }
  /// The send queue, what may be unacknowledged, and what is kept to be used again.
  void expect_little() {
    wire.sent = {};
    wire.events = {};
    wire.checksums = {};
    EXPECT_LE(sim::live_bytes() - before, static_cast<std::int64_t>(2 * most + (1U << 20U) + 512'000));
    EXPECT_TRUE(wire.connected());
  }
};

TEST_F(HeldData, IsLimitedHoweverMuchIsAcknowledgedBeforeItArrived) {
  for (int i = 0; i < 12; ++i) {
    fill();
    acked += unacked();
    wire.sack(acked, endless);
    wire.now += 500us;
  }
  fill();
  EXPECT_GE(wire.association.statistics().bytes_in_flight, most) << "the limit is all that limits";
  EXPECT_LE(wire.association.statistics().bytes_in_flight, most + most / 20);
  expect_little();
  acked += unacked();
  wire.sack(acked, endless);
  EXPECT_FALSE(wire.answer().empty()) << "and it goes on";
}

TEST_F(HeldData, IsLimitedWhenAllButTheFirstIsReported) {
  for (int i = 0; i < 1'000; ++i) {
    fill();
    acknowledge_behind_a_hole();
    wire.now += 500us;
  }
  expect_little();
  acked += unacked();
  wire.sack(acked, endless);
  fill();
  EXPECT_GT(unacked(), 0U) << "and it goes on";
}

TEST_F(HeldData, IsNotWhatWasGivenUp) {
  for (int i = 0; i < 800; ++i) {
    fill({.lifetime = 1ms});
    wire.now += 2ms;
    acknowledge_behind_a_hole(12'000);  // no message is sent whole
    wire.drain();
    expect_little();
  }
  EXPECT_GT(wire.association.statistics().messages_abandoned, 100U);
}

}  // namespace
}  // namespace linnet::sctp::testing
