#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::ice::turn {

/// The client's side of STUN's long-term credentials (RFC 8489 section 9.2): what the server's challenge says, the key
/// that follows from it, and the integrity of requests and answers. Owned by a TurnClient; sends nothing.
/// Deviation: user name and password are taken as they are, without the preparation of RFC 8265.
class LongTermCredential {
 public:
  LongTermCredential(std::string username, std::string password);

  enum class Challenge : std::uint8_t {
    Accepted,  ///< Ask again, signed with it.
    Repeated,  ///< It was answered already: the server does not want this user name and password.
    Unusable,  ///< It lacks something, is too long, asks for what we cannot, or for less than the one before.
  };
  /// Takes a 401 (Unauthenticated) or, with `stale`, a 438 (Stale Nonce).
  [[nodiscard]] Challenge challenged(const stun::MessageView& error, bool stale);
  /// Whether there was a challenge, so that requests can be signed.
  [[nodiscard]] bool ready() const noexcept { return !key_.empty(); }

  /// Ends a request. The fingerprint may follow.
  void sign(stun::MessageBuilder& request) const;
  /// Whether an answer to a signed request comes from somebody who knows the password.
  [[nodiscard]] bool verify(const stun::MessageView& answer) const;

  /// RFC 8489 sections 14.9 and 14.10 bound both by 128 characters of up to 6 bytes.
  static constexpr std::size_t max_text = 763;

 private:
  enum class Algorithm : std::uint16_t { Md5 = 1, Sha256 = 2 };
  void make_key();

  std::string username_;
  std::string password_;
  std::string realm_;
  std::string nonce_;
  std::vector<std::byte> algorithms_;  ///< The server's PASSWORD-ALGORITHMS; empty: a server of RFC 5389.
  Algorithm algorithm_ = Algorithm::Md5;
  bool hide_username_ = false;
  std::vector<std::byte> key_;
};

}  // namespace linnet::ice::turn
