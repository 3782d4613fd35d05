#include "old_part.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace linnet::app {

using boost::asio::awaitable;

awaitable<std::expected<bool, std::string>> read_old_part(FileSink& sink, std::function<bool()> wanted) {
  const auto executor = co_await boost::asio::this_coro::executor;
  for (;;) {
    if (!wanted()) co_return false;
    const auto step = sink.read_old_part();
    if (!step) co_return std::unexpected(step.error());
    if (*step) co_return true;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }
}

}  // namespace linnet::app
