#include <array>
#include <utility>

#include "linnet/signaling/types.hpp"

namespace linnet::signaling {
namespace {

struct Row {
  ErrorCode code;
  std::string_view text;
  std::uint16_t close;
};
constexpr std::array rows{
    Row{ErrorCode::BadRequest, "bad_request", 4001},
    Row{ErrorCode::UnknownType, "unknown_type", 4001},
    Row{ErrorCode::TooLarge, "too_large", 4001},
    Row{ErrorCode::UnsupportedVersion, "unsupported_version", 4002},
    Row{ErrorCode::Unauthorized, "unauthorized", 4003},
    Row{ErrorCode::TokenExpired, "token_expired", 4004},
    Row{ErrorCode::Forbidden, "forbidden", 4003},
    Row{ErrorCode::BadOrigin, "bad_origin", 4003},
    Row{ErrorCode::InvalidId, "invalid_id", 4005},
    Row{ErrorCode::IdTaken, "id_taken", 4005},
    Row{ErrorCode::RoomFull, "room_full", 4006},
    Row{ErrorCode::RoomLocked, "room_locked", 4003},
    Row{ErrorCode::BadPassword, "bad_password", 4003},
    Row{ErrorCode::NotJoined, "not_joined", 4001},
    Row{ErrorCode::PeerUnavailable, "peer_unavailable", 4001},
    Row{ErrorCode::QueueFull, "queue_full", 4006},
    Row{ErrorCode::RateLimited, "rate_limited", 4006},
    Row{ErrorCode::ServerFull, "server_full", 4007},
    Row{ErrorCode::GoingAway, "going_away", 4008},
    Row{ErrorCode::Replaced, "replaced", 4009},
    Row{ErrorCode::ResumeFailed, "resume_failed", 4010},
    Row{ErrorCode::Kicked, "kicked", 4011},
    Row{ErrorCode::Idle, "idle", 4012},
    Row{ErrorCode::Internal, "internal", 4500},
};

constexpr bool rows_follow_the_enumeration() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::to_underlying(rows[i].code) != i) return false;
  }
  return true;
}
static_assert(rows_follow_the_enumeration());

}  // namespace

std::string_view to_string(ErrorCode code) noexcept { return rows[std::to_underlying(code)].text; }

std::uint16_t close_code(ErrorCode code) noexcept { return rows[std::to_underlying(code)].close; }

std::optional<ErrorCode> parse_error_code(std::string_view text) noexcept {
  for (const Row& row : rows) {
    if (row.text == text) return row.code;
  }
  return std::nullopt;
}

bool is_valid_id(std::string_view id) noexcept {
  const auto alnum = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (id.empty() || id.size() > 64 || !alnum(id.front()) || !alnum(id.back())) return false;
  for (const char c : id) {
    if (!alnum(c) && c != ' ' && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

}  // namespace linnet::signaling
