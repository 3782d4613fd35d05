#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "turn_server/options.hpp"

namespace linnet::turn_server {

/// The key of a long-term credential, RFC 8489 section 9.2.2.
using Key = std::array<std::byte, 16>;

/// Who may have a relay: users with passwords of their own, and those of the shared secret, "EXPIRY:NAME", until they
/// expire.
class Users {
 public:
  explicit Users(const Options& options);

  /// The key of `username` at `unix_seconds`; nothing for one who is not known or has expired.
  [[nodiscard]] std::optional<Key> key(std::string_view username, std::int64_t unix_seconds) const;
  /// The name that quotas count by: without the expiry.
  [[nodiscard]] std::string_view account(std::string_view username) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::string realm_;
  std::string secret_;
  std::unordered_map<std::string, Key, Hash, std::equal_to<>> fixed_;
};

}  // namespace linnet::turn_server
