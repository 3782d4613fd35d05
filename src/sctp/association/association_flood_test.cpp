// A connected peer that wastes memory, packets and time by things that each are allowed.
#include <gtest/gtest.h>

#include <string>

#include "sctp/association/test_wire.hpp"
#include "sim/allocations.hpp"

namespace linnet::sctp::testing {
namespace {

constexpr Ppid ppid{51};
/// What the association may hold beside the payload that its window admits.
constexpr std::int64_t overhead = 64 * 1'024;
/// What an allocator's rounding and a queue's spare room add to tiny messages.
constexpr std::int64_t tiny = 128 * 1'024;

Options small_window() {
  Options options;
  options.max_message_size = 10'000;
  options.initial_receive_window = options.receive_window = 100'000;
  return options;
}

struct Flood : ::testing::Test {
  Wire wire{small_window()};
  std::int64_t before = 0;
  void SetUp() override {
    ASSERT_TRUE(wire.connect());
    before = sim::live_bytes();
  }
  /// The test's own lists aside.
  [[nodiscard]] std::int64_t grown() {
    wire.sent = {};
    wire.events = {};
    wire.checksums = {};
    return sim::live_bytes() - before;
  }
};

TEST_F(Flood, ASillyWindowDrawsNoSillyFragments) {
  constexpr std::size_t size = 50'000;
  ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, ppid, Bytes(size)));
  std::uint32_t acked = wire.first_tsn - 1;
  std::size_t fragments = 0;
  for (int i = 0; i < 1'000 && wire.association.total_buffered() != 0; ++i) {
    for (const WireChunk& chunk : wire.answer()) {
      if (chunk.type != ChunkType::Data) continue;
      ++acked;
      ++fragments;
      const bool last = (chunk.flags & 1U) != 0;
      EXPECT_TRUE(last || chunk.value.size() > 1'000) << chunk.value.size();
    }
    wire.sack(acked, static_cast<std::uint32_t>(1 + i % 90));
    wire.now += 100ms;
  }
  EXPECT_EQ(wire.association.total_buffered(), 0U) << "and yet it goes on";
  EXPECT_LE(fragments, size / 1'000);
}

TEST_F(Flood, AReaderInTinyStepsAnnouncesNoTinyWindows) {
  const std::string text(64, 'x');
  for (std::uint32_t i = 0; i < 3'000; ++i) wire.data(Wire::initial + i, text, 7);
  wire.answer();
  ASSERT_EQ(wire.association.statistics().receive_window, 0U);
  wire.sent.clear();
  std::size_t read = 0;
  for (; wire.association.receive(StreamId{1}); ++read) wire.drain();
  ASSERT_GT(read, 300U);
  EXPECT_GE(wire.count(ChunkType::Sack), 1U);
  EXPECT_LE(wire.count(ChunkType::Sack), read / 4);
}

TEST_F(Flood, MessagesThatNeverCompleteHoldNoMoreThanTheWindow) {
  const std::string text(1'000, 'x');
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    wire.data(Wire::initial + 2 * i, text, 2, static_cast<std::uint16_t>(i % 100));  // only beginnings
    wire.answer();
  }
  EXPECT_LE(grown(), 2 * 100'000 + overhead);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Flood, OrderedMessagesBehindOneThatNeverComesHoldNoMoreThanTheWindow) {
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    wire.data(Wire::initial + i, "x", 3, static_cast<std::uint16_t>(i % 100), static_cast<std::uint16_t>(1 + i / 100));
    wire.answer();
  }
  EXPECT_EQ(wire.association.statistics().messages_received, 0U);
  EXPECT_LE(grown(), 2 * 100'000 + overhead + tiny);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Flood, AReaderThatNeverReadsHoldsNoMoreThanTheWindow) {
  const std::string text(1'000, 'x');
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    wire.data(Wire::initial + i, text, 7, static_cast<std::uint16_t>(i % 100));
    wire.answer();
  }
  EXPECT_LE(grown(), 2 * 100'000 + overhead);
  EXPECT_EQ(wire.association.statistics().receive_window, 0U);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Flood, FragmentsOfOneMessageThatIsTooLargeEndTheAssociation) {
  const std::string text(1'000, 'x');
  for (std::uint32_t i = 0; i < 50 && wire.connected(); ++i) {
    wire.data(Wire::initial + i, text, i == 0 ? 2 : 0);
    wire.drain();
  }
  EXPECT_FALSE(wire.connected());
  EXPECT_NE(wire.find(ChunkType::Abort), nullptr);
}

TEST_F(Flood, ResetsThatWaitForDataThatNeverComesAreKeptOnceOnly) {
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    Fields value;
    value.u32(Wire::initial + (i % 3 == 0 ? 0 : i)).u32(0).u32(Wire::initial + 5 + i);
    for (std::uint16_t stream = 0; stream < 500; ++stream) value.u16(stream);
    wire.send(ChunkType::Reconfig, Fields{}.tlv(13, value));
    if (i % 10 == 0) wire.answer();
  }
  wire.answer();
  EXPECT_LE(wire.count(ChunkType::Reconfig), 4U) << "some answers, not one for each";
  EXPECT_EQ(wire.count<IncomingStreamsReset>(), 0U);
  EXPECT_LE(grown(), overhead);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Flood, AStormOfRequestsThatNobodyKnowsIsAnsweredAFewTimesAPoll) {
  for (std::uint32_t i = 0; i < 10'000; ++i)
    wire.send(ChunkType::Reconfig, Fields{}.tlv(17, Fields{}.u32(Wire::initial + i).u16(1'000).u16(0)));
  wire.answer();
  EXPECT_LE(wire.sent.size(), 4U);
  EXPECT_LE(grown(), overhead);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Flood, StepsOfAFloodAreOneForEachPacket) {
  // What one packet may bring about: timers that fire, packets in answer. No loop of our own making.
  wire.answer();
  const std::size_t packets = wire.packets;
  const std::string text(100, 'x');
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    wire.data(Wire::initial + 1 + 2 * i, text, 3);  // a hole before each
    wire.drain();
    wire.now += 1ms;
    if (wire.association.next_timeout() <= wire.now) wire.association.handle_timeout(wire.now);
    wire.drain();
  }
  EXPECT_LE(wire.packets - packets, 2'010U);
}

}  // namespace
}  // namespace linnet::sctp::testing
