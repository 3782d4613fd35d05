#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using testing::Pair;

Tuning with_queue(std::size_t bytes) {
  Tuning tuning;
  tuning.max_send_queue = bytes;
  tuning.ice_loopback_only = true;
  return tuning;
}

/// Sends messages of this size until the queue takes no more.
void fill(const DataChannel& channel, std::size_t size) {
  const std::vector<std::byte> message(size);
  try {
    for (;;) channel.send(message);
  } catch (const Exception& full) {
    EXPECT_EQ(full.name(), ErrorName::OperationError);
  }
}

void read_all(const DataChannelEvent& event) {
  event.channel.on_message = [](const MessageEvent&) {};
}

/// Whatever waits on another channel, `writable` means that a message of `size` bytes is taken.
awaitable<void> writes_beside_a_file(Pair& p, std::size_t piece, std::size_t size) {
  auto file = p.a->create_data_channel("file");
  auto chat = p.a->create_data_channel("chat");
  co_await file.writable();
  co_await chat.writable();
  const std::vector<std::byte> message(size);
  for (int i = 0; i < 3; ++i) {
    fill(file, piece);
    co_await chat.writable();
    EXPECT_NO_THROW(chat.send(message));
  }
}

TEST(Writable, MeansThatTheLargestMessageIsTakenThoughAnotherChannelFillsTheQueue) {
  asio::io_context io;
  Pair pair{io.get_executor(), with_queue(1'000'000)};
  pair.b->on_data_channel = read_all;
  testing::run(io, writes_beside_a_file(pair, 50'000, 262'144));
}

TEST(Writable, MeansThatAsMuchAsEverIsTakenWhereTheQueueIsSmallerThanAMessage) {
  asio::io_context io;
  Pair pair{io.get_executor(), with_queue(100'000)};
  pair.b->on_data_channel = read_all;
  testing::run(io, writes_beside_a_file(pair, 30'000, 100'000));
}

}  // namespace
}  // namespace linnet
