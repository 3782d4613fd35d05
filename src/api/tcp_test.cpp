#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using testing::Pair;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t total = 2'000'000;
#else
constexpr std::size_t total = 50'000'000;
#endif

Tuning tcp_only() {
  Tuning tuning;
  tuning.ice_udp = false;
  tuning.ice_tcp = IceTcp::ActivePassive;
  tuning.ice_loopback_only = true;
  return tuning;
}
std::byte byte_at(std::size_t i) { return static_cast<std::byte>((i * 2'654'435'761U) >> 13); }

awaitable<void> send_all(DataChannel channel, std::size_t piece) {
  std::vector<std::byte> buffer(piece);
  for (std::size_t at = 0; at < total; at += piece) {
    const std::size_t n = std::min(piece, total - at);
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

const IceCandidateStats* candidate(const StatsReport& report, bool remote) {
  for (const auto& stats : report)
    if (const auto* found = std::get_if<IceCandidateStats>(&stats.second); found != nullptr && found->remote == remote)
      return found;
  return nullptr;
}

TEST(TcpOnly, BringsMegabytesBothWaysInLargeMessages) {
  asio::io_context io;
  Pair pair{io.get_executor(), tcp_only()};
  testing::run(
      io,
      [](Pair& p, asio::io_context& context) -> awaitable<void> {
        auto at_a = p.a->create_data_channel("file");
        auto event = co_await p.b->on_data_channel.next();
        const auto failed = [](std::exception_ptr e) {
          if (e) std::rethrow_exception(e);
        };
        asio::co_spawn(context, send_all(at_a, 262'144), failed);
        EXPECT_EQ(co_await receive_all(event.channel), total);
        auto back = p.b->create_data_channel("back");
        auto announced = co_await p.a->on_data_channel.next();
        asio::co_spawn(context, send_all(back, 16'384), failed);
        EXPECT_EQ(co_await receive_all(announced.channel), total);
        const StatsReport report = co_await p.a->get_stats();
        for (const bool remote : {false, true}) {
          const IceCandidateStats* const stats = candidate(report, remote);
          EXPECT_NE(stats, nullptr);
          if (stats == nullptr) continue;
          EXPECT_EQ(stats->protocol, "tcp");
          EXPECT_TRUE(stats->tcp_type);
        }
      }(pair, io),
      std::chrono::seconds{110});
}

}  // namespace
}  // namespace linnet
