#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "crypto/library_context.hpp"

namespace linnet::dtls {

/// What the record layer has to know of a TLS cipher suite. All suites here are ephemeral and AEAD.
struct Suite {
  std::uint16_t id = 0;
  std::string_view name;  ///< As IANA registers it.
  crypto::AeadAlgorithm aead{};
  crypto::Hash prf{};
};

[[nodiscard]] std::optional<Suite> find_suite(std::uint16_t id) noexcept;
/// The suites in our order of preference, as OpenSSL's cipher list.
[[nodiscard]] const char* openssl_suites() noexcept;

/// Keys of one direction.
struct TrafficKey {
  std::vector<std::byte> key;
  std::array<std::byte, 12> iv{};
  std::size_t iv_size = 0;  ///< 4: the salt of GCM (RFC 5288). 12: xored with the sequence number (RFC 7905).
};

/// The master secret of a handshake and what is derived from it (RFC 5246 sections 5, 6.3 and 8.1; RFC 5705).
/// Owned by Connection; lets OpenSSL's handshake object go as soon as it is over. Wiped on destruction.
class Secrets {
 public:
  Secrets(crypto::LibraryContext context, const Suite& suite, std::span<const std::byte, 48> master,
          std::span<const std::byte, 32> client_random, std::span<const std::byte, 32> server_random);
  Secrets(Secrets&&) noexcept = default;
  Secrets& operator=(Secrets&&) noexcept = default;
  ~Secrets();

  struct Keys {
    TrafficKey client;
    TrafficKey server;
  };
  [[nodiscard]] Keys keys() const;
  [[nodiscard]] bool export_keying_material(std::string_view label,
                                            std::optional<std::span<const std::byte>> context_value,
                                            std::span<std::byte> out) const;
  /// "CLIENT_RANDOM", the client's random and the master secret in hexadecimal: a line of NSS's key log format, with
  /// which the whole connection can be read.
  [[nodiscard]] std::string key_log_line() const;
  [[nodiscard]] const Suite& suite() const noexcept { return suite_; }

 private:
  bool prf(std::span<const std::byte> seed, std::span<std::byte> out) const;

  crypto::LibraryContext context_;
  Suite suite_;
  std::array<std::byte, 48> master_;
  std::array<std::byte, 32> client_random_;
  std::array<std::byte, 32> server_random_;
};

}  // namespace linnet::dtls
