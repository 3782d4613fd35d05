#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "sdp/description.hpp"

namespace linnet::sdp {

struct ParseError {
  std::uint32_t line = 0;  ///< From 1; the line at which reading stopped.
  std::string text;        ///< What was wrong, in plain words.

  friend bool operator==(const ParseError&, const ParseError&) = default;
};

/// What a hostile text may cost at most.
struct Limits {
  std::size_t max_size = std::size_t{1} << 20;
  std::size_t max_lines = 20'000;
  std::size_t max_media = 256;
};

/// Reads any text; lines end in CRLF or LF. Strict in v=, o=, s=, t=, m= and c=, in the order of lines and
/// in what may stand twice; lenient as browsers are elsewhere (unknown attributes and protocols, a missing
/// last line end). Never throws for its input.
[[nodiscard]] std::expected<Description, ParseError> parse(std::string_view text, const Limits& limits = {});

}  // namespace linnet::sdp
