#pragma once

#include <string>
#include <string_view>

namespace linnet::crypto {

/// The password of a time-limited TURN user "EXPIRY:NAME" (EXPIRY in seconds of Unix time), as a server that shares
/// `secret` computes it: base64(HMAC-SHA1(secret, username)). The scheme of draft-uberti-behave-turn-rest, which coturn
/// calls use-auth-secret.
[[nodiscard]] std::string time_limited_password(std::string_view secret, std::string_view username);

}  // namespace linnet::crypto
