#include "bench/gate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace linnet::app::bench {

namespace asio = boost::asio;

asio::awaitable<bool> Gate::wait(std::chrono::duration<double> limit) {
  if (!open_) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return open_;
}

}  // namespace linnet::app::bench
