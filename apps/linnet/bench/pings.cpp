#include "bench/pings.hpp"

#include <array>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "bench/gate.hpp"
#include "linnet/exception.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::size_t warm_up = 20;
constexpr std::chrono::seconds patience{15};

/// One run of pings; the handler of the channel keeps it.
struct Game {
  explicit Game(const asio::any_io_executor& executor) : over(executor) {}

  std::array<std::byte, 64> message{};
  Samples microseconds;
  std::size_t round = 0;
  Clock::time_point sent{};
  Clock::time_point end{};
  Gate over;
};

}  // namespace

asio::awaitable<Samples> ping(DataChannel channel, std::chrono::duration<double> seconds) {
  const auto executor = co_await asio::this_coro::executor;
  const auto game = std::make_shared<Game>(executor);
  game->end = Clock::now() + std::chrono::duration_cast<Clock::duration>(seconds);
  channel.on_message = [channel, game] {
    const auto now = Clock::now();
    if (++game->round > warm_up)
      game->microseconds.add(std::chrono::duration<double, std::micro>(now - game->sent).count());
    if (now >= game->end && game->microseconds.size() > 0) return game->over.open();
    game->sent = Clock::now();
    channel.send(game->message);
  };
  game->sent = Clock::now();
  channel.send(game->message);
  const bool done = co_await game->over.wait(seconds + patience);
  channel.on_message = nullptr;
  if (!done) throw Exception{{.name = ErrorName::NetworkError, .message = "the other side does not echo"}};
  co_return game->microseconds;
}

void report_round_trip(Report& report, const Samples& microseconds) {
  const auto p50 = microseconds.percentile(50);
  const auto p99 = microseconds.percentile(99);
  const auto max = microseconds.percentile(100);
  report.value("rtt_us_p50", p50);
  report.value("rtt_us_p99", p99);
  report.value("rtt_us_max", max);
  report.row("there and back",
             "p50 " + in_words(p50, 1) + " us, p99 " + in_words(p99, 1) + " us, max " + in_words(max) + " us");
}

}  // namespace linnet::app::bench
