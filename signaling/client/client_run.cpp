#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>
#include <string>
#include <utility>

#include "client/client_impl.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;

/// The system's words for the reason, as a part of a sentence.
std::string reason_of(const std::exception_ptr& why) {
  try {
    std::rethrow_exception(why);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) return "it took too long";
    std::string text = e.code().message();
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// What an HTTP server said instead of opening a WebSocket; empty for what says nothing.
std::string http_words(unsigned status) {
  if (status == 0 || status == 101) return {};
  const auto words = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return "it answers HTTP " + std::to_string(status) + " " + std::string{words.data(), words.size()};
}

/// Does it make sense to come back after this close code?
bool may_retry(std::uint16_t code) {
  for (const auto never : {ErrorCode::BadRequest, ErrorCode::UnsupportedVersion, ErrorCode::Unauthorized,
                           ErrorCode::TokenExpired, ErrorCode::IdTaken, ErrorCode::Replaced, ErrorCode::Kicked}) {
    if (code == close_code(never)) return false;
  }
  return true;
}

}  // namespace

asio::awaitable<void> Client::Impl::run() {
  if (options.watch_network) {
    watch_ = AddressWatch::start(executor, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->network_changed();
    });
  }
  while (!ended_) {
    std::exception_ptr why;
    try {
      co_await run_once();
    } catch (...) {
      why = std::current_exception();
    }
    // After what the server said last, which is posted too.
    co_await asio::post(executor, asio::use_awaitable);
    lost(why);
    while (!ended_ && Liveness::Clock::now() < plan_.due()) {  // A change of the network moves it.
      retry_.expires_at(plan_.due());
      boost::system::error_code ec;
      co_await retry_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
  }
  if (watch_) watch_->stop();
}

asio::awaitable<void> Client::Impl::run_once() {
  link_ = Link::make(executor, url_, options);
  const auto now = Liveness::Clock::now();
  plan_.begin(now);
  // One deadline from the first packet to `ready`; heard() takes over from there.
  liveness_.begin(now);
  watch_silence();
  co_await link_->open();
  for (;;) {
    std::string text = co_await link_->read();
    // Posted: a handler runs with nothing of ours on the stack, and what it throws leaves through run().
    asio::post(executor, [self = shared_from_this(), text = std::move(text)] { self->dispatch(text); });
  }
}

void Client::Impl::watch_silence() {
  idle_.expires_at(liveness_.deadline());
  idle_.async_wait([self = weak_from_this(), weak = std::weak_ptr(link_)](boost::system::error_code ec) {
    const auto impl = self.lock();
    const auto link = weak.lock();
    if (!ec && impl && link && link == impl->link_) impl->follow(impl->liveness_.at(Liveness::Clock::now()), {});
  });
}

void Client::Impl::heard() {
  if (!link_) return;
  follow(liveness_.heard(Liveness::Clock::now()), {});
  watch_silence();
}

void Client::Impl::follow(Liveness::Advice advice, std::string_view why) {
  switch (advice) {
    case Liveness::Advice::Nothing: return;
    case Liveness::Advice::Ask: return write({{"type", "ping"}, {"t", ++asked_}});
    case Liveness::Advice::GiveUp:
      if (server_words_.empty()) server_words_ = why;
      if (link_) link_->cut();
      return;
  }
}

void Client::Impl::network_changed() {
  // The first try is the application's: it waits for it, and hears of its end.
  if (ended_ || connecting_) return;
  const auto now = Liveness::Clock::now();
  plan_.network_changed(now);
  if (!link_) {
    retry_.cancel();
    return;
  }
  follow(liveness_.network_changed(now, link_->address_gone()), "this machine left the network that it went through");
  watch_silence();
}

void Client::Impl::lost(std::exception_ptr why) {
  const bool was_open = std::exchange(open, false);
  plan_.lost(Liveness::Clock::now());
  const std::uint16_t code = link_ ? link_->close_code() : std::uint16_t{0};
  std::string words = std::exchange(server_words_, {});
  if (words.empty() && link_) words = link_->close_reason();
  const unsigned status = link_ ? link_->http_status() : 0;
  if (words.empty()) words = http_words(status);
  if (words.empty()) words = reason_of(why);
  idle_.cancel();
  link_.reset();

  if (connecting_) {
    ended_ = true;
    const bool not_allowed = not_allowed_ || status == 401 || status == 403 ||
                             code == signaling::close_code(ErrorCode::Unauthorized) ||
                             code == signaling::close_code(ErrorCode::TokenExpired);
    std::string text = (not_allowed ? "not let in by " : "cannot reach ") + url_.text() + ": " + words;
    if (code == 0 && !not_allowed) text += "; is `linnet serve` running?";
    const auto name = not_allowed ? ErrorName::InvalidAccessError : ErrorName::NetworkError;
    auto completion = std::exchange(connecting_, nullptr);
    completion(detail::exception_of({.name = name, .message = std::move(text)}), Ready{});
    return;
  }
  if (!options.reconnect || !may_retry(code)) ended_ = true;
  const Error problem{.name = ErrorName::NetworkError, .message = "the signaling connection was lost: " + words};
  asio::post(executor, [self = shared_from_this(), problem] { self->fail_pending(problem); });
  if (!was_open) return;  // A try to come back failed; that it was lost has been told.
  asio::post(executor, [state = closed, event = Closed{code, words, !ended_}] { state->emit(event); });
}

void Client::Impl::fail_pending(const Error& problem) {
  if (connecting_) std::exchange(connecting_, nullptr)(detail::exception_of(problem), Ready{});
  while (!pending_.empty()) {
    auto node = pending_.extract(pending_.begin());
    complete(std::move(node.mapped()), problem);
  }
}

}  // namespace linnet::signaling
