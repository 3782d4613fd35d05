#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace linnet {

/// The DOMException names that the W3C WebRTC API uses; `to_string` gives exactly the W3C string.
enum class ErrorName : std::uint8_t {
  InvalidAccessError,
  InvalidCharacterError,
  InvalidModificationError,
  InvalidStateError,
  NetworkError,
  NotFoundError,
  NotReadableError,
  NotSupportedError,
  OperationError,
  SyntaxError,
  RangeError,
  TypeError,
};

/// W3C RTCErrorDetailType.
enum class ErrorDetail : std::uint8_t {
  None,
  DataChannelFailure,
  DtlsFailure,
  FingerprintFailure,
  SctpFailure,
  SdpSyntaxError,
};

[[nodiscard]] std::string_view to_string(ErrorName name) noexcept;
[[nodiscard]] std::string_view to_string(ErrorDetail detail) noexcept;

/// Why an operation failed: what the W3C calls a DOMException or an RTCError. Below the API errors
/// travel as values; the API turns them into `linnet::Exception`.
struct Error {
  ErrorName name = ErrorName::OperationError;
  std::string message;
  ErrorDetail detail = ErrorDetail::None;
  std::optional<std::uint32_t> sdp_line_number{};  ///< W3C RTCError.sdpLineNumber, from 1.
  std::optional<std::uint32_t> sctp_cause_code{};  ///< W3C RTCError.sctpCauseCode, RFC 9260 section 3.3.10.
  std::optional<std::uint32_t> received_alert{};   ///< W3C RTCError.receivedAlert, a TLS alert description.
  std::optional<std::uint32_t> sent_alert{};       ///< W3C RTCError.sentAlert, a TLS alert description.

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorName name, std::string message,
                                                 ErrorDetail detail = ErrorDetail::None) {
  return std::unexpected(Error{.name = name, .message = std::move(message), .detail = detail});
}

}  // namespace linnet
