// A long transfer must live on the memory that it took at its beginning.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "linnet/core/generator.hpp"
#include "sctp/association/association.hpp"
#include "sim/allocations.hpp"

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

/// Two associations whose packets wait in preallocated slots for half a round trip.
struct Bulk {
  static constexpr std::size_t slots = 512;
  struct Lane {
    std::vector<std::array<std::byte, 1'500>> packets{slots};
    std::vector<std::size_t> sizes = std::vector<std::size_t>(slots);
    std::size_t count = 0;
  };
  SeededGenerator generator{1};
  Association a{{}, generator};
  Association b{{}, generator};
  TimePoint now{1s};
  Lane to_a;
  Lane to_b;
  std::vector<std::byte> payload = std::vector<std::byte>(64 * 1'024);
  std::size_t received = 0;
  std::size_t packets = 0;
  std::size_t loss_every = 0;

  void poll(Association& from, Lane& lane) {
    lane.count = 0;
    while (lane.count < slots && (lane.sizes[lane.count] = from.poll_packet(now, lane.packets[lane.count])) != 0)
      ++lane.count;
  }
  void deliver(Association& to, Lane& lane) {
    for (std::size_t i = 0; i < lane.count; ++i)
      if (++packets; loss_every == 0 || packets % loss_every != 0)
        to.handle_packet(now, std::span<const std::byte>(lane.packets[i]).first(lane.sizes[i]));
  }
  void round() {
    while (a.total_buffered() < 500'000 && a.send(now, StreamId{1}, Ppid{53}, payload)) {
    }
    exchange();
    while (b.receive(StreamId{1})) ++received;
  }
  /// What half a round trip brings, and timers.
  void exchange() {
    for (Association* side : {&a, &b}) {
      if (side->next_timeout() <= now) side->handle_timeout(now);
      while (side->poll_event()) {
      }
    }
    poll(a, to_b);
    poll(b, to_a);
    now += 5ms;
    deliver(b, to_b);
    deliver(a, to_a);
  }
};

TEST(Allocations, ABulkTransferTakesOneForEachMessageThatIsHandedOut) {
  Bulk bulk;
  bulk.a.connect(bulk.now);
  for (int i = 0; i < 500; ++i) bulk.round();
  ASSERT_GT(bulk.received, 100U);
  const std::size_t messages = bulk.received;
  const std::size_t packets = bulk.packets;
  const std::uint64_t before = sim::allocations();
  for (int i = 0; i < 2'000; ++i) bulk.round();
  const std::uint64_t taken = sim::allocations() - before;
  const std::size_t handed_out = bulk.received - messages;
  ASSERT_GT(handed_out, 1'000U);
  ASSERT_GT(bulk.packets - packets, 50 * handed_out);
  EXPECT_LE(taken, handed_out + 2) << "the reader's, and two that are on their way";
}

TEST(Allocations, LossCostsNoMoreThanAFewForEachMessage) {
  Bulk bulk;
  bulk.a.connect(bulk.now);
  bulk.loss_every = 101;
  for (int i = 0; i < 3'000; ++i) bulk.round();
  const std::size_t messages = bulk.received;
  const std::uint64_t before = sim::allocations();
  for (int i = 0; i < 3'000; ++i) bulk.round();
  const std::size_t handed_out = bulk.received - messages;
  ASSERT_GT(handed_out, 100U);
  EXPECT_LE(sim::allocations() - before, 10 * handed_out);
}

TEST(Allocations, AStreamThatWasUsedAndIsIdleCostsLittle) {
  Bulk bulk;
  bulk.a.connect(bulk.now);
  while (bulk.b.state() != SctpTransportState::Connected) bulk.exchange();
  const std::int64_t before = sim::live_bytes();
  constexpr std::uint16_t streams = 65'535;
  const auto use_all = [&] {
    std::size_t received = 0;
    for (std::uint16_t id = 0; id < streams;) {
      for (; id < streams; ++id)
        if (!bulk.a.send(bulk.now, StreamId{id}, Ppid{51}, std::span<const std::byte>(bulk.payload).first(40))) break;
      bulk.exchange();
      for (std::uint16_t read = 0; read < streams; ++read) received += bulk.b.receive(StreamId{read}) ? 1U : 0U;
    }
    for (int i = 0; i < 200 && received < streams; ++i) {
      bulk.exchange();
      for (std::uint16_t read = 0; read < streams; ++read) received += bulk.b.receive(StreamId{read}) ? 1U : 0U;
    }
    for (int i = 0; i < 100; ++i) bulk.exchange();
    return received;
  };
  ASSERT_EQ(use_all(), streams);
  // 64 bytes of state on the sending side, 16 on the receiving one, and what finds them.
  const auto each = static_cast<double>(sim::live_bytes() - before) / streams;
  EXPECT_LT(each, 100) << "bytes a stream, both ends together";
  RecordProperty("bytes_per_stream", std::to_string(each));
  const std::uint64_t again = sim::allocations();
  ASSERT_EQ(use_all(), streams);
  EXPECT_LT(sim::allocations() - again, 3 * std::uint64_t{streams}) << "used again, it is found";
}

TEST(Allocations, ABurstLeavesNothingBehindOnceTheConnectionRests) {
  Bulk bulk;
  bulk.a.connect(bulk.now);
  while (bulk.b.state() != SctpTransportState::Connected) bulk.exchange();
  const auto rest = [&] {
    for (int i = 0; i < 20'000; ++i) bulk.exchange();  // 100 s
  };
  rest();
  const std::int64_t before = sim::live_bytes();
  for (int i = 0; i < 200; ++i) bulk.round();
  for (int i = 0; i < 200; ++i) {
    bulk.exchange();
    while (bulk.b.receive(StreamId{1})) ++bulk.received;
  }
  ASSERT_EQ(bulk.a.statistics().unacked_chunks, 0U);
  ASSERT_GT(bulk.received, 20U);
  const std::int64_t burst = sim::live_bytes() - before;
  rest();
  const std::int64_t rested = sim::live_bytes() - before;
  EXPECT_GT(burst - rested, 300'000) << "buffers of messages";
  EXPECT_LT(rested, 200'000) << "rings, each of which keeps up to 64 KiB";
  bulk.round();
  for (int i = 0; i < 20; ++i) bulk.exchange();
  EXPECT_TRUE(bulk.b.receive(StreamId{1})) << "and it works as before";
}

}  // namespace
}  // namespace linnet::sctp
