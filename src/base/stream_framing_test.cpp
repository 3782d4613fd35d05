#include "base/stream_framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/bytes.hpp"

namespace linnet {
namespace {

using Bytes = std::vector<std::byte>;
using Datagrams = std::vector<Bytes>;

Bytes of_size(std::size_t size, unsigned seed = 1) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + seed);
  return out;
}
Bytes stun(std::size_t length) {
  Bytes out = of_size(20 + length);
  store_be<std::uint16_t>(out.data(), 0x0001);
  store_be(out.data() + 2, static_cast<std::uint16_t>(length));
  store_be<std::uint32_t>(out.data() + 4, 0x2112A442);
  return out;
}
Bytes channel_data(std::size_t length) {
  Bytes out = of_size(4 + length);
  store_be<std::uint16_t>(out.data(), 0x4001);
  store_be(out.data() + 2, static_cast<std::uint16_t>(length));
  return out;
}
void put(Bytes& stream, Framing framing, const Bytes& datagram) {
  const auto edges = frame_edges(framing, datagram);
  ASSERT_TRUE(edges);
  stream.insert(stream.end(), edges->header.begin(),
                edges->header.begin() + static_cast<std::ptrdiff_t>(edges->header_size));
  stream.insert(stream.end(), datagram.begin(), datagram.end());
  stream.insert(stream.end(), edges->padding, std::byte{});
}
/// Feeds `stream` in pieces of `piece` bytes.
Datagrams read(Deframer& deframer, Bytes stream, std::size_t piece) {
  Datagrams out;
  for (std::span<std::byte> rest = stream; !rest.empty();) {
    const auto now = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(now.size());
    deframer.feed(now);
    while (const auto datagram = deframer.next()) out.emplace_back(datagram->begin(), datagram->end());
  }
  return out;
}
Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

const Datagrams plain{of_size(1), of_size(2), of_size(1'200), of_size(255), of_size(256), of_size(65'535)};
const Datagrams turn{stun(0),     channel_data(0), channel_data(1),      channel_data(2), channel_data(3), stun(4),
                     stun(1'000), channel_data(4), channel_data(65'535), stun(65'532),    channel_data(7), stun(8)};

TEST(StreamFraming, GivesBackWhatWasPutInHoweverTheStreamIsCut) {
  for (const Framing framing : {Framing::Rfc4571, Framing::Stun}) {
    const auto& datagrams = framing == Framing::Stun ? turn : plain;
    Bytes stream;
    for (const Bytes& datagram : datagrams) put(stream, framing, datagram);
    for (const std::size_t piece : {1U, 2U, 3U, 4U, 5U, 7U, 19U, 1'448U, 16'384U, 1'000'000U}) {
      Deframer deframer{framing};
      EXPECT_EQ(read(deframer, stream, piece), datagrams) << piece;
      EXPECT_FALSE(deframer.broken());
      EXPECT_EQ(deframer.kept(), 0U);
    }
  }
}

TEST(StreamFraming, WritesTheLengthOfRfc4571InFront) {
  Bytes stream;
  put(stream, Framing::Rfc4571, of_size(0x0123));
  EXPECT_EQ(stream[0], std::byte{0x01});
  EXPECT_EQ(stream[1], std::byte{0x23});
  EXPECT_EQ(stream.size(), 2U + 0x0123U);
}

TEST(StreamFraming, PadsChannelDataToFourBytesAndStunNever) {
  for (std::size_t length = 0; length < 9; ++length) {
    EXPECT_EQ(frame_edges(Framing::Stun, channel_data(length))->padding, (8 - length % 4) % 4);
  }
  EXPECT_EQ(frame_edges(Framing::Stun, stun(8))->padding, 0U);
  EXPECT_EQ(frame_edges(Framing::Stun, stun(8))->header_size, 0U);
}

TEST(StreamFraming, HandsAWholeDatagramOutWhereItLies) {
  Bytes stream;
  for (int i = 0; i < 3; ++i) put(stream, Framing::Rfc4571, of_size(500));
  stream.pop_back();
  Deframer deframer{Framing::Rfc4571};
  deframer.feed(stream);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto datagram = deframer.next();
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->data(), stream.data() + 2 + i * 502);
  }
  EXPECT_FALSE(deframer.next());
  EXPECT_EQ(deframer.kept(), 501U);
}

