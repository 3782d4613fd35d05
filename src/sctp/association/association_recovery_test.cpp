// Loss recovery as a whole: two associations on a path that loses, delays and reorders.
#include <gtest/gtest.h>

#include <set>

#include "sctp/association/test_pipe.hpp"
#include "sctp/packet/chunk.hpp"

namespace linnet::sctp::testing {
namespace {

bool is_data(const ChunkView& chunk) { return chunk.type == ChunkType::Data || chunk.type == ChunkType::IData; }

struct Recovery : ::testing::Test {
  Pipe pipe{1, {.delay = 25ms}};  // the round trip takes 50 ms
  std::uint32_t messages = 0;

  void SetUp() override {
    ASSERT_TRUE(pipe.connect());
    // So that the window is open and the round trip known.
    ASSERT_LT(deliver(60'000), 1s);
    pipe.run_for(100ms);
  }
  void send(std::size_t size) {
    ASSERT_TRUE(pipe.a.association.send(pipe.now, StreamId{1}, Ppid{51}, numbered(messages++, size)));
  }
  /// How long the message took; the peer got it.
  Duration deliver(std::size_t size) {
    const TimePoint begin = pipe.now;
    send(size);
    const std::size_t before = pipe.b.messages.size();
    EXPECT_TRUE(pipe.run([&] { return pipe.b.messages.size() != before; }, 60s));
    return pipe.now - begin;
  }
  /// Loses the packets with data from `a` whose numbers are given, from now on and from 1.
  void lose(std::set<int> numbers) {
    pipe.filter = [this, numbers = std::move(numbers), n = 0](const Peer& from,
                                                              std::vector<std::byte>& packet) mutable {
      const auto view = PacketView::parse(packet, Checksum::Zero);
      if (&from != &pipe.a || !view) return true;
      bool data = false;
      for (const ChunkView chunk : *view) data = data || is_data(chunk);
      return !data || !numbers.contains(++n);
    };
  }
  [[nodiscard]] Statistics statistics() const { return pipe.a.association.statistics(); }
};

TEST_F(Recovery, ALostTailIsThereWithoutT3) {
  lose({11, 12});
  EXPECT_LT(deliver(12 * 1'100), 230ms) << "a probe after two round trips, an answer, and the other one";
  EXPECT_EQ(statistics().timeouts, 0U);
  EXPECT_EQ(statistics().tail_probes, 1U);
  EXPECT_EQ(statistics().chunks_retransmitted, 2U);
}

TEST_F(Recovery, AProbeThatIsLostLeavesTheRestToT3) {
  lose({12, 13});
  EXPECT_LT(deliver(12 * 1'100), 700ms);
  EXPECT_EQ(statistics().timeouts, 1U);
}

TEST_F(Recovery, ALoneMessageIsProbedForOnlyAfterThePeersDelay) {
  pipe.run_for(2s);
  EXPECT_LT(deliver(100), 30ms);
  pipe.run_for(2s);
  EXPECT_EQ(statistics().tail_probes, 0U) << "its SACK was delayed, not lost";
  lose({1});
  const Duration took = deliver(100);
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 450ms) << "the delayed SACKs before count as round trips";
  EXPECT_EQ(statistics().timeouts, 0U);
}

TEST_F(Recovery, ABurstOfLossesIsRepairedWithoutT3) {
  lose({5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  EXPECT_LT(deliver(40 * 1'100), 500ms);
  EXPECT_EQ(statistics().timeouts, 0U);
  EXPECT_EQ(statistics().chunks_retransmitted, 10U);
  EXPECT_EQ(statistics().fast_recoveries, 1U);
}

TEST_F(Recovery, ARetransmissionThatIsLostTooIsRepairedWithoutT3) {
  // The first, and the first retransmission: nothing is in between that would be lost.
  pipe.filter = [this, first = std::optional<std::uint32_t>{}, n = 0](const Peer& from,
                                                                      std::vector<std::byte>& packet) mutable {
    const auto view = PacketView::parse(packet, Checksum::Zero);
    if (&from != &pipe.a || !view) return true;
    for (const ChunkView chunk : *view)
      if (const auto data = is_data(chunk) ? DataChunk::parse(chunk) : std::nullopt) {
        if (!first) first = data->tsn.value();
        if (data->tsn.value() == *first && ++n <= 3) return false;
      }
    return true;
  };
  send(200 * 1'100);
  EXPECT_TRUE(pipe.run([&] { return pipe.b.messages.size() == 2; }, 2s));
  EXPECT_EQ(statistics().timeouts, 0U);
  EXPECT_LE(statistics().chunks_retransmitted, 5U);
}

TEST_F(Recovery, APathThatReordersWithinAQuarterOfARoundTripCostsNothingForLong) {
  pipe.faults.jitter = 12ms;
  ASSERT_LT(deliver(260'000), 5s);
  const Statistics learnt = statistics();
  EXPECT_LE(learnt.fast_recoveries, learnt.spurious_recoveries + 1) << "what it did at first is undone";
  for (int i = 0; i < 8; ++i) ASSERT_LT(deliver(260'000), 5s);
  EXPECT_LE(statistics().chunks_retransmitted, learnt.chunks_retransmitted + 5);
  EXPECT_EQ(statistics().timeouts, 0U);
}

TEST_F(Recovery, ADelaySpikeThatMadeT3ExpireIsUndone) {
  const std::size_t window = statistics().congestion_window;
  pipe.faults.delay = 220ms;
  send(30 * 1'100);
  pipe.run_for(100ms);
  pipe.faults.delay = 25ms;
  pipe.run_for(2s);
  EXPECT_EQ(pipe.b.messages.size(), 2U);
  EXPECT_GE(statistics().timeouts + statistics().tail_probes, 1U);
  EXPECT_GE(statistics().spurious_recoveries, 1U);
  EXPECT_GE(statistics().congestion_window, window);
}

TEST_F(Recovery, HeavyLossKeepsMovingWithoutWaitingForT3EachTime) {
  pipe.faults.loss = 0.05;
  ASSERT_LT(deliver(262'144), 20s);
  for (int i = 0; i < 7; ++i) ASSERT_LT(deliver(262'144), 20s);
  EXPECT_LE(statistics().timeouts, 10U);
}

// RFC 9260 section 6.7 and RFC 8985 lean on the receiver: it must not sit on what the sender waits for.
TEST_F(Recovery, AGapAndADuplicateAreAnsweredAtOnce) {
  Association& b = pipe.b.association;
  std::vector<std::vector<std::byte>> packets;
  pipe.filter = [&](const Peer& from, std::vector<std::byte>& packet) {
    if (&from != &pipe.a) return true;
    packets.push_back(packet);
    return false;
  };
  for (int i = 0; i < 4; ++i) {
    send(100);
    pipe.pump();
    pipe.now += 1ms;
  }
  ASSERT_GE(packets.size(), 4U);
  pipe.filter = nullptr;
  std::array<std::byte, 2'048> out;
  const auto answers = [&](std::size_t i) {
    b.handle_packet(pipe.now, packets[i]);
    std::size_t count = 0;
    while (b.poll_packet(pipe.now, out) != 0) ++count;
    return count;
  };
  EXPECT_EQ(answers(0), 0U) << "in order: delayed";
  EXPECT_EQ(answers(2), 1U) << "a gap";
  EXPECT_EQ(answers(2), 1U) << "a duplicate";
  EXPECT_EQ(answers(1), 1U) << "fills the gap";
  EXPECT_EQ(answers(3), 0U) << "in order again";
}

}  // namespace
}  // namespace linnet::sctp::testing
