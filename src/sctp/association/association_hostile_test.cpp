// A connected peer that breaks the rules: what it may cost, and what must go on working.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

constexpr Ppid ppid{51};

struct Hostile : ::testing::Test {
  Wire wire;
  void SetUp() override { ASSERT_TRUE(wire.connect()); }
  void queue(std::size_t size, SendOptions options = {}) {
    ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, ppid, Bytes(size), options));
  }
  std::uint32_t cumulative_reported() {
    const WireChunk* sack = nullptr;
    for (const WireChunk& chunk : wire.answer())
      if (chunk.type == ChunkType::Sack) sack = &chunk;
    return sack == nullptr ? 0 : load_be<std::uint32_t>(sack->value.data());
  }
  void reset_request(std::uint32_t sn, std::uint32_t last_tsn, std::initializer_list<std::uint16_t> streams) {
    Fields value;
    value.u32(sn).u32(0).u32(last_tsn);
    for (const std::uint16_t stream : streams) value.u16(stream);
    wire.send(ChunkType::Reconfig, Fields{}.tlv(13, value));
  }
  /// Result of the last response, 99 without one.
  std::uint32_t reset_result() {
    std::uint32_t result = 99;
    for (const WireChunk& chunk : wire.answer()) {
      if (chunk.type != ChunkType::Reconfig) continue;
      TlvReader parameters(chunk.value);
      while (const auto p = parameters.next())
        if (p->type == 16) result = load_be<std::uint32_t>(p->value.data() + 4);
    }
    return result;
  }
};

// --- Chunks ---

TEST_F(Hostile, UnknownChunksAreReportedOrNotAsTheirHighestBitsSay) {
  struct Case {
    std::uint8_t type;
    bool reported;
    bool goes_on;
  };
  std::uint32_t tsn = Wire::initial;
  for (const Case& c :
       {Case{0x3F, false, false}, Case{0x7F, true, false}, Case{0xBF, false, true}, Case{0xFF, true, true}}) {
    SCOPED_TRACE(c.type);
    const std::uint64_t before = wire.association.statistics().messages_received;
    wire.packet(wire.local, {{static_cast<ChunkType>(c.type), 0, Bytes(8)}, Wire::data_chunk(tsn, "x", 7)});
    wire.answer();
    EXPECT_EQ(wire.find(ChunkType::Error) != nullptr, c.reported);
    EXPECT_EQ(wire.association.statistics().messages_received - before, c.goes_on ? 1U : 0U);
    tsn += c.goes_on ? 1 : 0;
  }
}

TEST_F(Hostile, AFloodOfUnknownChunksIsReportedOncePerPollAtMost) {
  for (int i = 0; i < 1'000; ++i) wire.send(static_cast<ChunkType>(0xFF), Bytes(20));
  wire.answer();
  EXPECT_EQ(wire.count(ChunkType::Error), 1U);
}

TEST_F(Hostile, PacketsWithImpossibleLengthsAreDropped) {
  const auto good = Wire::data_chunk(Wire::initial);
  for (const int length : {0, 1, 3, 21, 1'000, 65'535}) {
    std::array<std::byte, 64> out;
    PacketWriter writer(out, {.source_port = 5'000, .destination_port = 5'000, .verification_tag = wire.local});
    writer.chunk(good.type, good.flags, good.value);
    store_be(out.data() + common_header_size + 2, static_cast<std::uint16_t>(length));
    wire.association.handle_packet(wire.now, std::span<const std::byte>(out).first(writer.finish()));
  }
  for (std::size_t size = 0; size < 16; ++size) wire.association.handle_packet(wire.now, Bytes(size));
  EXPECT_EQ(wire.association.statistics().messages_received, 0U);
  EXPECT_EQ(wire.association.statistics().packets_dropped, 22U);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Hostile, DataThatIsShortOrEmptyAborts) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{11}, std::size_t{12}}) {
    Wire other;
    ASSERT_TRUE(other.connect());
    other.send(ChunkType::Data, Bytes(size), 3);
    other.answer();
    EXPECT_NE(other.find(ChunkType::Abort), nullptr);
    EXPECT_FALSE(other.connected());
  }
}

