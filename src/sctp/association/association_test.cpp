#include "sctp/association/association.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sctp/association/test_pipe.hpp"
#include "sctp/packet/chunk.hpp"

namespace linnet::sctp::testing {
namespace {

constexpr Ppid ppid{51};

void send(Pipe& pipe, Peer& from, std::uint16_t stream, std::uint32_t number, std::size_t size,
          SendOptions options = {}) {
  const auto result = from.association.send(pipe.now, StreamId{stream}, ppid, numbered(number, size), options);
  ASSERT_TRUE(result) << result.error().message;
}

ChunkType first_chunk(const std::vector<std::byte>& packet) { return static_cast<ChunkType>(packet[12]); }

TEST(Association, ConnectsWhenOneSideCalls) {
  Pipe pipe;
  pipe.a.association.connect(pipe.now);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Connected>() == 1 && pipe.b.count<Connected>() == 1; }, 1s));
  EXPECT_EQ(pipe.a.association.state(), SctpTransportState::Connected);
  EXPECT_EQ(pipe.a.association.outgoing_streams(), 65'535);
  EXPECT_EQ(pipe.b.association.incoming_streams(), 65'535);
}

TEST(Association, ConnectsWhenBothSidesCallAtOnce) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect(1s));
  EXPECT_EQ(pipe.a.count<Connected>(), 1U);
  send(pipe, pipe.a, 0, 1, 100);
  send(pipe, pipe.b, 0, 2, 100);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.messages.size() == 1 && pipe.b.messages.size() == 1; }, 1s));
}

TEST(Association, ConnectsThoughEachHandshakePacketIsLostOnce) {
  for (const bool both : {false, true})
    for (const ChunkType lost : {ChunkType::Init, ChunkType::InitAck, ChunkType::CookieEcho, ChunkType::CookieAck}) {
      Pipe pipe;
      int left = both ? 2 : 1;
      pipe.filter = [&](const Peer&, std::vector<std::byte>& packet) {
        return first_chunk(packet) != lost || left-- <= 0;
      };
      pipe.a.association.connect(pipe.now);
      if (both) pipe.b.association.connect(pipe.now);
      send(pipe, pipe.a, 3, 1, 5'000);
      send(pipe, pipe.b, 3, 2, 5'000);
      ASSERT_TRUE(pipe.run([&] { return pipe.a.messages.size() == 1 && pipe.b.messages.size() == 1; }, 10s))
          << static_cast<int>(lost) << both;
      EXPECT_EQ(pipe.a.count<Connected>(), 1U);
      EXPECT_EQ(pipe.b.count<Connected>(), 1U);
    }
}

TEST(Association, FailsWhenNobodyAnswers) {
  Pipe pipe;
  pipe.filter = [](const Peer&, std::vector<std::byte>&) { return false; };
  pipe.a.association.connect(pipe.now);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Failed>() == 1; }, 200s));
  EXPECT_EQ(pipe.a.association.state(), SctpTransportState::Closed);
  EXPECT_EQ(pipe.a.association.next_timeout(), never);
}

TEST(Association, DeliversMessagesOfEverySizeIntact) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  const std::size_t sizes[] = {1, 2, 3, 4, 1'150, 1'160, 1'163, 1'164, 1'165, 2'400, 65'535, 65'536, 262'144};
  std::uint32_t number = 0;
  for (const std::size_t size : sizes) send(pipe, pipe.a, 5, number++, size);
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == number; }));
  for (std::uint32_t i = 0; i < number; ++i) {
    EXPECT_EQ(pipe.b.messages[i].payload, numbered(i, sizes[i]));
    EXPECT_EQ(pipe.b.messages[i].stream, StreamId{5});
    EXPECT_EQ(pipe.b.messages[i].ppid, ppid);
  }
}

