// Data bundled with the handshake (RFC 9260 section 5.1): how many round trips until the first message arrives.
#include <gtest/gtest.h>

#include <algorithm>

#include "sctp/association/test_pipe.hpp"
#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

constexpr Duration one_way = 10ms;

/// From the first INIT until B has A's first message, which is given to A at once.
Duration first_message(bool both_begin, Options options = {}, std::size_t size = 100) {
  Pipe pipe(1, {.delay = one_way}, options, options);
  const TimePoint begin = pipe.now;
  pipe.a.association.connect(pipe.now);
  if (both_begin) pipe.b.association.connect(pipe.now);
  EXPECT_TRUE(pipe.a.association.send(pipe.now, StreamId{0}, Ppid{50}, numbered(1, size)));
  EXPECT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 1; }));
  EXPECT_EQ(pipe.b.messages.at(0).payload, numbered(1, size));
  EXPECT_EQ(pipe.a.association.statistics().chunks_retransmitted, 0U);
  return pipe.now - begin;
}

TEST(RoundTrips, TheFirstMessageTravelsWithTheCookie) {
  EXPECT_EQ(first_message(true), 3 * one_way) << "INIT, INIT-ACK, COOKIE-ECHO with it: one and a half round trips";
  EXPECT_EQ(first_message(false), 3 * one_way) << "no more when only one side begins";
  Options plain;
  plain.interleaving = plain.zero_checksum = false;
  EXPECT_EQ(first_message(true, plain), 3 * one_way);
}