TEST(StreamFraming, LeavesOutEmptyPackets) {
  Bytes stream = bytes({0, 0, 0, 0});
  put(stream, Framing::Rfc4571, of_size(3));
  stream.push_back({});
  stream.push_back({});
  for (const std::size_t piece : {1U, 3U, 100U}) {
    Deframer deframer{Framing::Rfc4571};
    EXPECT_EQ(read(deframer, stream, piece), (Datagrams{of_size(3)}));
  }
}

TEST(StreamFraming, TakesTheChannelsOfOlderClients) {
  const Bytes last = bytes({0x7F, 0xFF, 0, 4, 1, 2, 3, 4});
  Deframer deframer{Framing::Stun};
  EXPECT_EQ(read(deframer, last, 100U), (Datagrams{last}));
  EXPECT_TRUE(frame_edges(Framing::Stun, last));
}

TEST(StreamFraming, BreaksWhereNeitherStunNorChannelDataBegins) {
  const Bytes wrong_first = bytes({0x80, 1, 0, 4});
  const Bytes dtls = bytes({0x16, 0xfe, 0xfd, 0});
  Bytes odd_length = stun(8);
  odd_length[3] = std::byte{7};
  Bytes no_cookie = stun(8);
  no_cookie[5] ^= std::byte{1};
  for (const Bytes& bad : {wrong_first, dtls, odd_length, no_cookie}) {
    for (const std::size_t piece : {1U, 100U}) {
      Bytes stream = stun(4);
      stream.insert(stream.end(), bad.begin(), bad.end());
      const Bytes good = stun(0);
      stream.insert(stream.end(), good.begin(), good.end());
      Deframer deframer{Framing::Stun};
      EXPECT_EQ(read(deframer, stream, piece), (Datagrams{stun(4)})) << "nothing after it is a frame";
      EXPECT_TRUE(deframer.broken());
      EXPECT_EQ(deframer.kept(), 0U);
    }
  }
}

TEST(StreamFraming, KeepsNoMoreThanOneFrame) {
  for (const Framing framing : {Framing::Rfc4571, Framing::Stun}) {
    Bytes stream;
    for (int i = 0; i < 40; ++i) put(stream, framing, framing == Framing::Stun ? stun(65'532) : of_size(65'535));
    Deframer deframer{framing};
    for (std::span<std::byte> rest = stream; !rest.empty();) {
      const auto now = rest.first(std::min<std::size_t>(3'001, rest.size()));
      rest = rest.subspan(now.size());
      deframer.feed(now);
      while (deframer.next()) {
      }
      ASSERT_LE(deframer.kept(), Deframer::max_kept);
    }
  }
}

TEST(StreamFraming, RefusesToSendWhatTheOtherEndCouldNotRead) {
  EXPECT_FALSE(frame_edges(Framing::Rfc4571, {}));
  EXPECT_FALSE(frame_edges(Framing::Rfc4571, of_size(65'536)));
  EXPECT_FALSE(frame_edges(Framing::Stun, of_size(3)));
  EXPECT_FALSE(frame_edges(Framing::Stun, bytes({22, 254, 253, 0, 0})));
  Bytes shorter = stun(8);
  shorter.pop_back();
  EXPECT_FALSE(frame_edges(Framing::Stun, shorter));
  Bytes longer = channel_data(5);
  longer.push_back({});
  EXPECT_FALSE(frame_edges(Framing::Stun, longer));
}

}  // namespace
}  // namespace linnet