TEST(Association, DeliversEverythingInOrderThroughABadPath) {
  Options checked;
  checked.zero_checksum = false;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    const double loss = static_cast<double>(seed % 5) * 0.05;
    Pipe pipe(seed,
              {.loss = loss, .duplicate = 0.03, .corrupt = 0.02, .delay = 20ms, .jitter = seed % 2 == 0 ? 15ms : 0ms},
              checked, checked);
    ASSERT_TRUE(pipe.connect(200s));
    constexpr std::uint32_t count = 60;
    const auto size_of = [](std::uint32_t i) { return std::size_t{1} + (i * 7'919) % (i % 10 == 0 ? 60'000 : 3'000); };
    for (std::uint32_t i = 0; i < count; ++i) {
      send(pipe, pipe.a, static_cast<std::uint16_t>(i % 3), i, size_of(i), {.unordered = i % 3 == 2});
      send(pipe, pipe.b, static_cast<std::uint16_t>(i % 3), i, size_of(i));
    }
    ASSERT_TRUE(pipe.run([&] { return pipe.a.messages.size() == count && pipe.b.messages.size() == count; }, 600s))
        << pipe.a.messages.size() << " " << pipe.b.messages.size() << " " << pipe.a.count<Failed>();
    std::uint32_t next[3] = {0, 1, 2};
    for (const Message& message : pipe.a.messages) {
      std::uint32_t& n = next[message.stream.value()];
      ASSERT_EQ(message.payload, numbered(n, size_of(n)));
      n += 3;
    }
    std::uint32_t ordered[2] = {0, 1};
    std::size_t unordered = 0;
    for (const Message& message : pipe.b.messages) {
      if (message.unordered) {
        ++unordered;
        continue;
      }
      std::uint32_t& n = ordered[message.stream.value()];
      ASSERT_EQ(message.payload, numbered(n, size_of(n)));
      n += 3;
    }
    EXPECT_EQ(unordered, count / 3);
  }
}

TEST(Association, BufferedAmountCountsWhatWasNotYetSent) {
  Pipe pipe;
  send(pipe, pipe.a, 1, 1, 50'000);
  EXPECT_EQ(pipe.a.association.buffered_amount(StreamId{1}), 50'000U);
  pipe.a.association.set_buffered_amount_low_threshold(StreamId{1}, 10'000);
  ASSERT_TRUE(pipe.connect());
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 1; }));
  EXPECT_EQ(pipe.a.association.buffered_amount(StreamId{1}), 0U);
  EXPECT_EQ(pipe.a.count<BufferedAmountLow>(), 1U);
}

TEST(Association, RefusesWhatDoesNotFitAndSaysWhenThereIsRoom) {
  Options options;
  options.max_send_queue = 100'000;
  Pipe pipe(1, {}, options, options);
  ASSERT_TRUE(pipe.connect());
  send(pipe, pipe.a, 1, 1, 90'000);
  const auto refused = pipe.a.association.send(pipe.now, StreamId{1}, ppid, numbered(2, 20'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::OperationError);
  EXPECT_EQ(pipe.a.association.send(pipe.now, StreamId{1}, ppid, numbered(2, 100'001)).error().name,
            ErrorName::TypeError);
  EXPECT_EQ(pipe.a.association.send(pipe.now, StreamId{1}, ppid, {}).error().name, ErrorName::TypeError);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Writable>() == 1; }));
  send(pipe, pipe.a, 1, 2, 20'000);
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 2; }));
}

TEST(Association, SaysThatThereIsRoomOnlyWhenTheRefusedMessageFits) {
  // The queue is less than half full, and yet the message does not fit. Telling of room would be answered by the same
  // attempt, at once and for ever.
  Options options;
  options.max_send_queue = 100'000;
  Pipe pipe(1, {}, options, options);
  ASSERT_TRUE(pipe.connect());
  send(pipe, pipe.a, 1, 1, 40'000);
  ASSERT_FALSE(pipe.a.association.send(pipe.now, StreamId{1}, ppid, numbered(2, 90'000)));
  pipe.collect(pipe.a);
  EXPECT_EQ(pipe.a.count<Writable>(), 0U);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Writable>() == 1; }));
  send(pipe, pipe.a, 1, 2, 90'000);
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 2; }));
}

