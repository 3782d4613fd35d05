#include "sctp/tx/send_queue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace linnet::sctp {
namespace {

constexpr TimePoint now{std::chrono::seconds(1)};

struct Fixture : testing::Test {
  MessagePool pool;
  SendQueue queue{pool};
  void add(std::uint16_t stream, std::size_t size, SendOptions options = {}) {
    queue.add(now, StreamId{stream}, Ppid{51}, std::vector<std::byte>(size), options);
  }
  /// Takes what comes next; its stream.
  std::uint16_t take_piece(std::size_t room = 100) {
    const auto piece = queue.peek(now, room);
    if (!piece) return 0xFFFF;
    queue.take(*piece);
    return piece->message->stream.value();
  }
  /// Takes a whole message; its stream.
  std::uint16_t take_message(std::size_t room = 100) {
    while (true) {
      const auto piece = queue.peek(now, room);
      if (!piece) return 0xFFFF;
      const std::uint16_t stream = piece->message->stream.value();
      queue.take(*piece);
      if (piece->last) return stream;
    }
  }
};
using SendQueueTest = Fixture;

TEST_F(SendQueueTest, StreamsTakeTurnsMessageByMessage) {
  for (int i = 0; i < 3; ++i) add(1, 250);
  for (int i = 0; i < 3; ++i) add(2, 250);
  add(3, 250);
  std::vector<std::uint16_t> order;
  for (int i = 0; i < 7; ++i) order.push_back(take_message());
  EXPECT_EQ(order, (std::vector<std::uint16_t>{1, 2, 3, 1, 2, 1, 2}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.total_buffered(), 0U);
}

TEST_F(SendQueueTest, GivesSequenceNumbersToOrderedMessagesOfEachStream) {
  add(1, 10);
  add(1, 10, {.unordered = true});
  add(1, 10);
  std::vector<int> numbers;
  while (const auto piece = queue.peek(now, 100)) {
    queue.take(*piece);
    if (!piece->message->unordered) numbers.push_back(piece->message->ssn().value());
  }
  EXPECT_EQ(numbers, (std::vector<int>{0, 1}));
}

TEST_F(SendQueueTest, CutsAMessageIntoPieces) {
  add(1, 250);
  const auto first = queue.peek(now, 100);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size, 100U);
  EXPECT_FALSE(first->last);
  queue.take(*first);
  EXPECT_EQ(queue.buffered(StreamId{1}), 150U);
  queue.take(*queue.peek(now, 100));
  const auto last = queue.peek(now, 100);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->offset, 200U);
  EXPECT_EQ(last->size, 50U);
  EXPECT_TRUE(last->last);
}

TEST_F(SendQueueTest, DropsWhatExpiredBeforeItWasSent) {
  add(1, 10, {.lifetime = std::chrono::milliseconds(5)});
  add(1, 20);
  const auto piece = queue.peek(now + std::chrono::milliseconds(5), 100);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->size, 20U);
  EXPECT_EQ(queue.messages_expired(), 1U);
  EXPECT_EQ(queue.total_buffered(), 20U);
}

TEST_F(SendQueueTest, SaysOnceThatTheBufferedAmountFellToItsThreshold) {
  queue.set_low_threshold(StreamId{1}, 150);
  add(1, 250);
  queue.take(*queue.peek(now, 50));
  EXPECT_EQ(queue.poll_low(), std::nullopt);
  queue.take(*queue.peek(now, 50));
  EXPECT_EQ(queue.poll_low(), StreamId{1});
  queue.take(*queue.peek(now, 50));
  EXPECT_EQ(queue.poll_low(), std::nullopt);
}

TEST_F(SendQueueTest, WhatIsNotCountedTakesRoomAndIsNoPartOfTheBufferedAmount) {
  add(1, 40, {.counted = false});
  EXPECT_EQ(queue.buffered(StreamId{1}), 0U);
  EXPECT_EQ(queue.total_buffered(), 40U);
  EXPECT_EQ(queue.memory(), 40 + SendQueue::overhead);
  add(1, 100);
  EXPECT_EQ(queue.buffered(StreamId{1}), 100U);
  EXPECT_EQ(take_message(), 1);
  EXPECT_EQ(queue.buffered(StreamId{1}), 100U);
  EXPECT_EQ(queue.poll_low(), std::nullopt);
  EXPECT_EQ(take_message(), 1);
  EXPECT_EQ(queue.buffered(StreamId{1}), 0U);
  EXPECT_EQ(queue.poll_low(), StreamId{1});
  add(1, 40, {.counted = false});
  EXPECT_EQ(take_message(), 1);
  EXPECT_EQ(queue.poll_low(), std::nullopt) << "it was not above";
  EXPECT_EQ(queue.total_buffered(), 0U);
}

TEST_F(SendQueueTest, WhatIsNotCountedMayExpireOrBeGivenUpHalfSent) {
  add(1, 40, {.lifetime = std::chrono::milliseconds(5), .counted = false});
  add(1, 300, {.counted = false});
  add(1, 70);
  const auto piece = queue.peek(now + std::chrono::milliseconds(5), 100);
  ASSERT_TRUE(piece);
  EXPECT_EQ(queue.messages_expired(), 1U);
  queue.take(*piece);
  EXPECT_TRUE(queue.abandon(piece->message));
  EXPECT_EQ(queue.buffered(StreamId{1}), 70U);
  EXPECT_EQ(queue.total_buffered(), 70U);
}