TEST_F(Hostile, ShortControlChunksAreIgnored) {
  for (const ChunkType type : {ChunkType::Sack, ChunkType::Shutdown, ChunkType::ForwardTsn, ChunkType::Reconfig,
                               ChunkType::HeartbeatAck, ChunkType::Error, ChunkType::InitAck, ChunkType::CookieAck})
    for (std::size_t size = 0; size < 4; ++size) wire.send(type, Bytes(size));
  wire.drain();
  EXPECT_TRUE(wire.connected());
  wire.data(Wire::initial);
  EXPECT_EQ(cumulative_reported(), 0U) << "one packet: the SACK is delayed";
  wire.data(Wire::initial + 1, "x", 3, 1, 1);
  EXPECT_EQ(cumulative_reported(), Wire::initial + 1);
}

TEST_F(Hostile, AHeartbeatIsEchoedOnceAndAForgedAnswerMeansNothing) {
  const Bytes info = Fields{}.tlv(1, Bytes(40));
  for (int i = 0; i < 100; ++i) wire.send(ChunkType::Heartbeat, info);
  wire.send(ChunkType::Heartbeat, Bytes(3'000));
  wire.answer();
  ASSERT_EQ(wire.count(ChunkType::HeartbeatAck), 1U);
  EXPECT_EQ(wire.find(ChunkType::HeartbeatAck)->value, info);
  wire.now += 1h;
  wire.send(ChunkType::HeartbeatAck, Fields{}.tlv(1, Bytes(8)));
  EXPECT_LT(wire.association.statistics().smoothed_round_trip_time, 1s);
}

// --- SACK ---

TEST_F(Hostile, ASackBeyondWhatWasSentIsIgnored) {
  queue(5'000);
  wire.drain();
  const std::size_t flight = wire.association.statistics().bytes_in_flight;
  ASSERT_GT(flight, 0U);
  wire.sack(wire.first_tsn + 5);
  wire.sack(wire.first_tsn + 0x8000'0000U);
  wire.sack(wire.first_tsn - 1, 1'000'000, {{2, 1'000}});
  wire.sack(wire.first_tsn - 1, 1'000'000, {{65'535, 65'535}});
  EXPECT_EQ(wire.association.statistics().bytes_in_flight, flight);
  wire.sack(wire.first_tsn + 4);
  EXPECT_EQ(wire.association.statistics().bytes_in_flight, 0U);
}

TEST_F(Hostile, AnOldSackDoesNotMoveAnything) {
  queue(5'000);
  wire.drain();
  wire.sack(wire.first_tsn + 2);
  const Statistics before = wire.association.statistics();
  wire.sack(wire.first_tsn, 0);
  wire.sack(wire.first_tsn - 1, 0, {{1, 2}});
  const Statistics after = wire.association.statistics();
  EXPECT_EQ(after.bytes_in_flight, before.bytes_in_flight);
  EXPECT_EQ(after.peer_receive_window, before.peer_receive_window);
}

TEST_F(Hostile, SacksFullOfNonsenseGapsAndDuplicatesCostNothing) {
  queue(10'000);
  wire.drain();
  SeededGenerator random(5);
  for (int i = 0; i < 2'000; ++i) {
    Fields value;
    value.u32(wire.first_tsn - 1).u32(1'000'000).u16(200).u16(50);
    for (int k = 0; k < 200; ++k) value.u16(static_cast<std::uint16_t>(random.below(10))).u16(9);
    for (int k = 0; k < 50; ++k) value.u32(random.next_u32());
    wire.send(ChunkType::Sack, value);
    wire.drain();
  }
  wire.sack(wire.first_tsn + 8);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().unacked_chunks, 0U);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Hostile, AWindowThatOpensAndShutsNeverStopsOrFloodsTheSender) {
  queue(20'000);
  std::uint32_t acked = wire.first_tsn - 1;
  for (int i = 0; i < 200 && wire.association.total_buffered() != 0; ++i) {
    const auto& sent = wire.answer();
    const auto data = static_cast<std::uint32_t>(
        std::ranges::count_if(sent, [](const WireChunk& c) { return c.type == ChunkType::Data; }));
    acked += data;
    // A window of one byte lets one packet go, a shut one none before the probe.
    EXPECT_LE(data, i == 0 ? 20U : 1U);
    wire.sack(acked, i % 2 == 0 ? 0 : 1);
    if (i % 2 == 0) wire.pass(100ms);
  }
  EXPECT_EQ(wire.association.total_buffered(), 0U);
}

TEST_F(Hostile, APeerThatNeverReadsIsProbedRarelyAndForAsLongAsItAnswers) {
  queue(100'000);
  wire.drain();
  const auto outstanding = static_cast<std::uint32_t>(wire.association.statistics().unacked_chunks);
  std::uint32_t acked = wire.first_tsn + outstanding - 1;
  wire.sack(acked, 0);
  wire.sent.clear();
  for (int i = 0; i < 3'000; ++i) {
    wire.pass(100ms);
    wire.sack(acked, 0);  // the probe is not taken
  }
  EXPECT_TRUE(wire.connected());
  EXPECT_LT(wire.count(ChunkType::Data), 100U);
  wire.sack(acked, 1'000'000);
  wire.sent.clear();
  wire.pass(20s);
  EXPECT_GT(wire.count(ChunkType::Data), 1U);
}

TEST_F(Hostile, APeerThatNeverAcknowledgesIsGivenUp) {
  queue(100'000);
  wire.pass(120s);
  EXPECT_EQ(wire.count<Failed>(), 1U);
  EXPECT_EQ(wire.association.next_timeout(), never);
}

// --- DATA ---

TEST_F(Hostile, OldAndRepeatedTsnsAreReportedWithinBounds) {
  wire.data(Wire::initial);
  wire.drain();
  for (std::uint32_t i = 0; i < 500; ++i) wire.data(Wire::initial - i);
  wire.answer();
  const WireChunk* sack = wire.find(ChunkType::Sack);
  ASSERT_NE(sack, nullptr);
  EXPECT_EQ(load_be<std::uint16_t>(sack->value.data() + 10), 16);
  EXPECT_EQ(wire.count(ChunkType::Sack), 1U);
  EXPECT_EQ(wire.association.statistics().duplicates_received, 500U);
  EXPECT_EQ(wire.association.statistics().messages_received, 1U);
}

TEST_F(Hostile, TsnsFarAheadAreNotTaken) {
  const std::size_t window = wire.association.statistics().receive_window;
  for (const std::uint32_t ahead : {70'000U, 1U << 24U, 0x7FFF'FFFFU, 0x8000'0000U, 0xF000'0000U})
    wire.data(Wire::initial + ahead, "x", 2);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().receive_window, window);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Hostile, MessagesThatNeverCompleteFillTheWindowAndNoMore) {
  Options options;
  options.max_message_size = 10'000;
  options.receive_window = 100'000;
  Wire small(options);
  ASSERT_TRUE(small.connect());
  const std::string text(1'000, 'x');
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    small.data(Wire::initial + 2 * i, text, 2, static_cast<std::uint16_t>(i % 50));  // only beginnings
    small.drain();
  }
  EXPECT_EQ(small.association.statistics().receive_window, 0U);
  EXPECT_TRUE(small.connected());
}

TEST_F(Hostile, TinyMessagesThatNobodyReadsFillTheWindowToo) {
  Options options;
  options.max_message_size = 10'000;
  options.receive_window = 100'000;
  Wire small(options);
  ASSERT_TRUE(small.connect());
  for (std::uint32_t i = 0; i < 10'000; ++i) small.data(Wire::initial + i, "x", 7);
  small.drain();
  EXPECT_LT(small.association.statistics().messages_received, 3'200U) << "twice the window, overhead included";
  EXPECT_EQ(small.association.statistics().receive_window, 0U);
  std::size_t read = 0;
  while (small.association.receive(StreamId{1})) ++read;
  EXPECT_EQ(read, small.association.statistics().messages_received);
  small.answer();
  ASSERT_NE(small.find(ChunkType::Sack), nullptr) << "the opened window is announced";
}

TEST_F(Hostile, StreamsThatWereNotAnnouncedAreReportedAndTheDataDropped) {
  Options options;
  options.streams = 10;
  Wire few(options);
  ASSERT_TRUE(few.connect());
  few.data(Wire::initial, "x", 3, 10);
  few.answer();
  ASSERT_NE(few.find(ChunkType::Error), nullptr);
  EXPECT_EQ(load_be<std::uint16_t>(few.find(ChunkType::Error)->value.data()), 1);
  EXPECT_EQ(few.association.statistics().messages_received, 0U);
  EXPECT_TRUE(few.connected());
}

// --- FORWARD-TSN ---

TEST_F(Hostile, AForwardTsnAbsurdlyFarOrOldIsIgnored) {
  wire.data(Wire::initial);
  wire.drain();
  for (const std::uint32_t to : {Wire::initial - 5, Wire::initial, Wire::initial + 0x7000'0000U,
                                 Wire::initial + 0x8000'0000U, Wire::initial + 2'000'000})
    wire.send(ChunkType::ForwardTsn, Fields{}.u32(to).u16(1).u16(9));
  EXPECT_EQ(cumulative_reported(), Wire::initial);
  wire.send(ChunkType::ForwardTsn, Fields{}.u32(Wire::initial + 3).u16(1).u16(2));
  EXPECT_EQ(cumulative_reported(), Wire::initial + 3);
  wire.data(Wire::initial + 4, "x", 3, 1, 3);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().messages_received, 2U) << "the stream goes on behind what was skipped";
}

TEST_F(Hostile, AForwardTsnNamesStreamsByTheHundredsWithoutHarm) {
  Fields value;
  value.u32(Wire::initial + 5);
  for (std::uint16_t i = 0; i < 900; ++i) value.u16(static_cast<std::uint16_t>(i * 71)).u16(i);
  wire.send(ChunkType::ForwardTsn, value);
  EXPECT_EQ(cumulative_reported(), Wire::initial + 5);
}

// --- Stream reset ---

TEST_F(Hostile, AResetRequestSentAgainIsAnsweredAgainAndPerformedOnce) {
  for (int i = 0; i < 5; ++i) {
    reset_request(Wire::initial, Wire::initial - 1, {1, 2});
    EXPECT_EQ(reset_result(), 1U);
  }
  EXPECT_EQ(wire.count<IncomingStreamsReset>(), 1U);
}

TEST_F(Hostile, AResetRequestOutOfSequenceIsRefused) {
  reset_request(Wire::initial + 1, Wire::initial - 1, {1});
  EXPECT_EQ(reset_result(), 5U);
  reset_request(Wire::initial - 1, Wire::initial - 1, {1});
  EXPECT_EQ(reset_result(), 5U);
  EXPECT_EQ(wire.count<IncomingStreamsReset>(), 0U);
}

TEST_F(Hostile, AResetWaitsForTheDataBeforeIt) {
  reset_request(Wire::initial, Wire::initial + 1, {1});
  EXPECT_EQ(reset_result(), 6U);
  EXPECT_EQ(wire.count<IncomingStreamsReset>(), 0U);
  wire.data(Wire::initial, "a", 3, 1, 0);
  wire.data(Wire::initial + 1, "b", 3, 1, 1);
  EXPECT_EQ(reset_result(), 1U);
  ASSERT_EQ(wire.count<IncomingStreamsReset>(), 1U);
  reset_request(Wire::initial, Wire::initial + 1, {1});
  EXPECT_EQ(reset_result(), 1U);
  wire.data(Wire::initial + 2, "c", 3, 1, 0);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().messages_received, 3U) << "numbers begin at 0 again";
}

TEST_F(Hostile, AStormOfResetsThatNobodyLooksAtIsHeldBack) {
  std::uint32_t sn = Wire::initial;
  std::size_t performed = 0;
  for (int i = 0; i < 10'000; ++i) {
    Fields value;
    value.u32(sn).u32(0).u32(Wire::initial - 1).u16(1);
    wire.send(ChunkType::Reconfig, Fields{}.tlv(13, value));
    std::array<std::byte, 2'048> out;  // packets are polled, events are not
    while (const std::size_t size = wire.association.poll_packet(wire.now, out)) {
      const auto view = PacketView::parse(std::span<const std::byte>(out).first(size));
      ASSERT_TRUE(view);
      for (const ChunkView chunk : *view)
        if (chunk.type == ChunkType::Reconfig && load_be<std::uint32_t>(chunk.value.data() + 8) == 1) {
          ++performed;
          ++sn;
        }
    }
  }
  EXPECT_LE(performed, 64U);
  wire.drain();
  EXPECT_EQ(wire.count<IncomingStreamsReset>(), performed);
  reset_request(sn, Wire::initial - 1, {1});
  EXPECT_EQ(reset_result(), 1U) << "and goes on when they were";
}

TEST_F(Hostile, APeerThatAnswersInProgressIsAskedAgainAndNotGivenUp) {
  const std::array streams{StreamId{3}};
  ASSERT_TRUE(wire.association.reset_streams(wire.now, streams));
  for (int i = 0; i < 40; ++i) {
    for (wire.answer(); wire.find(ChunkType::Reconfig) == nullptr; wire.answer()) {
      ASSERT_TRUE(wire.connected()) << "an answer is no timeout: " << i;
      wire.now = wire.association.next_timeout();
      wire.association.handle_timeout(wire.now);
    }
    const auto sn = load_be<std::uint32_t>(wire.find(ChunkType::Reconfig)->value.data() + 4);
    wire.send(ChunkType::Reconfig, Fields{}.tlv(16, Fields{}.u32(sn).u32(i == 39 ? 1U : 6U)));
    EXPECT_EQ(wire.answer().size(), 0U) << "not again at once";
  }
  EXPECT_EQ(wire.count<OutgoingStreamsReset>(), 1U);
}

TEST_F(Hostile, ADeniedResetIsToldAndTheStreamStaysUsable) {
  const std::array streams{StreamId{3}};
  ASSERT_TRUE(wire.association.reset_streams(wire.now, streams));
  wire.answer();
  ASSERT_NE(wire.find(ChunkType::Reconfig), nullptr);
  const auto sn = load_be<std::uint32_t>(wire.find(ChunkType::Reconfig)->value.data() + 4);
  wire.send(ChunkType::Reconfig, Fields{}.tlv(16, Fields{}.u32(sn + 1).u32(1)));
  wire.drain();
  EXPECT_EQ(wire.count<OutgoingStreamsReset>(), 0U) << "an answer to what was not asked";
  wire.send(ChunkType::Reconfig, Fields{}.tlv(16, Fields{}.u32(sn).u32(2)));
  wire.drain();
  EXPECT_EQ(wire.count<StreamResetFailed>(), 1U);
  EXPECT_TRUE(wire.association.send(wire.now, StreamId{3}, ppid, Bytes(10)));
}

// --- Ends ---

TEST_F(Hostile, ALostShutdownCompleteEndsSoonAllTheSame) {
  wire.send(ChunkType::Shutdown, Fields{}.u32(wire.first_tsn - 1));
  wire.answer();
  ASSERT_NE(wire.find(ChunkType::ShutdownAck), nullptr);
  wire.pass(30s);
  EXPECT_EQ(wire.count<Closed>(), 1U) << "both sides have everything: no reason to wait long or to call it a failure";
  EXPECT_EQ(wire.association.next_timeout(), never);
}

TEST_F(Hostile, ALostAbortIsNoticedByData) {
  queue(10);
  wire.pass(90s);
  EXPECT_EQ(wire.count<Failed>(), 1U);
}

TEST_F(Hostile, ALostAbortIsNoticedByHeartbeats) {
  wire.pass(120s);
  EXPECT_EQ(wire.count<Failed>(), 1U);
}

TEST_F(Hostile, AShutdownThatIsNeverAnsweredFailsWithinItsGuard) {
  wire.association.shutdown(wire.now);
  wire.pass(80s);
  EXPECT_EQ(wire.count<Failed>(), 1U);
  EXPECT_EQ(wire.association.next_timeout(), never);
}

TEST_F(Hostile, ShutdownChunksThatComeTooEarlyChangeNothing) {
  wire.send(ChunkType::ShutdownAck);
  wire.send(ChunkType::ShutdownComplete);
  wire.send(ChunkType::CookieAck);
  wire.send(ChunkType::InitAck, Wire::init().tlv(7, Bytes(8)));
  wire.drain();
  EXPECT_TRUE(wire.connected());
  EXPECT_TRUE(wire.association.send(wire.now, StreamId{3}, ppid, Bytes(10)));
}

// --- Sending ---

TEST(SendLimits, TinyMessagesFillTheQueueByWhatTheyCost) {
  Options options;
  options.max_send_queue = 100'000;
  Wire wire(options);
  std::size_t taken = 0;
  while (taken < 100'000 && wire.association.send(wire.now, StreamId{1}, ppid, Bytes(1))) ++taken;
  EXPECT_LT(taken, 1'500U);
  EXPECT_EQ(wire.association.buffered_amount(StreamId{1}), taken) << "but only bytes count as buffered";
  EXPECT_TRUE(wire.connect());
  wire.sack(wire.first_tsn + static_cast<std::uint32_t>(wire.association.statistics().unacked_chunks) - 1);
  wire.drain();
  EXPECT_EQ(wire.count<Writable>(), 1U);
}

}  // namespace
}  // namespace linnet::sctp::testing
