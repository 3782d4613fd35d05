#include "bench/echo_traffic.hpp"

#include <utility>

#include "linnet/exception.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;

// Bytes on the way, there and back: 40 ms of a gigabit. An echo that cannot hold its peer back must hold as much.
constexpr std::uint64_t window = std::uint64_t{5} << 20;
constexpr std::chrono::seconds patience{30};

}  // namespace

EchoTraffic::EchoTraffic(const asio::any_io_executor& executor, DataChannel channel)
    : channel_(std::move(channel)), over_(executor) {
  channel_.on_message = [this](const MessageEvent& message) { arrived(message.data.size()); };
  channel_.on_buffered_amount_low = [this] { fill(); };
}

EchoTraffic::~EchoTraffic() {
  channel_.on_message = nullptr;
  channel_.on_buffered_amount_low = nullptr;
}

void EchoTraffic::fill() {
  constexpr std::size_t buffered = std::size_t{1} << 20;
  if (Clock::now() >= end_) return;
  while (sent_ - arrived_.bytes + message_.size() <= window &&
         channel_.buffered_amount() + message_.size() <= buffered) {
    channel_.send(message_);
    sent_ += message_.size();
  }
}

void EchoTraffic::arrived(std::size_t size) {
  arrived_.bytes += size;
  ++arrived_.messages;
  if (Clock::now() < end_) {
    // A burst for each quarter of the window, not a message for each that comes.
    if (sent_ - arrived_.bytes <= window - window / 4) fill();
  } else if (arrived_.bytes >= sent_) {
    over_.open();
  }
}

asio::awaitable<Arrived> EchoTraffic::run(std::size_t size, std::chrono::duration<double> seconds) {
  co_await channel_.writable();
  channel_.set_buffered_amount_low_threshold(std::size_t{1} << 19);
  message_.assign(size, std::byte{});
  const auto start = Clock::now();
  end_ = start + std::chrono::duration_cast<Clock::duration>(seconds);
  fill();
  const bool done = co_await over_.wait(seconds + patience);
  if (!done) throw Exception{{.name = ErrorName::NetworkError, .message = "the other side does not echo everything"}};
  arrived_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  co_return arrived_;
}

}  // namespace linnet::app::bench
