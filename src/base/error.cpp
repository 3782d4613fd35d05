#include "linnet/core/error.hpp"

#include <utility>

namespace linnet {

std::string_view to_string(ErrorName name) noexcept {
  switch (name) {
    case ErrorName::InvalidAccessError: return "InvalidAccessError";
    case ErrorName::InvalidCharacterError: return "InvalidCharacterError";
    case ErrorName::InvalidModificationError: return "InvalidModificationError";
    case ErrorName::InvalidStateError: return "InvalidStateError";
    case ErrorName::NetworkError: return "NetworkError";
    case ErrorName::NotFoundError: return "NotFoundError";
    case ErrorName::NotReadableError: return "NotReadableError";
    case ErrorName::NotSupportedError: return "NotSupportedError";
    case ErrorName::OperationError: return "OperationError";
    case ErrorName::SyntaxError: return "SyntaxError";
    case ErrorName::RangeError: return "RangeError";
    case ErrorName::TypeError: return "TypeError";
  }
  std::unreachable();
}

std::string_view to_string(ErrorDetail detail) noexcept {
  switch (detail) {
    case ErrorDetail::None: return "";
    case ErrorDetail::DataChannelFailure: return "data-channel-failure";
    case ErrorDetail::DtlsFailure: return "dtls-failure";
    case ErrorDetail::FingerprintFailure: return "fingerprint-failure";
    case ErrorDetail::SctpFailure: return "sctp-failure";
    case ErrorDetail::SdpSyntaxError: return "sdp-syntax-error";
  }
  std::unreachable();
}

}  // namespace linnet
