// draft-hancke-tsvwg-snap: an association that begins from two INITs, without a handshake.
#include <gtest/gtest.h>

#include <algorithm>

#include "sctp/association/init_chunk.hpp"
#include "sctp/association/test_pipe.hpp"
#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

/// Both ends of a pipe begin from INITs made with their options.
struct Snap {
  explicit Snap(Faults faults = {}, Options options_a = {}, Options options_b = {}, std::uint64_t seed = 1)
      : pipe(seed, faults, options_a, options_b),
        init_a(make_init(options_a, generator)),
        init_b(make_init(options_b, generator)) {}
  Result<> start_a() { return pipe.a.association.connect(pipe.now, {.local = init_a, .peer = init_b}); }
  Result<> start_b() { return pipe.b.association.connect(pipe.now, {.local = init_b, .peer = init_a}); }
  void start() {
    EXPECT_TRUE(start_a());
    EXPECT_TRUE(start_b());
  }
  Result<> send(Peer& from, std::uint32_t number, std::size_t size = 100) {
    return from.association.send(pipe.now, StreamId{1}, Ppid{53}, numbered(number, size));
  }

  SeededGenerator generator{99};
  Pipe pipe;
  Bytes init_a;
  Bytes init_b;
};

Bytes made(const Options& options = {}) {
  SeededGenerator generator{5};
  return make_init(options, generator);
}

/// The test's own INIT, as a chunk.
Bytes as_chunk(const Bytes& value) {
  return Fields{}.u8(1).u8(0).u16(static_cast<std::uint16_t>(4 + value.size())).raw(value);
}

TEST(Snap, BothAreConnectedAtOnceAndSendNothingForIt) {
  Snap snap;
  snap.start();
  snap.pipe.pump();
  EXPECT_EQ(snap.pipe.sent, 0U);
  for (const Peer* peer : {&snap.pipe.a, &snap.pipe.b}) {
    EXPECT_EQ(peer->association.state(), SctpTransportState::Connected);
    ASSERT_EQ(peer->count<Connected>(), 1U);
    EXPECT_EQ(peer->last<Connected>()->outgoing_streams, 65'535);
    EXPECT_EQ(peer->association.outgoing_streams(), 65'535);
    EXPECT_TRUE(peer->association.interleaving());
  }
}

TEST(Snap, TheFirstPacketOfEachEndBearsData) {
  Snap snap;
  ASSERT_TRUE(snap.send(snap.pipe.a, 1)) << "queued before";
  snap.start();
  ASSERT_TRUE(snap.send(snap.pipe.b, 2));
  const TimePoint begun = snap.pipe.now;
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.a.messages.size() == 1 && snap.pipe.b.messages.size() == 1; }));
  EXPECT_EQ(snap.pipe.now - begun, snap.pipe.faults.delay) << "half a round trip";
  EXPECT_EQ(snap.pipe.b.messages.front().payload, numbered(1, 100));
}

TEST(Snap, ALostFirstPacketIsSentAgain) {
  Snap snap;
  snap.start();
  bool lost = false;
  snap.pipe.filter = [&](const Peer& from, Bytes&) { return &from != &snap.pipe.a || std::exchange(lost, true); };
  ASSERT_TRUE(snap.send(snap.pipe.a, 1));
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.b.messages.size() == 1; }, 5s));
  EXPECT_EQ(snap.pipe.b.messages.front().payload, numbered(1, 100));
}

TEST(Snap, EverythingArrivesThroughLossAndReordering) {
  Snap snap({.loss = 0.1, .duplicate = 0.05, .jitter = 20ms});
  snap.start();
  for (std::uint32_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(snap.send(snap.pipe.a, i, 1'000 + i));
    ASSERT_TRUE(snap.send(snap.pipe.b, i, 500));
  }
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.a.messages.size() == 200 && snap.pipe.b.messages.size() == 200; }));
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(snap.pipe.b.messages[i].payload, numbered(i, 1'000 + i));
}

TEST(Snap, WhatCameBeforeTheStartIsDroppedAndComesAgain) {
  Snap snap;
  ASSERT_TRUE(snap.start_b());
  ASSERT_TRUE(snap.send(snap.pipe.b, 1));
  snap.pipe.run_for(50ms);
  EXPECT_EQ(snap.pipe.a.association.statistics().packets_dropped, 1U);
  EXPECT_EQ(snap.pipe.sent, 1U) << "no ABORT for a packet that is early";
  ASSERT_TRUE(snap.start_a());
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.a.messages.size() == 1; }, 5s));
}

