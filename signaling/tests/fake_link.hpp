#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "client/link.hpp"

namespace linnet::signaling {

/// The connection of a client under test, whose other end is the test. client/fake_link_test.cpp defines Link::make(),
/// so that the linker leaves the real one in its archive.
class FakeLink final : public Link {
 public:
  explicit FakeLink(const Executor& executor) : news_(executor) {}

  boost::asio::awaitable<void> open() override { co_return; }
  boost::asio::awaitable<std::string> read() override {
    while (incoming_.empty() && !lost_) {
      news_.expires_at(boost::asio::steady_timer::time_point::max());
      boost::system::error_code ec;
      co_await news_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ec));
    }
    if (incoming_.empty()) throw boost::system::system_error(boost::asio::error::eof);
    std::string text = std::move(incoming_.front());
    incoming_.pop_front();
    co_return text;
  }
  bool send(std::string text) override {
    sent.push_back(boost::json::parse(text));
    return true;
  }
  void close() override { cut(); }
  void cut() override { lose(0); }
  std::uint16_t close_code() const override { return code_; }
  std::string close_reason() const override { return {}; }
  unsigned http_status() const override { return 101; }
  bool address_gone() override { return gone; }

  void receive(const boost::json::value& frame) {
    incoming_.push_back(boost::json::serialize(frame));
    news_.cancel();
  }
  void lose(std::uint16_t code) {
    if (lost_) return;
    code_ = code;
    lost_ = true;
    news_.cancel();
  }

  static inline std::shared_ptr<FakeLink> current;  ///< Of the one client that is tested at a time.
  static inline int count = 0;                      ///< How many there were.

  std::deque<boost::json::value> sent;
  bool gone = false;  ///< This machine has the address of this link no more.

 private:
  boost::asio::steady_timer news_;
  std::deque<std::string> incoming_;
  std::uint16_t code_ = 0;
  bool lost_ = false;
};

}  // namespace linnet::signaling
