#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using testing::Pair;

// Connects, opens a channel and talks; `arm` sets one handler, which destroys the connection it belongs to.
struct DestroyCase {
  const char* name;
  std::function<void(Pair&, DataChannel&, std::function<void()> destroy)> arm;
};

class DestroyedInside : public ::testing::TestWithParam<DestroyCase> {};

TEST_P(DestroyedInside, LeavesEverythingSound) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  bool destroyed = false;
  auto chat = pair.a->create_data_channel("chat");
  pair.b->on_data_channel = [](const DataChannelEvent& e) {
    e.channel.on_message = [c = e.channel](const MessageEvent& m) {
      c.send(m.text());
      c.close();
    };
  };
  GetParam().arm(pair, chat, [&] {
    destroyed = true;
    pair.a.reset();
  });
  const auto subscription = chat.on_open.add([&] { chat.send("x"); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!destroyed && std::chrono::steady_clock::now() < deadline) io.run_one_until(deadline);
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(chat.ready_state(), DataChannelState::Closed);
  EXPECT_EQ(chat.label(), "chat");
  EXPECT_THROW(chat.send("y"), Exception);
  pair.b.reset();
  io.restart();
  io.run();  // Ends: nothing is left that waits.
}

INSTANTIATE_TEST_SUITE_P(
    Handlers, DestroyedInside,
    ::testing::Values(
        DestroyCase{"NegotiationNeeded", [](Pair& p, DataChannel&, auto d) { p.a->on_negotiation_needed = d; }},
        DestroyCase{"SignalingStateChange", [](Pair& p, DataChannel&, auto d) { p.a->on_signaling_state_change = d; }},
        DestroyCase{"IceCandidate", [](Pair& p, DataChannel&, auto d) { p.a->on_ice_candidate = d; }},
        DestroyCase{"GatheringState", [](Pair& p, DataChannel&, auto d) { p.a->on_ice_gathering_state_change = d; }},
        DestroyCase{"IceState", [](Pair& p, DataChannel&, auto d) { p.a->on_ice_connection_state_change = d; }},
        DestroyCase{"ConnectionState", [](Pair& p, DataChannel&, auto d) { p.a->on_connection_state_change = d; }},
        DestroyCase{"ChannelOpen", [](Pair&, DataChannel& c, auto d) { c.on_open = d; }},
        DestroyCase{"ChannelMessage", [](Pair&, DataChannel& c, auto d) { c.on_message = d; }},
        DestroyCase{"ChannelClose",
                    [](Pair&, DataChannel& c, auto d) {
                      c.on_message = [] {};
                      c.on_close = d;
                    }}),
    [](const auto& p) { return std::string{p.param.name}; });

TEST(Handlers, MayCloseTheChannelInsideOnMessageAndHearNoMoreAfterClosingTheConnection) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  auto chat = pair.a->create_data_channel("chat");
  int heard = 0;
  pair.b->on_data_channel = [&](const DataChannelEvent& e) {
    e.channel.on_message = [&] {
      ++heard;
      pair.b->close();
    };
  };
  chat.on_open = [&] {
    for (int i = 0; i < 10; ++i) chat.send("x");
  };
  testing::run(io, [](DataChannel c) -> awaitable<void> { co_await c.on_close.next(); }(chat));
  EXPECT_EQ(heard, 1);
}

TEST(Handlers, LetExceptionsOutOfRunAndGoOnAfterwards) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  auto chat = pair.a->create_data_channel("chat");
  std::vector<std::string> heard;
  pair.b->on_data_channel = [&](const DataChannelEvent& e) {
    e.channel.on_message = [&](const MessageEvent& m) {
      heard.emplace_back(m.text());
      if (heard.size() == 2) throw std::logic_error{"from the handler"};
    };
  };
  chat.on_open = [&] {
    for (const char* text : {"1", "2", "3", "4"}) chat.send(text);
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  const auto run_until = [&](std::size_t count) {
    while (heard.size() < count && std::chrono::steady_clock::now() < deadline) io.run_one_until(deadline);
  };
  EXPECT_THROW(run_until(4), std::logic_error);
  run_until(4);
  EXPECT_THAT(heard, ::testing::ElementsAre("1", "2", "3", "4"));
}

TEST(Handlers, OfAChannelThatNobodyKeepsDoNotHoldTheOthersBack) {
  asio::io_context io;
  Pair pair{io.get_executor(), Tuning{.receive_window = 65'536}};
  testing::run(io, [](Pair& p) -> awaitable<void> {
    auto ignored = p.a->create_data_channel("ignored");
    {
      auto first = co_await p.b->on_data_channel.next();
      EXPECT_EQ(first.channel.label(), "ignored");
    }
    co_await ignored.writable();
    for (int i = 0; i < 64; ++i) ignored.send(std::vector<std::byte>(16'000));
    auto chat = p.a->create_data_channel("chat");
    auto event = co_await p.b->on_data_channel.next();
    EXPECT_EQ(event.channel.label(), "chat");
    co_await chat.writable();
    chat.send("through");
    auto message = co_await event.channel.receive();
    const bool came = message && message->text() == "through";
    EXPECT_TRUE(came);
  }(pair));
}

TEST(Handlers, OfOnOpenAreDroppedOnceTheyRan) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  auto chat = pair.a->create_data_channel("chat");
  const auto held = std::make_shared<int>(0);
  chat.on_open = [held, chat] { ++*held; };
  const auto subscription = chat.on_open.add([held] { ++*held; });
  testing::run(io, [&]() -> awaitable<void> {
    co_await chat.on_open.next();
    co_await asio::post(asio::use_awaitable);
  }());
  EXPECT_EQ(*held, 2);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Handlers, ANextThatIsCancelledLeavesTheEventUsable) {
  using namespace asio::experimental::awaitable_operators;
  asio::io_context io;
  PeerConnection pc{io};
  testing::run(io, [](PeerConnection& p) -> awaitable<void> {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{1}};
    auto first = co_await (p.on_negotiation_needed.next() || timer.async_wait(asio::use_awaitable));
    EXPECT_EQ(first.index(), 1U);
    auto channel = p.create_data_channel("x");
    co_await p.on_negotiation_needed.next();
    timer.expires_after(std::chrono::milliseconds{1});
    auto second = co_await (channel.receive() || timer.async_wait(asio::use_awaitable));
    EXPECT_EQ(second.index(), 1U);
    timer.expires_after(std::chrono::milliseconds{1});
    auto third = co_await (channel.writable() || timer.async_wait(asio::use_awaitable));
    EXPECT_EQ(third.index(), 1U);
  }(pc));
}

TEST(Handlers, WaitersEndWhenTheConnectionCloses) {
  asio::io_context io;
  PeerConnection pc{io};
  auto channel = pc.create_data_channel("x");
  int ended = 0;
  channel.receive([&](std::exception_ptr e, std::optional<MessageEvent> m) { ended += !e && !m ? 1 : 0; });
  channel.writable([&](std::exception_ptr e) { ended += e ? 1 : 0; });
  channel.on_open.next([&](std::exception_ptr e) { ended += e ? 1 : 0; });
  pc.on_data_channel.next([&](std::exception_ptr e, const DataChannelEvent&) { ended += e ? 1 : 0; });
  io.poll();
  pc.close();
  EXPECT_EQ(ended, 0);
  io.restart();
  io.run();
  EXPECT_EQ(ended, 4);
}

}  // namespace
}  // namespace linnet
