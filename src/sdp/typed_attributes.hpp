#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/description.hpp"
#include "sdp/parser.hpp"

namespace linnet::sdp {

/// RFC 8122: a=fingerprint.
struct Fingerprint {
  std::string algorithm;  ///< Lower case: "sha-256".
  std::string value;      ///< Upper case: "AB:CD:...".

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
[[nodiscard]] std::optional<Fingerprint> parse_fingerprint(std::string_view value);
[[nodiscard]] std::string to_string(const Fingerprint& fingerprint);

/// RFC 4145 and RFC 8842: a=setup.
enum class Setup : std::uint8_t { Actpass, Active, Passive };
[[nodiscard]] std::optional<Setup> parse_setup(std::string_view value);
[[nodiscard]] std::string_view to_string(Setup setup) noexcept;

/// RFC 8839 section 5.1: what every candidate line has; extensions are kept unread.
struct CandidateLine {
  std::string_view foundation;
  std::uint16_t component = 1;
  std::string_view transport;
  std::uint32_t priority = 0;
  std::string_view address;
  std::uint16_t port = 0;
  std::string_view type;
  std::string_view rest;  ///< After the type: raddr, rport, extensions.

  [[nodiscard]] std::optional<std::string_view> extension(std::string_view name) const noexcept;
};
/// Reads "candidate:..." or what follows the colon. The views borrow `text`.
[[nodiscard]] std::optional<CandidateLine> parse_candidate(std::string_view text);

/// RFC 5888 and RFC 9143: a=group.
struct Group {
  std::string semantics;
  std::vector<std::string> mids;

  friend bool operator==(const Group&, const Group&) = default;
};
[[nodiscard]] std::optional<Group> parse_group(std::string_view value);
[[nodiscard]] std::string to_string(const Group& group);

/// RFC 8839 section 5.4: ufrag 4 to 256, password 22 to 256 ice-chars.
[[nodiscard]] bool is_ice_ufrag(std::string_view text) noexcept;
[[nodiscard]] bool is_ice_password(std::string_view text) noexcept;
/// RFC 8866 token: a mid, a tag.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Decimal digits that fit `T`'s 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

}  // namespace linnet::sdp
