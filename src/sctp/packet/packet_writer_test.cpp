#include "sctp/packet/packet_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace linnet::sctp {
namespace {

constexpr CommonHeader header{.source_port = 1, .destination_port = 2, .verification_tag = 3};

TEST(PacketWriter, WritesIDataAsRfc8260DrawsIt) {
  std::array<std::byte, 100> out;
  PacketWriter writer(out, header);
  DataChunk chunk{.tsn = Tsn{0x01020304},
                  .stream = StreamId{0x0506},
                  .ppid = Ppid{0x0B0C0D0E},
                  .mid = Mid{0x0708090A},
                  .fsn = 9,
                  .interleaved = true,
                  .immediate = true,
                  .begin = true};
  const std::vector<std::byte> payload(3, std::byte{0xEE});
  writer.data(chunk, payload);
  chunk.begin = false;
  chunk.end = chunk.unordered = true;
  writer.data(chunk, payload);
  const std::size_t size = writer.finish();
  ASSERT_EQ(size, 12U + 2 * 24);
  constexpr unsigned char first[] = {64, 10, 0, 23, 1,  2,  3,  4,  5,    6,    0,    0,
                                     7,  8,  9, 10, 11, 12, 13, 14, 0xEE, 0xEE, 0xEE, 0};
  constexpr unsigned char second[] = {64, 13, 0, 23, 1, 2, 3, 4, 5,    6,    0,    0,
                                      7,  8,  9, 10, 0, 0, 0, 9, 0xEE, 0xEE, 0xEE, 0};
  EXPECT_EQ(std::memcmp(out.data() + 12, first, sizeof first), 0);
  EXPECT_EQ(std::memcmp(out.data() + 36, second, sizeof second), 0);
  const auto view = PacketView::parse(std::span<const std::byte>(out).first(size));
  ASSERT_TRUE(view);
  auto at = view->begin();
  const auto read = DataChunk::parse(*at);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mid, Mid{0x0708090A});
  EXPECT_EQ(read->ppid, Ppid{0x0B0C0D0E});
  EXPECT_EQ(read->fsn, 0U);
  EXPECT_TRUE(read->begin && read->immediate && !read->end && !read->unordered);
  const auto rest = DataChunk::parse(*++at);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->fsn, 9U);
  EXPECT_EQ(rest->ppid, Ppid{0});
  EXPECT_TRUE(rest->end && rest->unordered && !rest->begin);
  EXPECT_FALSE(
      DataChunk::parse({.type = ChunkType::IData, .flags = 3, .whole = std::span<const std::byte>(out).first(19)}));
}

TEST(PacketWriter, WritesWhatThePacketViewReads) {
  std::array<std::byte, 200> out;
  out.fill(std::byte{0xEE});
  PacketWriter writer(out, header);
  EXPECT_TRUE(writer.empty());
  constexpr std::array value{std::byte{1}, std::byte{2}, std::byte{3}};
  EXPECT_TRUE(writer.chunk(ChunkType::CookieEcho, 0, value));
  const std::vector<std::byte> payload(5, std::byte{9});
  writer.data({.tsn = Tsn{7},
               .stream = StreamId{8},
               .ssn = Ssn{9},
               .ppid = Ppid{51},
               .immediate = true,
               .unordered = true,
               .begin = true,
               .end = true},
              payload);
  EXPECT_TRUE(writer.chunk(ChunkType::CookieAck, 1, {}));
  const std::size_t size = writer.finish();
  EXPECT_EQ(size, 12U + 8 + 24 + 4);
  const auto view = PacketView::parse(std::span<const std::byte>(out).first(size));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header().source_port, 1);
  EXPECT_EQ(view->header().destination_port, 2);
  EXPECT_EQ(view->header().verification_tag, 3U);
  EXPECT_FALSE(view->single());
  auto at = view->begin();
  EXPECT_EQ((*at).type, ChunkType::CookieEcho);
  EXPECT_TRUE(std::ranges::equal((*at).value, value));
  ++at;
  const auto data = DataChunk::parse(*at);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->tsn, Tsn{7});
  EXPECT_EQ(data->stream, StreamId{8});
  EXPECT_EQ(data->ssn, Ssn{9});
  EXPECT_EQ(data->ppid, Ppid{51});
  EXPECT_TRUE(data->immediate && data->unordered && data->begin && data->end);
  EXPECT_TRUE(std::ranges::equal(data->payload, payload));
  ++at;
  EXPECT_EQ((*at).type, ChunkType::CookieAck);
  EXPECT_EQ((*at).flags, 1);
  ++at;
  EXPECT_FALSE(at != view->end());
  EXPECT_EQ(out[19], std::byte{0}) << "padding is zero";
}

TEST(PacketWriter, RefusesAChunkThatDoesNotFitWithItsPadding) {
  std::array<std::byte, 12 + 4 + 5> out;  // 20 usable bytes
  PacketWriter writer(out, header);
  EXPECT_EQ(writer.room(), 8U);
  EXPECT_FALSE(writer.chunk(ChunkType::Error, 0, std::vector<std::byte>(5)));
  EXPECT_TRUE(writer.empty());
  EXPECT_TRUE(writer.chunk(ChunkType::Error, 0, std::vector<std::byte>(3)));
  EXPECT_EQ(writer.room(), 0U);
  EXPECT_TRUE(writer.value_room().empty());
  EXPECT_FALSE(writer.chunk(ChunkType::CookieAck, 0, {}));
  EXPECT_TRUE(PacketView::parse(std::span<const std::byte>(out).first(writer.finish())));
}

TEST(PacketWriter, PadsParameters) {
  std::array<std::byte, 16> out;
  ByteWriter writer(out);
  write_tlv(writer, 0x1234, std::array{std::byte{7}});
  write_tlv(writer, 0x8000, {});
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), 12U);
  TlvReader reader(std::span<const std::byte>(out).first(12));
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, 0x1234);
  EXPECT_EQ(first->value.size(), 1U);
  EXPECT_EQ(reader.next()->type, 0x8000);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace linnet::sctp