TEST(Association, TellsOfExpiredMessagesByATimeoutAndNotByAPollThatWroteNothing) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.run_for(5s);
  Association& a = pipe.a.association;
  send(pipe, pipe.a, 2, 1, 1'000, {.lifetime = 10ms});
  pipe.now += 20ms;
  a.handle_timeout(pipe.now);
  ASSERT_FALSE(a.poll_event());
  std::array<std::byte, 2'048> out;
  EXPECT_EQ(a.poll_packet(pipe.now, out), 0U);
  EXPECT_EQ(a.buffered_amount(StreamId{2}), 0U);
  EXPECT_FALSE(a.poll_event());
  EXPECT_LE(a.next_timeout(), pipe.now + 1ms);
  a.handle_timeout(a.next_timeout());
  const auto event = a.poll_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<BufferedAmountLow>(*event));
  EXPECT_GT(a.next_timeout(), pipe.now);
}

TEST(Association, AnIdleReaderClosesTheWindowAndReadingOpensItAgain) {
  Options small;
  small.max_message_size = 64 * 1024;
  small.receive_window = 128 * 1024;
  Pipe pipe(3, {}, {}, small);
  ASSERT_TRUE(pipe.connect());
  pipe.b.reading = false;
  for (std::uint32_t i = 0; i < 40; ++i) send(pipe, pipe.a, 1, i, 10'000);
  pipe.run_for(60s);
  EXPECT_LT(pipe.b.association.statistics().receive_window, 10'000U);
  EXPECT_GT(pipe.a.association.total_buffered(), 200'000U);
  EXPECT_EQ(pipe.a.count<Failed>(), 0U) << "a closed window is no dead path";
  pipe.b.reading = true;
  pipe.read(pipe.b, StreamId{1});
  ASSERT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 40; }, 30s));
  for (std::uint32_t i = 0; i < 40; ++i) EXPECT_EQ(pipe.b.messages[i].payload, numbered(i, 10'000));
}

TEST(Association, GivesUpMessagesWithoutRetransmissionsAndDeliversTheRest) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Pipe pipe(seed, {.loss = 0.1, .delay = 20ms});
    ASSERT_TRUE(pipe.connect(100s));
    constexpr std::uint32_t count = 200;
    for (std::uint32_t i = 0; i < count; ++i)
      send(pipe, pipe.a, static_cast<std::uint16_t>(i % 2), i, 1'000 + (i % 5) * 1'000,
           {.unordered = i % 2 == 1, .max_retransmits = std::uint16_t{0}});
    send(pipe, pipe.a, 0, count, 10'000);
    send(pipe, pipe.a, 7, count + 1, 10'000);
    ASSERT_TRUE(pipe.run(
        [&] {
          return !pipe.b.messages.empty() && pipe.b.messages.size() > 2 &&
                 pipe.a.association.statistics().unacked_chunks == 0 && pipe.a.association.total_buffered() == 0;
        },
        200s));
    EXPECT_GT(pipe.a.association.statistics().messages_abandoned, 0U);
    // One may be given up that arrived: its SACK was lost.
    EXPECT_GE(pipe.b.messages.size() + pipe.a.association.statistics().messages_abandoned, count + 2);
    std::uint32_t last = 0;
    bool reliable = false;
    for (const Message& message : pipe.b.messages) {
      if (message.payload == numbered(count, 10'000)) reliable = true;
      if (message.stream != StreamId{0} || reliable) continue;
      for (; last < count; last += 2)
        if (message.payload == numbered(last, 1'000 + (last % 5) * 1'000)) break;
      ASSERT_LT(last, count) << "out of order or damaged";
    }
    EXPECT_TRUE(reliable);
  }
}

TEST(Association, LostForwardTsnsCostNoMoreThanLostData) {
  // Once each of them waited for a timeout that had doubled again.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Pipe pipe(seed, {.delay = 1ms});
    ASSERT_TRUE(pipe.connect());
    SeededGenerator path{seed + 100};
    pipe.filter = [&](const Peer& from, std::vector<std::byte>&) { return &from != &pipe.a || path.below(7) != 0; };
    for (std::uint32_t i = 0; i < 100; ++i) {
      send(pipe, pipe.a, 1, i, 5'000);
      send(pipe, pipe.a, 2, i, 3'000, {.max_retransmits = std::uint16_t{0}});
    }
    ASSERT_TRUE(pipe.run([&] { return pipe.a.association.statistics().unacked_chunks == 0; }, 6s));
    EXPECT_GT(pipe.a.association.statistics().messages_abandoned, 10U);
    EXPECT_EQ(std::ranges::count_if(pipe.b.messages, [](const Message& m) { return m.stream == StreamId{1}; }), 100);
  }
}

TEST(Association, ForgetsMessagesWhoseLifetimeEnded) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  bool open = false;
  pipe.filter = [&](const Peer& from, std::vector<std::byte>&) { return open || &from != &pipe.a; };
  send(pipe, pipe.a, 1, 1, 100'000, {.lifetime = 100ms});
  pipe.run_for(200ms);
  open = true;
  send(pipe, pipe.a, 1, 2, 3'000);
  ASSERT_TRUE(pipe.run([&] { return !pipe.b.messages.empty(); }));
  EXPECT_EQ(pipe.b.messages[0].payload, numbered(2, 3'000));
  EXPECT_EQ(pipe.a.association.statistics().messages_abandoned, 1U);
  EXPECT_EQ(pipe.a.association.buffered_amount(StreamId{1}), 0U);
}

TEST(Association, ResetsAStreamAfterItsDataAndUsesItAgain) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Pipe pipe(seed, {.loss = seed == 1 ? 0 : 0.1, .delay = 20ms, .jitter = 5ms});
    ASSERT_TRUE(pipe.connect(100s));
    const StreamId streams[] = {StreamId{4}, StreamId{6}};
    for (std::uint32_t round = 0; round < 3; ++round) {
      const std::size_t before = pipe.b.messages.size();
      for (std::uint32_t i = 0; i < 10; ++i) send(pipe, pipe.a, i % 2 == 0 ? 4 : 6, round * 100 + i, 5'000);
      ASSERT_TRUE(pipe.a.association.reset_streams(pipe.now, streams));
      EXPECT_FALSE(pipe.a.association.send(pipe.now, StreamId{4}, ppid, numbered(0, 10)));
      ASSERT_TRUE(pipe.run(
          [&] {
            std::size_t gone = 0;
            for (const Event& event : pipe.a.events)
              if (const auto* reset = std::get_if<OutgoingStreamsReset>(&event)) gone += reset->streams.size();
            return gone == 2 * (round + 1);
          },
          100s));
      EXPECT_EQ(pipe.b.messages.size() - before, 10U) << "everything sent before the reset arrives";
    }
    EXPECT_GE(pipe.b.count<IncomingStreamsReset>(), 3U);
  }
}

TEST(Association, ShutdownDeliversEverythingFirst) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Pipe pipe(seed, {.loss = seed == 1 ? 0 : 0.1, .delay = 20ms});
    ASSERT_TRUE(pipe.connect(100s));
    for (std::uint32_t i = 0; i < 20; ++i) send(pipe, pipe.a, 1, i, 20'000);
    pipe.a.association.shutdown(pipe.now);
    EXPECT_FALSE(pipe.a.association.send(pipe.now, StreamId{1}, ppid, numbered(0, 10)));
    ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Closed>() == 1 && pipe.b.count<Closed>() == 1; }, 200s));
    EXPECT_EQ(pipe.b.messages.size(), 20U);
    EXPECT_EQ(pipe.a.association.next_timeout(), never);
    EXPECT_EQ(pipe.b.association.next_timeout(), never);
  }
}

TEST(Association, ShutdownFromBothSidesCloses) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.a.association.shutdown(pipe.now);
  pipe.b.association.shutdown(pipe.now);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Closed>() == 1 && pipe.b.count<Closed>() == 1; }, 10s));
}

