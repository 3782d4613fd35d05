#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"
#include "sim/allocations.hpp"

namespace linnet {
namespace {

using boost::asio::awaitable;

/// Opens `count` channels from A, as an application holds them: a handle on both sides, and one handler there.
struct Channels {
  explicit Channels(testing::Pair& connected) : pair(connected) {
    theirs.reserve(reserved);
    ours.reserve(reserved);
    pair.b->on_data_channel = [this](const DataChannelEvent& e) {
      e.channel.on_message = [this](const MessageEvent&) { ++received; };
      theirs.push_back(e.channel);
    };
  }

  awaitable<void> open(std::size_t count) {
    const std::size_t all = theirs.size() + count;
    while (ours.size() < all) ours.push_back(pair.a->create_data_channel("many"));
    for (std::size_t i = all - count; i < all; ++i) {
      co_await ours[i].writable();
      ours[i].send("one");
    }
    while (received < all) co_await boost::asio::post(boost::asio::use_awaitable);
  }

  /// What was sent last is kept until the peer acknowledges it, which may take 200 ms.
  awaitable<void> settle() {
    boost::asio::steady_timer timer{pair.a->get_executor()};
    for (int i = 0; i < 20; ++i) {
      const std::int64_t before = sim::live_bytes();
      timer.expires_after(std::chrono::milliseconds{300});
      co_await timer.async_wait(boost::asio::use_awaitable);
      if (sim::live_bytes() == before) co_return;
    }
  }

  static constexpr std::size_t reserved = 8'000;
  testing::Pair& pair;
  std::vector<DataChannel> ours;
  std::vector<DataChannel> theirs;
  std::size_t received = 0;
};

TEST(Memory, AnOpenChannelThatIsIdleCostsLittle) {
  boost::asio::io_context context;
  testing::Pair pair{context.get_executor()};
  Channels channels{pair};
  constexpr std::size_t count = 4'000;
  testing::run(context, channels.open(4'000));  // Queues grow to what they keep when they are empty again.
  testing::run(context, channels.settle());
  const std::int64_t before = sim::live_bytes();
  testing::run(context, channels.open(count));
  testing::run(context, channels.settle());
  const auto each = static_cast<double>(sim::live_bytes() - before) / (2.0 * count);
  RecordProperty("bytes_per_channel", std::to_string(each));
  // Both layers' state, the stream's, the identifiers', and the receiver's handler; not the handles themselves.
  EXPECT_LT(each, 1'000) << "bytes a channel and end";
}

}  // namespace
}  // namespace linnet
