#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::ElementsAre;
using testing::Pair;

const Tuning local{.ice_loopback_only = true};

void log_end(const DataChannel& channel, std::vector<std::string>& log) {
  channel.on_closing = [&log] { log.emplace_back("closing"); };
  channel.on_error = [&log] { log.emplace_back("error"); };
  channel.on_close = [&log] { log.emplace_back("close"); };
}

TEST(ChannelEvents, TellThePeerOfTheOneWhoClosesThatItIsClosingAndBothThatItIsClosed) {
  asio::io_context io;
  Pair pair{io.get_executor(), local};
  std::vector<std::string> here;
  std::vector<std::string> there;
  testing::run(io, [](Pair& p, auto& near, auto& far) -> awaitable<void> {
    auto chat = p.a->create_data_channel("chat");
    auto event = co_await p.b->on_data_channel.next();
    auto other = event.channel;
    log_end(chat, near);
    log_end(other, far);
    const auto closing = other.on_closing.add([other] { EXPECT_EQ(other.ready_state(), DataChannelState::Closing); });
    co_await chat.writable();
    chat.close();
    co_await chat.on_close.next();
    if (other.ready_state() != DataChannelState::Closed) co_await other.on_close.next();
    EXPECT_EQ(chat.ready_state(), DataChannelState::Closed);
  }(pair, here, there));
  io.poll();
  EXPECT_THAT(here, ElementsAre("close"));
  EXPECT_THAT(there, ElementsAre("closing", "close"));
}

TEST(ChannelEvents, TellThatTheBufferedAmountIsLowOnceForEachTimeItHasBeenAboveTheThreshold) {
  asio::io_context io;
  Pair pair{io.get_executor(), local};
  int lows = 0;
  testing::run(io, [](Pair& p, int& count) -> awaitable<void> {
    auto chat = p.a->create_data_channel("chat");
    EXPECT_EQ(chat.buffered_amount_low_threshold(), 0U);
    chat.set_buffered_amount_low_threshold(1'000);
    EXPECT_EQ(chat.buffered_amount_low_threshold(), 1'000U);
    auto event = co_await p.b->on_data_channel.next();
    auto other = event.channel;
    co_await chat.writable();
    chat.on_buffered_amount_low = [&count, chat] {
      ++count;
      EXPECT_LE(chat.buffered_amount(), 1'000U);
    };
    chat.send(std::vector<std::byte>(1'000));
    EXPECT_EQ(chat.buffered_amount(), 1'000U);
    (void)co_await other.receive();
    other.send("back");
    (void)co_await chat.receive();
    EXPECT_EQ(count, 0);  // It was never above.
    for (const int time : {1, 2}) {
      chat.send(std::vector<std::byte>(100'000));
      EXPECT_EQ(chat.buffered_amount(), 100'000U);
      (void)co_await other.receive();
      other.send("back");
      (void)co_await chat.receive();
      EXPECT_EQ(count, time);
    }
  }(pair, lows));
}

}  // namespace
}  // namespace linnet
