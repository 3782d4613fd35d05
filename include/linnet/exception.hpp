#pragma once

#include <stdexcept>
#include <string_view>
#include <utility>

#include "linnet/core/error.hpp"

namespace linnet {

/// What the W3C calls a DOMException or an RTCError: how the API reports that an operation failed. Synchronous
/// functions throw it; functions that take a completion token complete with it (so `co_await` and `future::get` throw
/// it, a callback gets it as its std::exception_ptr).
class Exception : public std::runtime_error {
 public:
  explicit Exception(Error error) : std::runtime_error(describe(error)), error_(std::move(error)) {}

  /// W3C DOMException.name, as an enumerator; `to_string` gives the W3C string.
  [[nodiscard]] ErrorName name() const noexcept { return error_.name; }
  /// W3C RTCError.errorDetail; None when this is no RTCError.
  [[nodiscard]] ErrorDetail detail() const noexcept { return error_.detail; }
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  static std::string describe(const Error& error) { return std::string{to_string(error.name)} + ": " + error.message; }
  Error error_;
};

}  // namespace linnet