TEST(RoundTrips, WhatDoesNotFitBehindTheCookieFollowsTheAcknowledgement) {
  EXPECT_LE(first_message(true, {}, 5'000), 4 * one_way);
  EXPECT_EQ(first_message(false, {}, 5'000), 5 * one_way);
}

TEST(RoundTrips, BothSidesStandAfterOneAndAHalfWhenBothBegin) {
  Pipe pipe(1, {.delay = one_way});
  const TimePoint begin = pipe.now;
  ASSERT_TRUE(pipe.connect());
  EXPECT_EQ(pipe.now - begin, 3 * one_way);
  EXPECT_EQ(pipe.a.count<PeerAnswered>(), 1U);
  EXPECT_TRUE(std::holds_alternative<PeerAnswered>(pipe.a.events.front()));
}

/// An INIT-ACK of the test's own.
Bytes init_ack(const Bytes& cookie, std::uint32_t tag = Wire::tag) {
  return Fields{}.raw(Bytes(Wire::init(tag))).tlv(7, cookie);
}

struct Bundled : ::testing::Test {
  Wire wire;
  const Bytes cookie = Bytes(40, std::byte{9});

  void SetUp() override {
    wire.association.connect(wire.now);
    wire.answer();
    const WireChunk* init = wire.find(ChunkType::Init);
    ASSERT_NE(init, nullptr);
    wire.local = load_be<std::uint32_t>(init->value.data());
    wire.first_tsn = load_be<std::uint32_t>(init->value.data() + 12);
    ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, Ppid{51}, numbered(1, 200)));
    wire.send(ChunkType::InitAck, init_ack(cookie));
  }
};

TEST_F(Bundled, TheCookieComesFirstAndOnlyOnePacketLeavesBeforeItsAcknowledgement) {
  ASSERT_TRUE(wire.association.send(wire.now, StreamId{1}, Ppid{51}, numbered(2, 20'000)));
  wire.packets = 0;
  wire.answer();
  ASSERT_GE(wire.sent.size(), 2U);
  EXPECT_EQ(wire.sent[0].type, ChunkType::CookieEcho);
  EXPECT_EQ(wire.sent[0].value, cookie);
  EXPECT_EQ(wire.sent[1].type, ChunkType::Data);
  EXPECT_EQ(wire.packets, 1U);
  EXPECT_EQ(wire.count<PeerAnswered>(), 1U);
  EXPECT_EQ(wire.count<Connected>(), 0U);
  wire.packet(wire.local, {{ChunkType::CookieAck, 0, {}},
                           {ChunkType::Sack, 0, Fields{}.u32(wire.first_tsn).u32(1'000'000).u16(0).u16(0)}});
  wire.answer();
  EXPECT_EQ(wire.count<Connected>(), 1U);
  EXPECT_GT(wire.count(ChunkType::Data), 5U);
}

TEST_F(Bundled, ALostCookieTakesItsDataWithItAndBothAreSentAgain) {
  wire.answer();
  for (int i = 0; i < 3; ++i) {
    wire.sent.clear();
    wire.now = wire.association.next_timeout();
    wire.association.handle_timeout(wire.now);
    wire.drain();
    ASSERT_EQ(wire.sent.size(), 2U);
    EXPECT_EQ(wire.sent[0].type, ChunkType::CookieEcho);
    EXPECT_EQ(wire.sent[1].type, ChunkType::Data);
    EXPECT_EQ(load_be<std::uint32_t>(wire.sent[1].value.data()), wire.first_tsn);
  }
  EXPECT_EQ(wire.association.statistics().timeouts, 0U) << "T1-cookie, not T3-rtx";
}

TEST_F(Bundled, OnceConnectedDataIsRetransmittedByItself) {
  wire.answer();
  wire.send(ChunkType::CookieAck);
  wire.sent.clear();
  wire.pass(3s);
  EXPECT_EQ(wire.count(ChunkType::CookieEcho), 0U);
  EXPECT_GE(wire.count(ChunkType::Data), 1U);
}

TEST_F(Bundled, DataSentWithAStaleCookieGoesWithTheNextOne) {
  wire.answer();
  wire.send(ChunkType::Error, Fields{}.tlv(3, Fields{}.u32(0)));
  wire.answer();
  ASSERT_NE(wire.find(ChunkType::Init), nullptr);
  EXPECT_EQ(wire.count(ChunkType::Data), 0U);
  const Bytes fresh(50, std::byte{8});
  wire.send(ChunkType::InitAck, init_ack(fresh, 0xABCD'0123));
  wire.answer();
  ASSERT_EQ(wire.sent.size(), 2U);
  EXPECT_EQ(wire.sent[0].value, fresh);
  EXPECT_EQ(load_be<std::uint32_t>(wire.sent[1].value.data()), wire.first_tsn);
  EXPECT_EQ(wire.last_tag, 0xABCD'0123U);
  wire.send(ChunkType::CookieAck);
  wire.sack(wire.first_tsn);
  wire.drain();
  EXPECT_EQ(wire.association.statistics().unacked_chunks, 0U);
  EXPECT_TRUE(wire.connected());
}

TEST_F(Bundled, AnotherTagInThePeersOwnHandshakeKeepsTheData) {
  wire.answer();
  ASSERT_TRUE(wire.request(Wire::init(0x0F0F'0F0F)));
  wire.send(ChunkType::CookieEcho, wire.cookie);
  wire.answer();
  EXPECT_EQ(wire.last_tag, 0x0F0F'0F0FU);
  EXPECT_EQ(wire.count<Connected>(), 1U);
  ASSERT_NE(wire.find(ChunkType::Data), nullptr) << "nobody has it yet";
  EXPECT_EQ(load_be<std::uint32_t>(wire.find(ChunkType::Data)->value.data()), wire.first_tsn);
}

TEST_F(Bundled, APeerThatChangesWhatWasAgreedWithDataUnderWayIsAborted) {
  wire.answer();
  constexpr std::array extensions{std::byte{64}, std::byte{192}, std::byte{194}};
  ASSERT_TRUE(wire.request(Fields{}.u32(7).u32(1'000'000).u16(9).u16(9).u32(1).tlv(0x8008, extensions)));
  wire.send(ChunkType::CookieEcho, wire.cookie);
  wire.drain();
  EXPECT_EQ(wire.count<Failed>(), 1U);
}

}  // namespace
}  // namespace linnet::sctp::testing