TEST(Snap, ShutsDownLikeAnyOther) {
  Snap snap;
  snap.start();
  ASSERT_TRUE(snap.send(snap.pipe.a, 1, 50'000));
  snap.pipe.a.association.shutdown(snap.pipe.now);
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.a.count<Closed>() == 1 && snap.pipe.b.count<Closed>() == 1; }));
  EXPECT_EQ(snap.pipe.b.messages.size(), 1U);
}

TEST(Snap, ExtensionsAreAgreedOnAsByAHandshake) {
  for (const bool wanted : {true, false}) {
    Options other;
    other.interleaving = wanted;
    other.zero_checksum = wanted;
    other.streams = wanted ? 65'535 : 7;
    Snap snap({}, {}, other);
    std::size_t unchecked = 0;
    snap.pipe.filter = [&](const Peer&, Bytes& packet) {
      unchecked += checksum_is_zero(packet) ? 1U : 0U;
      return true;
    };
    snap.start();
    for (Peer* peer : {&snap.pipe.a, &snap.pipe.b}) ASSERT_TRUE(snap.send(*peer, 1));
    ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.a.messages.size() == 1 && snap.pipe.b.messages.size() == 1; }));
    EXPECT_EQ(unchecked != 0, wanted);
    EXPECT_EQ(snap.pipe.a.association.interleaving(), wanted);
    EXPECT_EQ(snap.pipe.b.association.interleaving(), wanted);
    EXPECT_EQ(snap.pipe.a.association.outgoing_streams(), other.streams);
    EXPECT_EQ(snap.pipe.b.association.incoming_streams(), other.streams);
    const std::array streams{StreamId{1}};
    EXPECT_TRUE(snap.pipe.a.association.reset_streams(snap.pipe.now, streams));
    EXPECT_TRUE(snap.pipe.run([&] { return snap.pipe.a.count<OutgoingStreamsReset>() == 1; }));
    EXPECT_EQ(snap.pipe.b.count<IncomingStreamsReset>(), 1U);
  }
}

