#include "turn_server/users.hpp"

#include <charconv>

#include "crypto/time_limited_password.hpp"
#include "stun/message_view.hpp"

namespace linnet::turn_server {
namespace {

/// What is before the colon of "EXPIRY:NAME" (or the whole of "EXPIRY"): decimal digits and nothing else.
std::optional<std::int64_t> expiry(std::string_view username) {
  const auto digits = username.substr(0, username.find(':'));
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc{} || end != digits.data() + digits.size() || seconds < 0) return std::nullopt;
  return seconds;
}

}  // namespace

Users::Users(const Options& options) : realm_(options.realm), secret_(options.secret) {
  for (const User& user : options.users)
    fixed_.insert_or_assign(user.name, stun::long_term_key(user.name, realm_, user.password));
}

std::optional<Key> Users::key(std::string_view username, std::int64_t unix_seconds) const {
  if (const auto found = fixed_.find(username); found != fixed_.end()) return found->second;
  if (secret_.empty()) return std::nullopt;
  const auto until = expiry(username);
  if (!until || *until <= unix_seconds) return std::nullopt;
  return stun::long_term_key(username, realm_, crypto::time_limited_password(secret_, username));
}

std::string_view Users::account(std::string_view username) const {
  if (fixed_.contains(username) || !expiry(username)) return username;
  const auto colon = username.find(':');
  return colon == std::string_view::npos ? std::string_view{} : username.substr(colon + 1);
}

}  // namespace linnet::turn_server
