// RFC 9653: packets without a checksum, as both ends agree on them.
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

#include "sctp/association/test_pipe.hpp"
#include "sctp/association/test_wire.hpp"

namespace linnet::sctp::testing {
namespace {

const Bytes by_dtls = Fields{}.u32(1);

/// The parameter's value in an INIT's or INIT-ACK's; nothing when it is not there.
std::optional<Bytes> offered(const WireChunk* init) {
  if (init == nullptr) return std::nullopt;
  TlvReader parameters(std::span<const std::byte>(init->value).subspan(16));
  while (const auto parameter = parameters.next())
    if (parameter->type == 0x8001) return Bytes(parameter->value.begin(), parameter->value.end());
  return std::nullopt;
}

bool all(const std::vector<Checksum>& checksums, Checksum wanted) {
  return !checksums.empty() && std::ranges::count(checksums, wanted) == std::ssize(checksums);
}

bool has_no_checksum(std::span<const std::byte> packet) {
  return !checksum_matches(packet) && checksum_is_zero(packet);
}

TEST(ZeroChecksum, IsOfferedInTheInitAndAnsweredToAPeerThatOffersIt) {
  Wire wire;
  wire.association.connect(wire.now);
  wire.answer();
  EXPECT_EQ(offered(wire.find(ChunkType::Init)), by_dtls);
  ASSERT_TRUE(wire.request(Wire::init().tlv(0x8001, by_dtls)));
  EXPECT_EQ(offered(wire.find(ChunkType::InitAck)), by_dtls);
  EXPECT_TRUE(all(wire.checksums, Checksum::Crc32c)) << "neither INIT nor INIT-ACK goes without";
}

TEST(ZeroChecksum, IsNotOfferedToAPeerThatDoesNot) {
  Wire wire;
  ASSERT_TRUE(wire.request());
  EXPECT_EQ(offered(wire.find(ChunkType::InitAck)), std::nullopt);
  wire.send(ChunkType::CookieEcho, wire.cookie);
  EXPECT_TRUE(all((wire.answer(), wire.checksums), Checksum::Crc32c));
  const auto dropped = wire.association.statistics().packets_dropped;
  wire.packet(wire.local, {Wire::data_chunk(Wire::initial)}, Checksum::Zero);
  EXPECT_EQ(wire.association.statistics().packets_dropped, dropped + 1);
}

TEST(ZeroChecksum, PacketsGoWithoutOnceThePeerTakesThem) {
  Wire wire;
  ASSERT_TRUE(wire.request(Wire::init().tlv(0x8001, by_dtls)));
  wire.send(ChunkType::CookieEcho, wire.cookie);
  EXPECT_TRUE(all((wire.answer(), wire.checksums), Checksum::Zero)) << "COOKIE-ACK";
  wire.packet(wire.local, {Wire::data_chunk(Wire::initial)}, Checksum::Zero);
  wire.packet(wire.local, {Wire::data_chunk(Wire::initial + 1, "y", 3, 1, 1)}, Checksum::Crc32c);
  EXPECT_TRUE(all((wire.answer(), wire.checksums), Checksum::Zero)) << "SACK";
  EXPECT_EQ(wire.association.statistics().messages_received, 2U);
}

TEST(ZeroChecksum, AWrongChecksumIsStillWrong) {
  Wire wire;
  ASSERT_TRUE(wire.request(Wire::init().tlv(0x8001, by_dtls)));
  std::array<std::byte, 64> out;
  PacketWriter writer(out, {.source_port = 5'000, .destination_port = 5'000, .verification_tag = wire.local});
  writer.chunk(ChunkType::CookieAck, 0, {});
  const std::size_t size = writer.finish();
  out[9] ^= std::byte{1};
  wire.association.handle_packet(wire.now, std::span<const std::byte>(out).first(size));
  EXPECT_EQ(wire.association.statistics().packets_dropped, 1U);
}

TEST(ZeroChecksum, AnInitOrACookieEchoWithoutAChecksumIsDropped) {
  Wire wire;
  ASSERT_TRUE(wire.request(Wire::init().tlv(0x8001, by_dtls)));
  wire.packet(wire.local, {{ChunkType::CookieEcho, 0, wire.cookie}}, Checksum::Zero);
  wire.packet(0, {{ChunkType::Init, 0, Wire::init()}}, Checksum::Zero);
  EXPECT_EQ(wire.answer().size(), 0U);
  EXPECT_EQ(wire.association.statistics().packets_dropped, 2U);
}

TEST(ZeroChecksum, AnotherMethodOrAHalfOneIsNoOffer) {
  for (const Bytes& value : {Bytes(Fields{}.u32(2)), Bytes(Fields{}.u32(0)), Bytes(Fields{}.u16(1)), Bytes{}}) {
    Wire wire;
    ASSERT_TRUE(wire.request(Wire::init().tlv(0x8001, value)));
    EXPECT_EQ(offered(wire.find(ChunkType::InitAck)), std::nullopt);
    wire.send(ChunkType::CookieEcho, wire.cookie);
    EXPECT_TRUE(all((wire.answer(), wire.checksums), Checksum::Crc32c));
  }
}

TEST(ZeroChecksum, AnInitSentAgainNoLongerOffersIt) {
  Wire wire;
  wire.association.connect(wire.now);
  wire.answer();
  EXPECT_TRUE(offered(wire.find(ChunkType::Init)));
  wire.sent.clear();
  wire.pass(1s);
  ASSERT_NE(wire.find(ChunkType::Init), nullptr) << "for a peer that drops what it does not know";
  EXPECT_FALSE(offered(wire.find(ChunkType::Init)));
}

TEST(ZeroChecksum, BothEndsUseItUnlessOneIsToldNotTo) {
  for (const int off : {0, 1, 2, 3}) {
    SCOPED_TRACE(off);
    Options a;
    Options b;
    a.zero_checksum = (off & 1) == 0;
    b.zero_checksum = (off & 2) == 0;
    Pipe pipe(1, {}, a, b);
    std::size_t without = 0;
    std::size_t echoes = 0;
    pipe.filter = [&](const Peer&, std::vector<std::byte>& packet) {
      const auto first = static_cast<ChunkType>(packet[common_header_size]);
      if (first == ChunkType::Init || first == ChunkType::InitAck || first == ChunkType::CookieEcho) {
        ++echoes;
        EXPECT_TRUE(checksum_matches(packet));
      }
      without += has_no_checksum(packet) ? 1U : 0U;
      return true;
    };
    ASSERT_TRUE(pipe.connect());
    EXPECT_TRUE(pipe.a.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(1, 20'000)));
    EXPECT_TRUE(pipe.b.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(2, 20'000)));
    EXPECT_TRUE(pipe.run([&] { return pipe.a.messages.size() == 1 && pipe.b.messages.size() == 1; }));
    EXPECT_GE(echoes, 6U);
    if (off == 0)
      EXPECT_GT(without, 36U);
    else
      EXPECT_EQ(without, 0U);
  }
}

}  // namespace
}  // namespace linnet::sctp::testing