TEST_F(SendQueueTest, AStreamToBeResetIsDrainedWhenItsLastMessageIsReleased) {
  add(1, 10);
  queue.set_resetting(StreamId{1}, true);
  queue.set_resetting(StreamId{2}, true);
  EXPECT_EQ(queue.poll_drained(), StreamId{2});
  const auto piece = queue.peek(now, 100);
  ASSERT_TRUE(piece);
  queue.take(*piece);
  EXPECT_EQ(queue.poll_drained(), std::nullopt) << "sent, not acknowledged";
  queue.release(piece->message);
  EXPECT_EQ(queue.poll_drained(), StreamId{1});
  EXPECT_EQ(queue.poll_drained(), std::nullopt);
}

TEST_F(SendQueueTest, ChargesWaitingMessagesForTheirPlace) {
  add(1, 10);
  add(1, 10);
  EXPECT_EQ(queue.memory(), 20 + 2 * SendQueue::overhead);
  queue.take(*queue.peek(now, 5));
  EXPECT_EQ(queue.memory(), 15 + 2 * SendQueue::overhead);
  queue.take(*queue.peek(now, 5));
  EXPECT_EQ(queue.memory(), 10 + SendQueue::overhead);
}

TEST_F(SendQueueTest, AShortMessagePassesALongOneOnlyAtMessageBoundariesWithoutInterleaving) {
  add(1, 1'000);
  add(1, 1'000);
  EXPECT_EQ(take_piece(), 1);
  add(2, 10);
  std::vector<std::uint16_t> order;
  for (int i = 0; i < 12; ++i) order.push_back(take_piece());
  EXPECT_EQ(order, (std::vector<std::uint16_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1}));
}

TEST_F(SendQueueTest, AShortMessagePassesALongOneAtOnceWithInterleaving) {
  queue.interleave(true, 1'000'000);
  add(1, 100'000);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(take_piece(), 1);
  add(2, 10);
  EXPECT_EQ(take_piece(), 2);
  EXPECT_EQ(take_piece(), 1);
}

TEST_F(SendQueueTest, InterleavedMessagesTakeTurnsFragmentByFragment) {
  queue.interleave(true, 1'000'000);
  add(1, 5'000);
  add(2, 5'000);
  std::size_t first = 0;
  for (int i = 0; i < 20; ++i) first += take_piece() == 1 ? 1U : 0U;
  EXPECT_EQ(first, 10U);
  const auto piece = queue.peek(now, 100);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->fsn, 10U);
  EXPECT_EQ(piece->offset, 1'000U);
}

TEST_F(SendQueueTest, OnlyWhatThePeerCanHoldIsHalfSentAtOneTime) {
  queue.interleave(true, 10'000);
  for (std::uint16_t i = 0; i < 20; ++i) add(i, 5'000);
  add(30, 1'000);
  std::set<std::uint16_t> begun;
  for (int i = 0; i < 40; ++i) begun.insert(take_piece());
  EXPECT_EQ(begun, (std::set<std::uint16_t>{0, 1, 30})) << "two halves, and what is short enough not to be one";
  std::size_t messages = 0;
  while (const auto piece = queue.peek(now, 100)) {
    queue.take(*piece);
    messages += piece->last ? 1U : 0U;
  }
  EXPECT_EQ(messages, 20U);
  EXPECT_TRUE(queue.empty());
}

TEST_F(SendQueueTest, AMessageLargerThanThePeersWindowGoesAlone) {
  queue.interleave(true, 1'000);
  add(1, 5'000);
  add(2, 5'000);
  std::vector<std::uint16_t> order;
  for (std::uint16_t taken = take_message(); taken != 0xFFFF; taken = take_message()) order.push_back(taken);
  EXPECT_EQ(order, (std::vector<std::uint16_t>{1, 2}));
}

TEST_F(SendQueueTest, WhatWasHeldBackGoesOnWhenTheHalfSentMessageIsGivenUp) {
  queue.interleave(true, 6'000);
  for (std::uint16_t i = 1; i <= 3; ++i) add(i, 5'000, {.lifetime = std::chrono::seconds(i == 2 ? 0 : 9)});
  EXPECT_EQ(take_piece(), 1);
  EXPECT_EQ(take_piece(), 1) << "the others wait";
  EXPECT_TRUE(queue.abandon(queue.peek(now, 100)->message));
  EXPECT_EQ(take_piece(), 3) << "and one of them has expired";
  while (take_piece() != 0xFFFF) {
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.total_buffered(), 0U);
}

TEST_F(SendQueueTest, WeightsDivideThePath) {
  queue.interleave(true, 1'000'000);
  queue.set_weight(StreamId{1}, 1'024);
  queue.set_weight(StreamId{2}, 128);
  add(1, 90'000);
  add(2, 90'000);
  std::size_t heavy = 0;
  for (int i = 0; i < 900; ++i) heavy += take_piece() == 1 ? 1U : 0U;
  EXPECT_NEAR(static_cast<double>(heavy), 800, 20);
}

TEST_F(SendQueueTest, AStreamThatWasNeverUsedCostsNothing) {
  queue.set_weight(StreamId{1}, SendQueue::default_weight);
  queue.set_low_threshold(StreamId{2}, 0);
  EXPECT_FALSE(queue.resetting(StreamId{3}));
  EXPECT_EQ(queue.streams(), 0U);
  queue.set_weight(StreamId{1}, 128);
  EXPECT_EQ(queue.streams(), 1U);
  queue.reset(StreamId{1});
  EXPECT_EQ(queue.streams(), 0U);
}

TEST_F(SendQueueTest, ClearGivesEveryMessageBack) {
  for (std::uint16_t i = 0; i < 20; ++i) add(i, 100);
  queue.clear();
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.total_buffered(), 0U);
  EXPECT_EQ(queue.buffered(StreamId{3}), 100U) << "W3C bufferedAmount does not reset";
}

}  // namespace
}  // namespace linnet::sctp
