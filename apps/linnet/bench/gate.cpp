#include "bench/gate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace linnet::app::bench {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> keep_error(asio::awaitable<void> work, std::exception_ptr& error) {
  try {
    co_await std::move(work);
  } catch (...) {
    error = std::current_exception();
  }
}

asio::awaitable<void> opened(Gate& gate) {
  while (!gate.is_open()) co_await gate.wait(std::chrono::hours{1});
}

}  // namespace

asio::awaitable<bool> Gate::wait(std::chrono::duration<double> limit) {
  if (!open_) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return open_;
}

asio::awaitable<bool> ends_before(asio::awaitable<void> work, Gate& gate) {
  using namespace asio::experimental::awaitable_operators;
  std::exception_ptr error;
  auto either = keep_error(std::move(work), error) || opened(gate);
  const auto first = co_await std::move(either);
  if (first.index() == 1) co_return false;
  if (error) std::rethrow_exception(error);
  co_return true;
}

}  // namespace linnet::app::bench
