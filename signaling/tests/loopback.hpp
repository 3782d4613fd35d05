#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "linnet/signaling/server.hpp"

namespace linnet::signaling {

/// A server on a free loopback port and the one thread that runs everything.
class LoopbackTest : public testing::Test {
 protected:
  using Context = boost::asio::io_context;

  void start(ServerOptions options = {}) {
    options.port = 0;
    server = std::make_unique<Server>(context.get_executor(), std::move(options));
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  /// Runs a coroutine to its end, everything else beside it; what it throws fails the test.
  template <class F>
  void run(F&& body, std::chrono::seconds limit = std::chrono::seconds(20)) {
    bool done = false;
    std::exception_ptr error;
    boost::asio::co_spawn(context, std::forward<F>(body), [&](std::exception_ptr e) {
      error = e;
      done = true;
    });
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done && std::chrono::steady_clock::now() < end) context.run_one_for(std::chrono::milliseconds(100));
    ASSERT_TRUE(done) << "the test did not come to its end";
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        FAIL() << e.what();
      }
    }
  }
  /// Runs until `condition` holds.
  testing::AssertionResult until(const std::function<bool()>& condition,
                                 std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return testing::AssertionFailure() << "it did not happen in time";
      context.run_one_for(std::chrono::milliseconds(20));
    }
    return testing::AssertionSuccess();
  }

  /// Sends bytes as they are and reads until the server closes; the thread of the test does both.
  std::string raw(const std::string& request) {
    std::string answer;
    run([&]() -> boost::asio::awaitable<void> {
      boost::asio::ip::tcp::socket socket(context);
      const boost::asio::ip::tcp::endpoint where(boost::asio::ip::address_v4::loopback(), server->port());
      co_await socket.async_connect(where, boost::asio::use_awaitable);
      boost::system::error_code ec;
      co_await boost::asio::async_write(socket, boost::asio::buffer(request),
                                        boost::asio::redirect_error(boost::asio::use_awaitable, ec));
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer),
                                       boost::asio::redirect_error(boost::asio::use_awaitable, ec));
    });
    return answer;
  }

  Context context;
  std::unique_ptr<Server> server;
};

}  // namespace linnet::signaling
