#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.hpp"

namespace linnet::crypto {

/// A certificate's fingerprint as in the SDP attribute `a=fingerprint` (RFC 8122 section 5).
struct Fingerprint {
  std::string algorithm;         ///< Hash function text name in lower case: "sha-256".
  std::vector<std::byte> value;  ///< The hash of the DER certificate.

  /// Reads "sha-256 AB:CD:..", either case; the hash function need not be known.
  [[nodiscard]] static std::optional<Fingerprint> parse(std::string_view text);
  /// Reads the value alone: "AB:CD:..".
  [[nodiscard]] static std::optional<Fingerprint> parse(std::string_view algorithm, std::string_view value);

  /// The value alone, "AB:CD:..".
  [[nodiscard]] std::string value_text() const;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// "sha-256 AB:CD:.."
[[nodiscard]] std::string to_string(const Fingerprint& fingerprint);

/// The name in the IANA registry "Hash Function Textual Names": "sha-256".
[[nodiscard]] std::string_view textual_name(Hash hash) noexcept;
/// The hash function that may identify a certificate: sha-256, sha-384, sha-512. Any other name, and the broken
/// md5 and sha-1, give nothing.
[[nodiscard]] std::optional<Hash> fingerprint_hash(std::string_view algorithm) noexcept;

/// Whether `certificate` (DER) is one that `fingerprints` name. RFC 8122 section 5: of the strongest hash
/// function that we support, one value has to match; all other lines are left aside.
[[nodiscard]] bool matches(std::span<const Fingerprint> fingerprints, std::span<const std::byte> certificate);

}  // namespace linnet::crypto
