#include <gtest/gtest.h>

#include "sctp/association/test_pipe.hpp"
#include "sctp/packet/checksum.hpp"
#include "sctp/packet/chunk.hpp"

namespace linnet::sctp {
namespace {

using namespace testing;

constexpr std::size_t base = 1'160;

Options discovering() {
  Options options;
  options.mtu = base;
  options.max_mtu = 16'384;
  return options;
}

/// Two associations on a path that loses packets larger than `limit`, but not what IP may fragment.
class PathMtuDiscovery : public ::testing::Test {
 protected:
  PathMtuDiscovery() : pipe(1, {}, discovering(), discovering()) {
    pipe.filter = [this](const Peer& from, std::vector<std::byte>& packet) {
      largest = std::max(largest, packet.size());
      if (from.association.sizing() == Sizing::Fragment) {
        ++fragmented;
        return true;
      }
      return packet.size() <= limit;
    };
  }
  void send(std::uint32_t number, std::size_t size) {
    ASSERT_TRUE(pipe.a.association.send(pipe.now, StreamId{1}, Ppid{53}, numbered(number, size)));
    ++expected;
  }
  bool deliver(Duration within = 60s) {
    return pipe.run([this] { return pipe.b.messages.size() == expected; }, within);
  }
  [[nodiscard]] std::size_t mtu() const { return pipe.a.association.statistics().mtu; }

  Pipe pipe;
  std::size_t limit = 65'507;
  std::size_t largest = 0;
  std::size_t fragmented = 0;
  std::size_t expected = 0;
};

TEST_F(PathMtuDiscovery, SmallMessagesSendNoProbes) {
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 20; ++i) {
    send(i, 200);
    ASSERT_TRUE(deliver());
  }
  EXPECT_LE(largest, base);
  EXPECT_EQ(mtu(), base);
}

TEST_F(PathMtuDiscovery, ALargeTransferUsesWhatThePathCarries) {
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 40; ++i) send(i, 100'000);
  ASSERT_TRUE(deliver());
  EXPECT_EQ(mtu(), 16'384u);
  EXPECT_EQ(largest, 16'384u);
  EXPECT_EQ(pipe.a.association.statistics().chunks_retransmitted, 0u);
}

TEST_F(PathMtuDiscovery, APeerThatDoesNotSaySoIsSentNoPacketAboveTheUsualSize) {
  pipe.filter = [this](const Peer&, std::vector<std::byte>& packet) {
    largest = std::max(largest, packet.size());
    // An INIT or INIT-ACK without our parameter: a type that is skipped, too, in its place.
    if (packet.size() > 12 && (packet[12] == std::byte{1} || packet[12] == std::byte{2})) {
      for (std::size_t i = 32; i + 4 <= packet.size(); i += 4)
        if (load_be<std::uint16_t>(packet.data() + i) == parameter_large_packets)
          store_be<std::uint16_t>(packet.data() + i, 0xAC4F);
      write_checksum(packet);
    }
    return true;
  };
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 40; ++i) send(i, 100'000);
  ASSERT_TRUE(deliver());
  EXPECT_GT(mtu(), 1'400u);
  EXPECT_LE(mtu(), usual_packet_size);
  EXPECT_LE(largest, usual_packet_size);
}

TEST_F(PathMtuDiscovery, LostProbesAreNoSignOfCongestion) {
  limit = 1'400;
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 100; ++i) send(i, 100'000);
  ASSERT_TRUE(deliver());
  pipe.run_for(30s);
  EXPECT_GT(mtu(), base);
  EXPECT_LE(mtu(), limit);
  EXPECT_EQ(pipe.a.association.statistics().chunks_retransmitted, 0u);
  EXPECT_EQ(pipe.a.association.statistics().fast_recoveries, 0u);
}

TEST_F(PathMtuDiscovery, APathThatShrinksInMidTransferDeliversEverything) {
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 50; ++i) send(i, 100'000);
  ASSERT_TRUE(pipe.run([this] { return pipe.b.messages.size() >= 20; }, 60s));
  ASSERT_EQ(mtu(), 16'384u);
  limit = 1'300;
  ASSERT_TRUE(deliver()) << "what was cut for the larger path is fragmented by IP";
  EXPECT_GT(fragmented, 0u);
  EXPECT_LE(mtu(), limit);
  EXPECT_EQ(pipe.a.count<Failed>(), 0u);
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(pipe.b.messages[i].payload, numbered(i, 100'000)) << i;
}

TEST_F(PathMtuDiscovery, AnotherPathBeginsWithTheBaseSizeAgain) {
  ASSERT_TRUE(pipe.connect());
  for (std::uint32_t i = 0; i < 20; ++i) send(i, 100'000);
  ASSERT_TRUE(deliver());
  ASSERT_EQ(mtu(), 16'384u);
  limit = 1'452;
  pipe.a.association.path_changed(pipe.now);
  EXPECT_EQ(mtu(), base);
  for (std::uint32_t i = 20; i < 60; ++i) send(i, 100'000);
  ASSERT_TRUE(deliver());
  pipe.run_for(30s);
  EXPECT_GT(mtu(), base);
  EXPECT_LE(mtu(), limit);
  EXPECT_EQ(pipe.a.association.statistics().timeouts, 0u) << "nothing too large was sent";
}

}  // namespace
}  // namespace linnet::sctp
