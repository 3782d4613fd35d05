// RFC 8260: I-DATA and I-FORWARD-TSN, how they are agreed on, and what they are for.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sctp/association/test_pipe.hpp"
#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

/// An INIT that lists these chunk types among its supported extensions.
Bytes init_with(std::initializer_list<ChunkType> extensions) {
  Bytes types;
  for (const ChunkType type : extensions) types.push_back(static_cast<std::byte>(type));
  return Fields{}.u32(Wire::tag).u32(1'000'000).u16(100).u16(100).u32(Wire::initial).tlv(0x8008, types);
}

struct Interleaving : ::testing::Test {
  Wire wire;
  std::uint32_t next = Wire::initial;

  bool connect(Wire& with) {
    using enum ChunkType;
    if (!with.request(init_with({Reconfig, ForwardTsn, IData, IForwardTsn}))) return false;
    with.send(ChunkType::CookieEcho, with.cookie);
    with.drain();
    return with.count<Connected>() == 1 && with.association.interleaving();
  }
  static WireChunk chunk(std::uint32_t tsn, std::string_view text, std::uint8_t flags, std::uint32_t mid,
                         std::uint32_t number, std::uint16_t stream = 1) {
    return {ChunkType::IData, flags, Fields{}.u32(tsn).u16(stream).u16(0).u32(mid).u32(number).raw(as_bytes(text))};
  }
  static constexpr std::uint8_t begin = 2;
  static constexpr std::uint8_t end = 1;
  static constexpr std::uint8_t unordered = 4;
  void data(std::string_view text, std::uint8_t flags, std::uint32_t mid, std::uint32_t number,
            std::uint16_t stream = 1) {
    wire.packet(wire.local, {chunk(next++, text, flags, mid, number, stream)});
  }
  std::string read(std::uint16_t stream = 1) {
    std::string all;
    while (const auto message = wire.association.receive(StreamId{stream}))
      all += std::string(as_text(message->payload)) + ",";
    return all;
  }
  [[nodiscard]] bool aborted_for(CauseCode cause) {
    wire.drain();
    const WireChunk* abort = wire.find(ChunkType::Abort);
    return abort != nullptr && load_be<std::uint16_t>(abort->value.data()) == std::to_underlying(cause) &&
           wire.count<Failed>() == 1;
  }
};

TEST_F(Interleaving, NeedsBothChunksOfThePeerAndOurOwnWill) {
  using enum ChunkType;
  const auto agreed = [&](std::initializer_list<ChunkType> extensions, bool wanted) {
    Options options;
    options.interleaving = wanted;
    Wire fresh(options);
    if (!fresh.request(init_with(extensions))) return false;
    fresh.send(ChunkType::CookieEcho, fresh.cookie);
    fresh.drain();
    EXPECT_EQ(fresh.count<Connected>(), 1U);
    return fresh.association.interleaving();
  };
  EXPECT_TRUE(agreed({IData, IForwardTsn}, true));
  EXPECT_FALSE(agreed({IData, IForwardTsn}, false));
  EXPECT_FALSE(agreed({IData, ForwardTsn}, true));
  EXPECT_FALSE(agreed({IForwardTsn}, true));
  EXPECT_FALSE(agreed({}, true));
}

TEST_F(Interleaving, PutsInterleavedMessagesTogether) {
  ASSERT_TRUE(connect(wire));
  data("a", begin, 0, 51, 1);
  data("x", begin, 0, 53, 2);
  data("b", 0, 0, 1, 1);
  data("chat", begin | end, 0, 51, 3);
  EXPECT_EQ(read(3), "chat,");
  data("y", end, 0, 1, 2);
  EXPECT_EQ(read(2), "xy,");
  data("c", end, 0, 2, 1);
  EXPECT_EQ(read(1), "abc,");
}

TEST_F(Interleaving, OrderedMessagesWaitForTheirTurnAndUnorderedOnesCountApart) {
  ASSERT_TRUE(connect(wire));
  data("second", begin | end, 1, 51);
  data("loose", begin | end | unordered, 0, 51);
  EXPECT_EQ(read(), "loose,");
  data("first", begin | end, 0, 51);
  EXPECT_EQ(read(), "first,second,");
  data("again", begin | end, 1, 51);
  EXPECT_EQ(read(), "") << "an identifier used twice";
}

