// What the owner is told about its send queue is true, and a reader or a peer that does nothing costs no more than the
// limits say.
#include <gtest/gtest.h>

#include <algorithm>

#include "sctp/association/test_pipe.hpp"
#include "sctp/association/test_wire.hpp"
#include "sim/allocations.hpp"

namespace linnet::sctp::testing {
namespace {

TEST(BackPressure, BufferedAmountsAddUpToWhatHasNotLeft) {
  for (const bool interleaving : {true, false}) {
    Options options;
    options.interleaving = interleaving;
    Pipe pipe(1, {.loss = 0.02, .delay = 5ms}, options, options);
    ASSERT_TRUE(pipe.connect());
    std::size_t sent = 0;
    for (std::uint16_t i = 0; i < 60; ++i) {
      const std::size_t size = 1 + std::size_t{i} * 1'237 % 30'000;
      ASSERT_TRUE(
          pipe.a.association.send(pipe.now, StreamId{static_cast<std::uint16_t>(i % 7)}, Ppid{51}, numbered(i, size)));
      sent += size;
    }
    for (int step = 0; step < 400; ++step) {
      std::size_t sum = 0;
      for (std::uint16_t id = 0; id < 7; ++id) sum += pipe.a.association.buffered_amount(StreamId{id});
      ASSERT_EQ(sum, pipe.a.association.total_buffered());
      ASSERT_EQ(sum + pipe.a.association.statistics().payload_bytes_sent, sent);
      pipe.run_for(1ms);
    }
    EXPECT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 60; }));
    EXPECT_EQ(pipe.a.association.total_buffered(), 0U);
  }
}

TEST(BackPressure, ASendBeyondTheQueueIsAnOperationErrorAndChangesNothing) {
  Options options;
  options.max_send_queue = 100'000;
  Pipe pipe(1, {}, options);
  while (pipe.a.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(1, 10'000))) {
  }
  const std::size_t buffered = pipe.a.association.total_buffered();
  EXPECT_GT(buffered, 80'000U);
  EXPECT_LE(buffered, 100'000U);
  const auto refused = pipe.a.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(1, 30'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::OperationError);
  EXPECT_EQ(pipe.a.association.total_buffered(), buffered);
  EXPECT_EQ(pipe.a.association.buffered_amount(StreamId{1}), buffered);
  ASSERT_TRUE(pipe.connect());
  EXPECT_TRUE(pipe.run([&] { return pipe.a.count<Writable>() == 1; }));
  EXPECT_TRUE(pipe.a.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(1, 30'000)));
}

TEST(BackPressure, WhatTheOwnerBoundsByItselfGoesInThoughTheQueueIsFull) {
  Options options;
  options.max_send_queue = 100'000;
  Pipe pipe(1, {}, options);
  Association& a = pipe.a.association;
  ASSERT_TRUE(a.send(pipe.now, StreamId{1}, Ppid{51}, numbered(1, 60'000)));
  ASSERT_FALSE(a.send(pipe.now, StreamId{2}, Ppid{51}, numbered(2, 60'000)));
  ASSERT_TRUE(a.send(pipe.now, StreamId{2}, Ppid{50}, numbered(2, 60'000), {.beyond_limit = true}));
  ASSERT_TRUE(a.send(pipe.now, StreamId{3}, Ppid{50}, numbered(3, 200'000), {.beyond_limit = true}));
  EXPECT_EQ(a.send_room(), 0U);
  EXPECT_EQ(a.send(pipe.now, StreamId{1}, Ppid{51}, numbered(4, 1'000)).error().name, ErrorName::OperationError);
  ASSERT_TRUE(pipe.connect());
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 3; }));
  EXPECT_EQ(pipe.a.count<Writable>(), 1U);
  EXPECT_EQ(a.send_room(), 100'000U);
}

TEST(BackPressure, ShutdownDeliversEveryMessageOfEveryStream) {
  for (const bool interleaving : {true, false}) {
    Options options;
    options.interleaving = interleaving;
    Pipe pipe(5, {.loss = 0.05, .delay = 5ms}, options, options);
    ASSERT_TRUE(pipe.connect());
    for (std::uint16_t i = 0; i < 40; ++i)
      ASSERT_TRUE(
          pipe.a.association.send(pipe.now, StreamId{i}, Ppid{51}, numbered(i, 20'000), {.unordered = i % 2 == 0}));
    pipe.a.association.shutdown(pipe.now);
    EXPECT_TRUE(pipe.run([&] { return pipe.a.count<Closed>() == 1 && pipe.b.count<Closed>() == 1; }));
    EXPECT_EQ(pipe.b.messages.size(), 40U);
  }
}

TEST(BackPressure, AReaderThatNeverReadsBoundsBothEnds) {
  Options options;
  options.max_message_size = 50'000;
  options.initial_receive_window = 100'000;
  options.receive_window = 200'000;
  options.max_send_queue = 300'000;
  Pipe pipe(1, {.delay = 5ms}, options, options);
  pipe.b.reading = false;
  ASSERT_TRUE(pipe.connect());
  const std::int64_t before = sim::live_bytes();
  for (int i = 0; i < 600; ++i) {
    for (std::uint16_t id = 0; id < 50; ++id)
      (void)pipe.a.association.send(pipe.now, StreamId{id}, Ppid{51}, numbered(id, 4'000));
    pipe.run_for(50ms);
  }
  EXPECT_LT(sim::live_bytes() - before, 2'000'000);
  EXPECT_EQ(pipe.b.association.statistics().receive_window, 0U);
  EXPECT_TRUE(pipe.a.association.state() == SctpTransportState::Connected) << "a closed window is no error";
}

TEST(BackPressure, ThousandsOfStreamsThatBeginAMessageAndNeverEndItAreBounded) {
  for (const bool interleaved : {true, false}) {
    Options options;
    options.interleaving = interleaved;
    options.max_message_size = 50'000;
    options.initial_receive_window = options.receive_window = 200'000;
    Wire wire(options);
    constexpr std::array extensions{std::byte{64}, std::byte{130}, std::byte{192}, std::byte{194}};
    ASSERT_TRUE(wire.request(
        Fields{}.u32(Wire::tag).u32(1'000'000).u16(65'535).u16(65'535).u32(Wire::initial).tlv(0x8008, extensions)));
    wire.send(ChunkType::CookieEcho, wire.cookie);
    wire.drain();
    const std::int64_t before = sim::live_bytes();
    for (std::uint32_t i = 0; i < 65'535; ++i) {
      const auto id = static_cast<std::uint16_t>(i);
      // A TSN in every second place, or DATA's fragments would contradict one another.
      if (interleaved)
        wire.packet(wire.local,
                    {{ChunkType::IData, 2, Fields{}.u32(Wire::initial + i).u16(id).u16(0).u32(0).u32(51).u8(1)}});
      else
        wire.data(Wire::initial + 2 * i, "x", 2, id);
      if (i % 64 == 0) {
        wire.drain();
        wire.sent.clear();
        wire.events.clear();
      }
    }
    wire.drain();
    EXPECT_LT(sim::live_bytes() - before, 2'000'000);
    EXPECT_TRUE(wire.connected());
  }
}

}  // namespace
}  // namespace linnet::sctp::testing
