#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <vector>

#include "api/testing_pair.hpp"
#include "linnet/runtime.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using testing::Pair;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t total = 4'000'000;
#else
constexpr std::size_t total = 100'000'000;
#endif
constexpr std::size_t piece = 64 * 1'024;

std::byte byte_at(std::size_t i) { return static_cast<std::byte>((i * 2'654'435'761U) >> 13); }

awaitable<void> send_all(DataChannel channel, std::size_t size) {
  std::vector<std::byte> buffer(piece);
  for (std::size_t at = 0; at < size; at += piece) {
    const std::size_t n = std::min(piece, size - at);
    std::ranges::generate(buffer, [i = at]() mutable { return byte_at(i++); });
    co_await channel.writable();
    channel.send(std::span<const std::byte>{buffer}.first(n));
  }
  channel.close();
}

awaitable<std::size_t> receive_all(DataChannel channel) {
  std::size_t at = 0;
  while (auto message = co_await channel.receive()) {
    for (const std::byte b : message->data) {
      if (b != byte_at(at)) throw std::runtime_error{"a byte differs"};
      ++at;
    }
  }
  co_return at;
}

TEST(Transfer, BringsAHundredMegabytesThroughWithBackPressure) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  testing::run(
      io,
      [](Pair& p, asio::io_context& context) -> awaitable<void> {
        auto out = p.a->create_data_channel("file");
        auto event = co_await p.b->on_data_channel.next();
        asio::co_spawn(context, send_all(out, total), [](std::exception_ptr e) {
          if (e) std::rethrow_exception(e);
        });
        const std::size_t got = co_await receive_all(event.channel);
        EXPECT_EQ(got, total);
      }(pair, io),
      std::chrono::seconds{110});
}

TEST(Transfer, WorksBetweenConnectionsOnTwoThreads) {
  Runtime runtime{2};
  EXPECT_EQ(runtime.size(), 2U);
  const Executor on_a = runtime.executor(), on_b = runtime.executor();
  PeerConnection a{on_a}, b{on_b};
  a.on_ice_candidate = [&](const IceCandidateEvent& e) {
    if (e.candidate) b.add_ice_candidate(*e.candidate, [](std::exception_ptr) {});
  };
  // What takes no completion token belongs on the connection's own thread.
  auto out = asio::post(on_a, asio::use_future([&] { return a.create_data_channel("file"); })).get();
  auto announced = b.on_data_channel.next(asio::use_future);
  auto offer = a.create_offer(asio::use_future).get();
  b.set_remote_description(offer, asio::use_future).get();
  auto answer = b.create_answer(asio::use_future).get();
  a.set_local_description(offer, asio::use_future).get();
  b.set_local_description(answer, asio::use_future).get();
  a.set_remote_description(answer, asio::use_future).get();
  auto sent = asio::co_spawn(on_a, send_all(out, total / 20), asio::use_future);
  auto event = announced.get();
  auto got = asio::co_spawn(on_b, receive_all(event.channel), asio::use_future);
  sent.get();
  EXPECT_EQ(got.get(), total / 20);
  // Each is closed where it lives.
  asio::post(on_a, asio::use_future([&] {
               out = {};
               a.close();
             }))
      .get();
  asio::post(on_b, asio::use_future([&] {
               event.channel = {};
               b.close();
             }))
      .get();
  runtime.join();
}

}  // namespace
}  // namespace linnet
