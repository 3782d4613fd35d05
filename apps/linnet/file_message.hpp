#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace linnet::app {

// The control messages of linnet.file.1, one struct for each type: docs/guide/peer-protocol.md. Plain values; the
// sender and the receiver of a file act on them.

/// What a sender offers. No number is above 2^53, what JSON holds exactly.
struct Offer {
  std::string name;  ///< As it came: safe_elements() makes a path of it, safe_name() what a person is shown.
  std::uint64_t size = 0;
  std::uint64_t index = 0;
  std::uint64_t count = 1;
  std::optional<std::int64_t> modified{};  ///< In milliseconds of Unix time.

  friend bool operator==(const Offer&, const Offer&) = default;
};
struct Accept {
  std::uint64_t offset = 0;
  friend bool operator==(const Accept&, const Accept&) = default;
};
struct Refuse {
  std::string reason;  ///< One line of at most 200 bytes, harmless for a terminal; also in Failure.
  friend bool operator==(const Refuse&, const Refuse&) = default;
};
struct End {
  std::string sha256;
  friend bool operator==(const End&, const End&) = default;
};
struct Received {
  friend bool operator==(const Received&, const Received&) = default;
};
/// The type `error`.
struct Failure {
  std::string reason;
  friend bool operator==(const Failure&, const Failure&) = default;
};
using FileMessage = std::variant<Offer, Accept, Refuse, End, Received, Failure>;

/// Nothing for what is no JSON object, has an unknown type, or lacks what its type needs.
[[nodiscard]] std::optional<FileMessage> parse_file_message(std::string_view text);
[[nodiscard]] std::string to_text(const FileMessage& message);

}  // namespace linnet::app
