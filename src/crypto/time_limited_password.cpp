#include "crypto/time_limited_password.hpp"

#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "crypto/hmac.hpp"

namespace linnet::crypto {

std::string time_limited_password(std::string_view secret, std::string_view username) {
  return base64(hmac_sha1(as_bytes(secret), as_bytes(username)));
}

}  // namespace linnet::crypto
