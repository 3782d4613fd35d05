#include "bench/traffic.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "linnet/exception.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;

// What one channel, and all of them, keep unsent: enough for any path, and far from the library's limit.
constexpr std::size_t fill_of_one = std::size_t{1} << 20;
constexpr std::size_t fill_of_all = std::size_t{8} << 20;
constexpr std::chrono::seconds patience{60};

}  // namespace

void Traffic::attach(DataChannel channel) {
  channel.on_message = [this, channel](const MessageEvent& message) { read(channel, message); };
  channels_.push_back(std::move(channel));
}

void Traffic::read(const DataChannel& channel, const MessageEvent& message) {
  if (message.binary) {
    if (arrived_.messages++ == 0) first_ = Clock::now();
    arrived_.bytes += message.data.size();
  } else if (message.text() == "end") {
    last_ = Clock::now();
    channel.send("ok");
    if (++ends_ == channels_.size()) ended_.open();
  } else if (missing_ > 0) {
    --missing_;
    if (missing_ == 0) acknowledged_.open();
  }
}

Arrived Traffic::arrived() const {
  auto out = arrived_;
  out.seconds = std::chrono::duration<double>(last_ - first_).count();
  return out;
}

asio::awaitable<void> Traffic::send(std::size_t size, std::chrono::duration<double> seconds) {
  const auto self = shared_from_this();
  missing_ = channels_.size();
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(seconds);
  const auto fill = std::max(std::min(fill_of_one, fill_of_all / std::max<std::size_t>(1, channels_.size())), size);
  for (const auto& channel : channels_) {
    asio::co_spawn(executor_, pour(channel, std::vector<std::byte>(size), fill, end),
                   [self = shared_from_this()](const std::exception_ptr& error) {
                     if (!error) return;
                     self->problem_ = "the connection broke while it was measured";
                     self->acknowledged_.open();
                   });
  }
  const bool done = co_await acknowledged_.wait(seconds + patience);
  if (!done) problem_ = "the other end does not read any more";
  if (!problem_.empty()) throw Exception{{.name = ErrorName::NetworkError, .message = problem_}};
}

asio::awaitable<void> Traffic::ended() {
  const auto self = shared_from_this();
  const bool done = co_await ended_.wait(patience);
  if (!done) throw Exception{{.name = ErrorName::NetworkError, .message = "the other end does not send any more"}};
}

asio::awaitable<void> Traffic::pour(DataChannel channel, std::vector<std::byte> message, std::size_t fill,
                                    Clock::time_point end) {
  co_await channel.writable();
  channel.set_buffered_amount_low_threshold(fill / 2);
  while (Clock::now() < end) {
    // A few dozen messages for each look at the clock.
    std::size_t burst = 64;
    while (burst > 0 && channel.buffered_amount() + message.size() <= fill) {
      channel.send(message);
      --burst;
    }
    if (burst == 0) continue;
    if (channel.buffered_amount() > fill / 2) {
      co_await channel.on_buffered_amount_low.next();
    } else {
      co_await channel.writable();
    }
  }
  channel.send("end");
}

}  // namespace linnet::app::bench