TEST(Association, AbortTellsThePeerWhyAndIsSilentAfterwards) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.a.association.abort(pipe.now, "enough");
  ASSERT_TRUE(pipe.run([&] { return pipe.b.count<Failed>() == 1; }, 1s));
  const Error& error = pipe.b.last<Failed>()->error;
  EXPECT_EQ(error.detail, ErrorDetail::SctpFailure);
  EXPECT_EQ(error.sctp_cause_code, 12U);
  EXPECT_NE(error.message.find("enough"), std::string::npos);
  EXPECT_EQ(pipe.a.count<Failed>(), 0U);
  std::array<std::byte, 2'048> out;
  EXPECT_EQ(pipe.a.association.poll_packet(pipe.now, out), 0U);
  EXPECT_EQ(pipe.a.association.next_timeout(), never);
}

TEST(Association, FailsWhenThePeerVanishesWhileIdle) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.run_for(100s);
  EXPECT_EQ(pipe.a.count<Failed>(), 0U) << "heartbeats are answered";
  pipe.filter = [](const Peer&, std::vector<std::byte>&) { return false; };
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Failed>() == 1 && pipe.b.count<Failed>() == 1; }, 1'000s));
}

TEST(Association, FailsWhenThePeerVanishesWhileSending) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.filter = [](const Peer&, std::vector<std::byte>&) { return false; };
  send(pipe, pipe.a, 1, 1, 1'000);
  ASSERT_TRUE(pipe.run([&] { return pipe.a.count<Failed>() == 1; }, 200s));
}

