#include "stun/types.hpp"

namespace linnet::stun {

std::string_view reason(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::TryAlternate: return "Try Alternate";
    case ErrorCode::BadRequest: return "Bad Request";
    case ErrorCode::Unauthenticated: return "Unauthenticated";
    case ErrorCode::Forbidden: return "Forbidden";
    case ErrorCode::UnknownAttribute: return "Unknown Attribute";
    case ErrorCode::AllocationMismatch: return "Allocation Mismatch";
    case ErrorCode::StaleNonce: return "Stale Nonce";
    case ErrorCode::AddressFamilyNotSupported: return "Address Family not Supported";
    case ErrorCode::WrongCredentials: return "Wrong Credentials";
    case ErrorCode::UnsupportedTransportProtocol: return "Unsupported Transport Protocol";
    case ErrorCode::PeerAddressFamilyMismatch: return "Peer Address Family Mismatch";
    case ErrorCode::AllocationQuotaReached: return "Allocation Quota Reached";
    case ErrorCode::RoleConflict: return "Role Conflict";
    case ErrorCode::ServerError: return "Server Error";
    case ErrorCode::InsufficientCapacity: return "Insufficient Capacity";
  }
  return {};
}

}  // namespace linnet::stun
