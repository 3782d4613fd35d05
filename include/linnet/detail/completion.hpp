#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <tuple>
#include <utility>

#include "linnet/exception.hpp"

namespace linnet {

/// The executor type of every object in the API.
using Executor = boost::asio::any_io_executor;

namespace detail {

namespace asio = boost::asio;

/// The completion handler of an operation, its type erased. Called at most once.
template <class... Results>
using Completion = std::move_only_function<void(std::exception_ptr, Results...)>;

/// Erases a completion handler: called, it continues on the handler's own executor, else on `fallback`; until then
/// it counts as outstanding work there.
template <class... Results, class Handler>
[[nodiscard]] Completion<Results...> make_completion(Handler&& handler, const Executor& fallback) {
  auto executor = asio::get_associated_executor(handler, fallback);
  auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
  return [handler = std::forward<Handler>(handler), work = std::move(work)](std::exception_ptr error,
                                                                            Results... results) mutable {
    auto continuation = [handler = std::move(handler), error = std::move(error),
                         results = std::tuple<Results...>{std::move(results)...}]() mutable {
      std::apply([&](Results&... each) { std::move(handler)(std::move(error), std::move(each)...); }, results);
    };
    asio::dispatch(work, std::move(continuation));
  };
}

[[nodiscard]] inline std::exception_ptr exception_of(Error error) {
  return std::make_exception_ptr(Exception{std::move(error)});
}

/// Completes what still waits when the connection or the channel closes.
[[nodiscard]] inline std::exception_ptr closed_exception() {
  return exception_of({.name = ErrorName::InvalidStateError, .message = "it was closed"});
}

}  // namespace detail
}  // namespace linnet
