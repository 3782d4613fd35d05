#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/core/address.hpp"

namespace linnet::mdns {

/// One address record. Names are in lower case, without the last dot.
struct AddressRecord {
  std::string name;
  IpAddress address;
  std::uint32_t ttl = 0;  ///< Seconds.
};

/// What a question may ask for that we have an answer to.
enum class Wanted : std::uint8_t { V4, V6, Any };
struct Question {
  std::string name;
  Wanted wanted = Wanted::Any;
};
struct Query {
  std::uint16_t id = 0;  ///< Zero in multicast DNS, see `write_legacy_response`.
  std::vector<Question> questions;
  std::vector<AddressRecord> known;     ///< Answers that the asker has: they need not be given.
  std::vector<AddressRecord> proposed;  ///< Of a probe (RFC 6762 section 8.1): what the asker is about to say.
};

/// The A and AAAA records of a DNS response (RFC 1035 section 4), at most `most` of them; empty optional: no
/// response, or a malformed one. Follows compression pointers backwards only, so it always ends.
[[nodiscard]] std::optional<std::vector<AddressRecord>> parse_response(std::span<const std::byte> packet,
                                                                       std::size_t most);

/// A DNS query with at most `most` questions and records each; empty optional: none, or a malformed one.
[[nodiscard]] std::optional<Query> parse_query(std::span<const std::byte> packet, std::size_t most);

/// Writes a response that says of `record.name` that this is its one address (with the NSEC record that says that there
/// is none of the other family, RFC 6762 section 6.1). `wanted` goes first. A `ttl` of 0 takes it back.
[[nodiscard]] std::size_t write_response(std::span<std::byte> out, const AddressRecord& record, Wanted wanted);
/// Writes the answer to an asker that is no multicast DNS program but a plain DNS resolver (RFC 6762 section 6.7): its
/// id and question repeated, at most ten seconds to live.
[[nodiscard]] std::size_t write_legacy_response(std::span<std::byte> out, std::uint16_t id, Wanted wanted,
                                                const AddressRecord& record);
/// Writes the question whether somebody else has that name, with what we are about to say (RFC 6762 section 8.1).
[[nodiscard]] std::size_t write_probe(std::span<std::byte> out, const AddressRecord& record);

/// Writes a question for the A and AAAA records of `name`; `unicast` asks for a direct answer (RFC 6762
/// section 5.4). Returns the size, 0 when it does not fit or the name is none.
[[nodiscard]] std::size_t write_query(std::span<std::byte> out, std::string_view name, bool unicast);

/// Lower case, without a last dot.
[[nodiscard]] std::string canonical(std::string_view name);

}  // namespace linnet::mdns
