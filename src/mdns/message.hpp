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

/// One address record of a response. Names are in lower case, without the last dot.
struct AddressRecord {
  std::string name;
  IpAddress address;
};

/// The A and AAAA records of a DNS response (RFC 1035 section 4), at most `most` of them; empty optional: no
/// response, or a malformed one. Follows compression pointers backwards only, so it always ends.
[[nodiscard]] std::optional<std::vector<AddressRecord>> parse_response(std::span<const std::byte> packet,
                                                                       std::size_t most);

/// Writes a question for the A and AAAA records of `name`; `unicast` asks for a direct answer (RFC 6762
/// section 5.4). Returns the size, 0 when it does not fit or the name is none.
[[nodiscard]] std::size_t write_query(std::span<std::byte> out, std::string_view name, bool unicast);

/// Lower case, without a last dot.
[[nodiscard]] std::string canonical(std::string_view name);

}  // namespace linnet::mdns
