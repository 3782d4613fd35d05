#pragma once

#include <string>

#include "sdp/description.hpp"

namespace linnet::sdp {

/// RFC 8866 text, lines in its order, each ended by CRLF. `parse(write(d)) == d` for whatever was parsed.
[[nodiscard]] std::string write(const Description& description);

}  // namespace linnet::sdp
