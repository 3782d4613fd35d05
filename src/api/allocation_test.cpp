// What a message costs on the whole path: the API, the session, the sockets and the executor, both ends in one process.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "api/testing_pair.hpp"
#include "sim/allocations.hpp"

namespace linnet {
namespace {

using boost::asio::awaitable;

constexpr std::size_t message_size = 64 * 1'024;
constexpr std::uint16_t mtu = 1'200;
constexpr std::size_t warm_up = 300;  // Messages until every buffer has the size that it needs.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t measured = 100;
#else
constexpr std::size_t measured = 1'000;
#endif

/// Keeps a channel full from `on_buffered_amount_low`, counts in `on_message`: no coroutine has a part in it.
struct Bulk {
  explicit Bulk(testing::Pair& connected) : pair(connected), out(pair.a->create_data_channel("bulk")) {
    pair.b->on_data_channel = [this](const DataChannelEvent& e) {
      in = e.channel;
      in.on_message = [this](const MessageEvent&) { ++received; };
    };
    out.set_buffered_amount_low_threshold(1'000'000);
    out.on_open = [this] { fill(); };
    out.on_buffered_amount_low = [this] { fill(); };
  }
  void fill() {
    while (out.buffered_amount() < 2'000'000) out.send(std::span<const std::byte>{payload});
  }
  awaitable<void> until(std::size_t count) {
    while (received < count) co_await boost::asio::post(boost::asio::use_awaitable);
  }

  testing::Pair& pair;
  std::vector<std::byte> payload = std::vector<std::byte>(message_size);
  DataChannel out;
  DataChannel in;
  std::size_t received = 0;
};

TEST(Allocations, TheWholePathTakesAFewForAMessageAndNoneForAPacket) {
  boost::asio::io_context context;
  Tuning tuning;
  tuning.max_mtu = mtu;
  testing::Pair pair{context.get_executor(), tuning};
  Bulk bulk{pair};
  testing::run(context, bulk.until(warm_up));
  const std::uint64_t before = sim::allocations();
  const std::size_t from = bulk.received;
  testing::run(context, bulk.until(from + measured));
  const auto each = static_cast<double>(sim::allocations() - before) / static_cast<double>(bulk.received - from);
  RecordProperty("allocations_per_message", std::to_string(each));
  // A message of 64 KiB is 55 packets or more at this MTU, and a SACK for every other one.
  EXPECT_LT(each, 4.0);
}

}  // namespace
}  // namespace linnet
