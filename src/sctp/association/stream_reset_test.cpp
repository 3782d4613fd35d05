#include "sctp/association/stream_reset.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sctp/packet/packet_writer.hpp"

namespace linnet::sctp {
namespace {

using Result = StreamReset::ResultCode;

struct Resets : testing::Test {
  MessagePool pool;
  SendQueue queue{pool};
  OutstandingData outstanding{Tsn{100}, true, queue};
  DataTracker tracker{Tsn{500}};
  ReassemblyQueue reassembly{1'000};
  StreamReset reset{Tsn{100}, Tsn{500}};
  std::array<std::byte, 100> out{};

  void mark(std::uint16_t stream) {
    queue.set_resetting(StreamId{stream}, true);
    reset.add();
  }
  std::optional<StreamReset::Outcome> respond(std::uint32_t sn, Result result) {
    std::array<std::byte, 12> bytes;
    ByteWriter writer(bytes);
    writer.u16(16);
    writer.u16(12);
    writer.u32(sn);
    writer.u32(std::to_underlying(result));
    return reset.handle({.type = ChunkType::Reconfig, .value = bytes}, tracker, reassembly, false);
  }
  /// An outgoing reset of one stream; with `busy` the owner still has earlier ones to look at.
  void request(std::uint32_t sn, std::uint32_t last_tsn, bool busy = false) {
    std::array<std::byte, 20> bytes{};
    ByteWriter writer(bytes);
    writer.u16(13);
    writer.u16(18);
    writer.u32(sn);
    writer.u32(0);
    writer.u32(last_tsn);
    writer.u16(4);
    (void)reset.handle({.type = ChunkType::Reconfig, .value = bytes}, tracker, reassembly, busy);
  }
  std::uint32_t written_result() {
    const std::size_t size = reset.write(out, outstanding);
    return size < 12 ? 99 : load_be<std::uint32_t>(out.data() + 8);
  }
};

TEST_F(Resets, AsksForAllDrainedStreamsAtOnceAsFarAsTheyFit) {
  for (std::uint16_t i = 0; i < 5; ++i) mark(i);
  ASSERT_TRUE(reset.begin(queue, 3));
  EXPECT_TRUE(reset.waiting());
  EXPECT_FALSE(reset.begin(queue, 3)) << "one request at a time";
  EXPECT_EQ(reset.write(out, outstanding), 4U + 12 + 2 * 3);
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 4), 100U);
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 8), 499U);
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 12), 99U);
  const auto outcome = respond(100, Result::Performed);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->performed);
  EXPECT_EQ(outcome->streams.size(), 3U);
  ASSERT_TRUE(reset.begin(queue, 3));
  EXPECT_FALSE(reset.waiting());
  EXPECT_EQ(reset.write(out, outstanding), 4U + 12 + 2 * 2);
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 4), 101U);
}

TEST_F(Resets, AnAnswerInProgressLeavesTheRequestUnderWay) {
  mark(1);
  ASSERT_TRUE(reset.begin(queue, 3));
  (void)reset.write(out, outstanding);
  const auto outcome = respond(100, Result::InProgress);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->streams.empty());
  EXPECT_TRUE(reset.under_way());
  EXPECT_TRUE(reset.held_up());
  reset.send_again();
  EXPECT_FALSE(reset.held_up());
  EXPECT_EQ(reset.write(out, outstanding), 4U + 12 + 2);
  EXPECT_EQ(load_be<std::uint32_t>(out.data() + 4), 100U) << "the same request";
}

TEST_F(Resets, RefusalsEndTheRequest) {
  for (const Result result : {Result::Denied, Result::WrongSsn, Result::RequestInProgress, Result::BadSequenceNumber}) {
    StreamReset fresh{Tsn{100}, Tsn{500}};
    reset = std::move(fresh);
    mark(1);
    queue.set_resetting(StreamId{1}, true);
    ASSERT_TRUE(reset.begin(queue, 3));
    while (queue.poll_drained()) {
    }
    const auto outcome = respond(100, result);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->performed);
    EXPECT_EQ(outcome->result, result);
    EXPECT_FALSE(reset.under_way());
  }
}

TEST_F(Resets, ABusyOwnerMakesThePeerAskAgain) {
  request(500, 499, true);
  EXPECT_EQ(written_result(), 6U);
  EXPECT_FALSE(reset.take_incoming());
  request(500, 499);
  EXPECT_EQ(written_result(), 1U);
  EXPECT_EQ(reset.take_incoming(), std::vector{StreamId{4}});
}

TEST_F(Resets, ADeferredResetIsPerformedByTheDataThatWasMissing) {
  request(500, 500);
  EXPECT_EQ(written_result(), 6U);
  reset.data_arrived(tracker, reassembly);
  EXPECT_FALSE(reset.take_incoming());
  (void)tracker.add(Tsn{500});
  reset.data_arrived(tracker, reassembly);
  EXPECT_EQ(reset.take_incoming(), std::vector{StreamId{4}});
  EXPECT_EQ(written_result(), 1U);
}

TEST_F(Resets, AnswersAreBoundedHoweverManyRequestsCome) {
  for (std::uint32_t i = 0; i < 1'000; ++i) request(900 + i, 499);
  std::size_t chunks = 0;
  for (; reset.wants_to_send(); ++chunks) ASSERT_NE(reset.write(out, outstanding), 0U);
  EXPECT_LE(chunks, 2U);
}

}  // namespace
}  // namespace linnet::sctp