TEST(Snap, PacketsGrowToWhatAPeerOfOursReads) {
  Options options;
  options.max_mtu = 9'000;
  Snap snap({}, options, options);
  snap.start();
  ASSERT_TRUE(snap.send(snap.pipe.a, 1, 200'000));
  ASSERT_TRUE(snap.pipe.run([&] { return snap.pipe.b.messages.size() == 1; }));
  snap.pipe.run_for(1s);
  EXPECT_GT(snap.pipe.a.association.statistics().mtu, usual_packet_size);
}

TEST(Snap, ThePeersWindowBindsFromTheFirstPacketOn) {
  Wire wire;
  const Bytes local = made();
  const Bytes peer = as_chunk(Wire::init(Wire::tag, 1'500));
  ASSERT_TRUE(wire.association.connect(wire.now, {.local = local, .peer = peer}));
  ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, Ppid{53}, Bytes(20'000)));
  wire.drain();
  EXPECT_EQ(wire.count(ChunkType::Data), 1U);
  EXPECT_EQ(wire.last_tag, Wire::tag);
  EXPECT_EQ(load_be<std::uint32_t>(wire.find(ChunkType::Data)->value.data()), load_be<std::uint32_t>(&local[16]));
}

TEST(Snap, ARoundTripThatIsKnownSetsTheTimers) {
  Snap snap;
  ASSERT_TRUE(snap.pipe.a.association.connect(snap.pipe.now,
                                              {.local = snap.init_a, .peer = snap.init_b, .round_trip_time = 20ms}));
  EXPECT_EQ(snap.pipe.a.association.statistics().smoothed_round_trip_time, 20ms);
  EXPECT_LT(snap.pipe.a.association.statistics().retransmission_timeout, Options{}.rto_initial);
}

TEST(Snap, APeerThatStartsAHandshakeAllTheSameEndsInABoundedTime) {
  Snap snap;
  ASSERT_TRUE(snap.start_a());
  snap.pipe.b.association.connect(snap.pipe.now);
  ASSERT_TRUE(snap.send(snap.pipe.a, 1));
  EXPECT_TRUE(snap.pipe.run([&] { return snap.pipe.a.count<Failed>() == 1; }, 120s));
}

TEST(Snap, BeginsOnlyOnce) {
  Snap snap;
  snap.start();
  const auto again = snap.start_a();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().name, ErrorName::InvalidStateError);
  Snap other;
  other.pipe.a.association.connect(other.pipe.now);
  EXPECT_FALSE(other.start_a());
}

TEST(Snap, ABadInitIsRefusedAndTheHandshakeStillWorks) {
  Snap snap;
  const Bytes bad = as_chunk(Wire::init(0));
  const auto refused = snap.pipe.a.association.connect(snap.pipe.now, {.local = snap.init_a, .peer = bad});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::TypeError);
  EXPECT_FALSE(snap.pipe.a.association.connect(snap.pipe.now, {.local = bad, .peer = snap.init_b}));
  EXPECT_TRUE(snap.pipe.connect());
}

TEST(SnapInit, OursIsAcceptableAndEachIsNew) {
  SeededGenerator generator{5};
  const Bytes first = make_init({}, generator);
  const Bytes second = make_init({}, generator);
  EXPECT_TRUE(is_acceptable_init(first));
  EXPECT_NE(first, second);
  Options all;
  all.ecn = true;
  all.interleaving = false;
  all.streams = 0;
  EXPECT_TRUE(is_acceptable_init(make_init(all, generator)));
}

TEST(SnapInit, IsWhatAnInitOnTheWireWouldBe) {
  Options options;
  options.ecn = true;
  Wire wire(options);
  wire.association.connect(wire.now);
  wire.drain();
  const Bytes on_wire = wire.find(ChunkType::Init)->value;
  Bytes init = made(options);
  init.erase(init.begin(), init.begin() + 4);
  ASSERT_EQ(init.size(), on_wire.size());
  std::copy_n(on_wire.begin(), 4, init.begin());            // the tag
  std::copy_n(on_wire.begin() + 12, 4, init.begin() + 12);  // the first TSN
  EXPECT_EQ(init, on_wire);
}

TEST(SnapInit, TheDraftsExampleIsAcceptable) {
  const Bytes example = Fields{}
                            .u8(1)
                            .u8(0)
                            .u16(30)
                            .u32(0x896c'dd1d)
                            .u32(0x0050'0000)
                            .u16(65'535)
                            .u16(65'535)
                            .u32(0xe079'651d)
                            .u32(0xc000'0004)
                            .u16(0x8008)
                            .u16(6)
                            .u8(0x82)
                            .u8(0xc0);
  ASSERT_EQ(example.size(), 30U);
  EXPECT_TRUE(is_acceptable_init(example)) << "without padding";
  Bytes padded_example = example;
  padded_example.resize(32);
  EXPECT_TRUE(is_acceptable_init(padded_example));
  padded_example.resize(36);
  EXPECT_FALSE(is_acceptable_init(padded_example));
}

TEST(SnapInit, EveryTruncationIsRefused) {
  const Bytes good = made();
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(is_acceptable_init(std::span{good}.first(size))) << size;
}

TEST(SnapInit, WhatNoPeerCouldBeAnsweredIsRefused) {
  EXPECT_TRUE(is_acceptable_init(as_chunk(Wire::init())));
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init(0)))) << "no tag";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init(Wire::tag, 0)))) << "no window";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init(Wire::tag, 1'499)))) << "RFC 9260 section 3.3.2";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init(Wire::tag, 1'500, 0)))) << "no outbound streams";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init(Wire::tag, 1'500, 1, 0)))) << "no inbound streams";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init().u16(0xC000).u16(3)))) << "a parameter too short";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init().u16(0xC000).u16(40)))) << "a parameter too long";
  EXPECT_FALSE(is_acceptable_init(as_chunk(Wire::init().tlv(11, as_bytes("host"))))) << "a host name";
  EXPECT_TRUE(is_acceptable_init(as_chunk(Wire::init().tlv(0xC123, Bytes{})))) << "an unknown one is skipped";
  Bytes ack = as_chunk(Wire::init());
  ack[0] = std::byte{2};
  EXPECT_FALSE(is_acceptable_init(ack)) << "an INIT-ACK";
}

}  // namespace
}  // namespace linnet::sctp::testing