TEST(Association, DropsPacketsWithAWrongTagOrChecksum) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  pipe.run_for(1s);
  std::array<std::byte, 16> shutdown_complete{};
  store_be(shutdown_complete.data(), std::uint16_t{5000});
  store_be(shutdown_complete.data() + 2, std::uint16_t{5000});
  pipe.a.association.handle_packet(pipe.now, shutdown_complete);
  EXPECT_EQ(pipe.a.association.statistics().packets_dropped, 1U);
  EXPECT_EQ(pipe.a.association.state(), SctpTransportState::Connected);
}

TEST(Association, FailsWhenItsCarrierIsClosedBeforeTheShutdown) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  send(pipe, pipe.b, 1, 1, 100);
  ASSERT_TRUE(pipe.run([&] { return !pipe.a.messages.empty(); }));
  pipe.a.association.carrier_closed(pipe.now);
  pipe.collect(pipe.a);
  EXPECT_EQ(pipe.a.count<Failed>(), 1U);
  EXPECT_EQ(pipe.a.count<Closed>(), 0U);
  EXPECT_EQ(pipe.a.association.state(), SctpTransportState::Closed);
  EXPECT_EQ(pipe.a.association.next_timeout(), never);
}

TEST(Association, IsClosedWhenItsCarrierIsClosedInsteadOfTheLastWordOfTheShutdown) {
  Pipe pipe;
  ASSERT_TRUE(pipe.connect());
  bool shut = false;
  pipe.filter = [&](const Peer& from, std::vector<std::byte>& packet) {
    const bool complete = &from == &pipe.b && packet.size() > 12 && packet[12] == std::byte{14};
    shut = shut || complete;
    return !complete;
  };
  pipe.b.association.shutdown(pipe.now);
  ASSERT_TRUE(pipe.run([&] { return shut; }));
  pipe.a.association.carrier_closed(pipe.now);
  pipe.collect(pipe.a);
  EXPECT_EQ(pipe.a.count<Closed>(), 1U);
  EXPECT_EQ(pipe.a.count<Failed>(), 0U);
}

}  // namespace
}  // namespace linnet::sctp::testing