TEST_F(Interleaving, SendsWhatItSaysItSends) {
  ASSERT_TRUE(connect(wire));
  ASSERT_TRUE(wire.association.send(wire.now, StreamId{7}, Ppid{53}, numbered(1, 2'500)));
  ASSERT_TRUE(wire.association.send(wire.now, StreamId{7}, Ppid{51}, numbered(2, 10), {.unordered = true}));
  wire.answer();
  std::vector<DataChunk> chunks;
  for (const WireChunk& sent : wire.sent) {
    ASSERT_NE(sent.type, ChunkType::Data);
    if (sent.type != ChunkType::IData) continue;
    Bytes whole{std::byte{64}, static_cast<std::byte>(sent.flags), std::byte{0}, std::byte{0}};
    whole.insert(whole.end(), sent.value.begin(), sent.value.end());
    const auto parsed = DataChunk::parse({.type = sent.type, .flags = sent.flags, .value = {}, .whole = whole});
    ASSERT_TRUE(parsed);
    chunks.push_back(*parsed);
    chunks.back().payload = {};
  }
  ASSERT_EQ(chunks.size(), 4U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chunks[i].mid, Mid{0});
    EXPECT_EQ(chunks[i].fsn, i);
    EXPECT_EQ(chunks[i].begin, i == 0);
    EXPECT_EQ(chunks[i].end, i == 2);
    EXPECT_EQ(chunks[i].ppid, Ppid{i == 0 ? 53U : 0U});
    EXPECT_EQ(chunks[i].tsn, Tsn{wire.first_tsn + i});
  }
  EXPECT_TRUE(chunks[3].unordered);
  EXPECT_EQ(chunks[3].mid, Mid{0}) << "unordered messages have identifiers of their own";
}

TEST_F(Interleaving, AnIForwardTsnSkipsTheMessagesThatItNames) {
  ASSERT_TRUE(connect(wire));
  data("half", begin, 0, 51, 1);
  data("half", begin | unordered, 0, 51, 1);
  data("half", begin, 0, 51, 2);
  data("next", begin | end, 1, 51, 1);
  EXPECT_EQ(read(), "");
  const std::uint32_t skipped = next++;
  data("far", begin | end, 3, 51, 1);
  wire.send(ChunkType::IForwardTsn,
            Fields{}.u32(skipped).u16(1).u16(0).u32(0).u16(1).u16(1).u32(0).u16(9).u16(0).u32(4));
  EXPECT_EQ(read(), "next,");
  wire.send(ChunkType::IForwardTsn, Fields{}.u32(next - 1).u16(1).u16(0).u32(2));
  EXPECT_EQ(read(), "") << "it brought the point no further, so it is old";
  const std::uint32_t again = next++;
  wire.send(ChunkType::IForwardTsn, Fields{}.u32(again).u16(1).u16(0).u32(2));
  EXPECT_EQ(read(), "far,");
  data("whole", end, 0, 1, 2);
  EXPECT_EQ(read(2), "halfwhole,") << "what it does not name goes on";
  const auto full = wire.association.statistics().receive_window;
  Wire fresh;
  ASSERT_TRUE(connect(fresh));
  EXPECT_EQ(full, fresh.association.statistics().receive_window) << "nothing is left of what was skipped";
}

TEST_F(Interleaving, DataOrForwardTsnWhereTheOtherWasAgreedEndsTheAssociation) {
  ASSERT_TRUE(connect(wire));
  wire.data(Wire::initial);
  EXPECT_TRUE(aborted_for(CauseCode::ProtocolViolation));
  Wire other;
  ASSERT_TRUE(connect(other));
  other.send(ChunkType::ForwardTsn, Fields{}.u32(Wire::initial).u16(1).u16(0));
  other.drain();
  EXPECT_EQ(other.count<Failed>(), 1U);
}

TEST_F(Interleaving, IDataThatWasNotAgreedOnIsAnUnknownChunk) {
  ASSERT_TRUE(wire.connect());
  wire.packet(wire.local, {chunk(next, "x", begin | end, 0, 51), Wire::data_chunk(next)});
  wire.answer();
  ASSERT_NE(wire.find(ChunkType::Error), nullptr);
  EXPECT_EQ(load_be<std::uint16_t>(wire.find(ChunkType::Error)->value.data()),
            std::to_underlying(CauseCode::UnrecognizedChunkType));
  EXPECT_EQ(wire.association.statistics().messages_received, 0U) << "nor is what stands behind it looked at";
  wire.send(ChunkType::IForwardTsn, Fields{}.u32(next + 5).u16(1).u16(0).u32(9));
  wire.data(next);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().messages_received, 1U) << "it skipped nothing";
  EXPECT_TRUE(wire.connected());
}

TEST_F(Interleaving, ShortEmptyOrContradictingChunksEndTheAssociation) {
  const auto ends = [&](const WireChunk& bad, CauseCode cause) {
    wire.~Wire();
    new (&wire) Wire;
    if (!connect(wire)) return false;
    wire.packet(wire.local, {chunk(Wire::initial, "a", begin, 0, 51), bad});
    return aborted_for(cause);
  };
  constexpr std::uint32_t tsn = Wire::initial + 1;
  EXPECT_TRUE(ends({ChunkType::IData, 3, Fields{}.u32(tsn).u16(1).u16(0).u32(0)}, CauseCode::ProtocolViolation));
  EXPECT_TRUE(ends(chunk(tsn, "", begin | end, 1, 51), CauseCode::NoUserData));
  EXPECT_TRUE(ends(chunk(tsn, "b", 0, 0, 0), CauseCode::ProtocolViolation));
  EXPECT_TRUE(ends(chunk(tsn, "b", begin, 0, 51), CauseCode::ProtocolViolation));
  EXPECT_TRUE(ends(chunk(tsn, "b", 0, 0, 0xFFFF'FFFF), CauseCode::OutOfResource));
}

TEST_F(Interleaving, MessagesThatNeverCompleteCloseTheWindowAndTakeNoMoreMemory) {
  Options options;
  options.receive_window = 100'000;
  options.max_message_size = 50'000;
  for (const int kind : {0, 1, 2, 3}) {
    SCOPED_TRACE(kind);
    Wire small(options);
    ASSERT_TRUE(connect(small));
    for (std::uint32_t i = 0; i < 5'000; ++i) {
      const std::uint32_t tsn = Wire::initial + i;
      switch (kind) {
        case 0: small.packet(small.local, {chunk(tsn, "x", begin, i, 51)}); break;                       // halves
        case 1: small.packet(small.local, {chunk(tsn, "x", begin | unordered, i * 7'919, 51)}); break;   // anywhere
        case 2: small.packet(small.local, {chunk(tsn, "x", 0, 0, 2 + 2 * i)}); break;                    // holes
        default: small.packet(small.local, {chunk(tsn, "x", begin | end, 0x7FFF'0000 + i, 51)}); break;  // far ahead
      }
      if (i % 64 == 0) small.drain();
    }
    small.drain();
    EXPECT_EQ(small.association.statistics().receive_window, 0U);
    const WireChunk& sack =
        *std::ranges::find(small.sent.rbegin(), small.sent.rend(), ChunkType::Sack, &WireChunk::type);
    EXPECT_LT(load_be<std::uint32_t>(sack.value.data()), Wire::initial + 3'200);
    EXPECT_TRUE(small.connected());
  }
}

TEST_F(Interleaving, AnIForwardTsnAbsurdlyFarOrOfHundredsOfStreamsDoesNoHarm) {
  ASSERT_TRUE(connect(wire));
  for (const std::uint32_t to : {Wire::initial - 1, Wire::initial + 0x4000'0000, Wire::initial + 0x8000'0000}) {
    wire.send(ChunkType::IForwardTsn, Fields{}.u32(to).u16(1).u16(0).u32(7));
    wire.drain();
  }
  data("first", begin | end, 0, 51);
  EXPECT_EQ(read(), "first,");
  Fields value;
  value.u32(next);
  for (std::uint16_t i = 0; i < 400; ++i) value.u16(static_cast<std::uint16_t>(i * 163)).u16(1).u32(i * 0x1234'5678U);
  value.u16(1).u16(0);  // half an entry
  wire.send(ChunkType::IForwardTsn, value);
  wire.send(ChunkType::IForwardTsn, Fields{}.u16(1));
  wire.drain();
  EXPECT_TRUE(wire.connected());
  ++next;
  data("second", begin | end, 1, 51);
  EXPECT_EQ(read(), "second,");
}

/// How long a message of 100 bytes takes at most beside a file on another stream, in virtual time. Packets are 20 ms on
/// their way, and only the congestion window, full at any time, holds them back.
Duration chat_latency(bool interleaving, std::uint16_t bulk_weight, std::size_t bulk_size) {
  Options options;
  options.interleaving = interleaving;
  Duration worst{};
  for (int i = 0; i < 10; ++i) {
    Pipe pipe(3, {.delay = 20ms}, options, options);
    EXPECT_TRUE(pipe.connect());
    pipe.a.association.set_weight(StreamId{1}, bulk_weight);
    while (pipe.a.association.total_buffered() < 2'000'000)
      EXPECT_TRUE(pipe.a.association.send(pipe.now, StreamId{1}, Ppid{53}, numbered(1, bulk_size)));
    pipe.run_for(i * 7ms);
    const TimePoint asked = pipe.now;
    EXPECT_TRUE(pipe.a.association.send(pipe.now, StreamId{2}, Ppid{51}, numbered(2, 100)));
    EXPECT_TRUE(pipe.run([&] { return std::ranges::count(pipe.b.messages, StreamId{2}, &Message::stream) == 1; }));
    worst = std::max(worst, pipe.now - asked);
  }
  return worst;
}

TEST(InterleavingLatency, AChatMessageIsNotStuckBehindAFile) {
  // The next packet leaves when an acknowledgement comes, which is within a round trip.
  EXPECT_LE(chat_latency(true, 256, 262'144), 60ms);
  EXPECT_LE(chat_latency(true, 1'024, 262'144), 60ms) << "beside a heavier stream";
}

TEST(InterleavingLatency, WithoutInterleavingAMessageGoesAtTheEndOfTheOneBeforeIt) {
  EXPECT_LE(chat_latency(false, 1'024, 5'000), 60ms);
  EXPECT_GE(chat_latency(false, 256, 262'144), 120ms);
}

TEST(InterleavingLatency, SharesThePathByPriority) {
  Options options;
  options.receive_window = 100'000;
  options.max_message_size = 20'000;
  Pipe pipe(1, {.delay = 5ms}, options, options);
  ASSERT_TRUE(pipe.connect());
  const std::uint16_t weights[] = {128, 256, 512, 1'024};
  for (std::uint16_t i = 0; i < 4; ++i) pipe.a.association.set_weight(StreamId{i}, weights[i]);
  const auto size = std::size_t{10'000};
  for (int round = 0; round < 150; ++round) {
    for (std::uint16_t i = 0; i < 4; ++i)
      while (pipe.a.association.buffered_amount(StreamId{i}) < 500'000)
        ASSERT_TRUE(pipe.a.association.send(pipe.now, StreamId{i}, Ppid{53}, numbered(i, size)));
    pipe.run_for(5ms);
  }
  std::array<double, 4> bytes{};
  for (const Message& message : pipe.b.messages) bytes[message.stream.value()] += static_cast<double>(size);
  ASSERT_GT(bytes[0], 200'000);
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_NEAR(bytes[i] / bytes[0], weights[i] / 128.0, 0.08 * weights[i] / 128.0) << i;
}

TEST(InterleavingLatency, ManyLargeMessagesAtOnceNeverLockTheReceiverUp) {
  Options options;
  options.receive_window = 400'000;
  options.max_message_size = 200'000;
  Pipe pipe(1, {.loss = 0.01, .delay = 5ms}, options, options);
  ASSERT_TRUE(pipe.connect());
  for (std::uint16_t stream = 0; stream < 60; ++stream)
    ASSERT_TRUE(pipe.a.association.send(pipe.now, StreamId{stream}, Ppid{53}, numbered(stream, 150'000)));
  EXPECT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 60; }, 300s)) << pipe.b.messages.size();
  for (const Message& message : pipe.b.messages) EXPECT_EQ(message.payload, numbered(message.stream.value(), 150'000));
}

TEST(InterleavingLatency, EverythingArrivesWholeThroughABadPath) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Pipe pipe(seed, {.loss = 0.08, .duplicate = 0.05, .delay = 20ms, .jitter = 15ms});
    ASSERT_TRUE(pipe.connect(200s));
    ASSERT_TRUE(pipe.a.association.interleaving());
    std::size_t reliable = 0;
    for (std::uint32_t i = 0; i < 120; ++i) {
      const auto stream = static_cast<std::uint16_t>(i % 6);
      const std::size_t size = 1 + i * 7'919 % 40'000;
      SendOptions how{.unordered = stream % 2 == 1};
      if (stream >= 4) how.max_retransmits = std::uint16_t{0};
      if (stream < 4) ++reliable;
      ASSERT_TRUE(pipe.a.association.send(pipe.now, StreamId{stream}, Ppid{i}, numbered(i, size), how));
    }
    const auto complete = [&] {
      return static_cast<std::size_t>(std::ranges::count_if(
                 pipe.b.messages, [](const Message& m) { return m.stream.value() < 4; })) == reliable;
    };
    ASSERT_TRUE(pipe.run([&] { return complete() && pipe.a.association.statistics().unacked_chunks == 0; }, 600s));
    std::array<std::int64_t, 6> last{-1, -1, -1, -1, -1, -1};
    for (const Message& message : pipe.b.messages) {
      EXPECT_EQ(message.payload, numbered(message.ppid.value(), message.payload.size()));
      EXPECT_EQ(message.payload.size(), 1 + message.ppid.value() * 7'919 % 40'000);
      if (message.unordered) continue;
      EXPECT_GT(std::int64_t{message.ppid.value()}, last[message.stream.value()]);
      last[message.stream.value()] = message.ppid.value();
    }
    EXPECT_EQ(pipe.b.association.statistics().receive_window, Pipe(1).b.association.statistics().receive_window)
        << "nothing is left of what was given up";
    EXPECT_GT(pipe.a.association.statistics().messages_abandoned, 0U);
  }
}

}  // namespace
}  // namespace linnet::sctp::testing
