#pragma once

#include <string>
#include <vector>

#include "linnet/core/address.hpp"

namespace linnet::io {

/// The addresses that the system's resolver knows for a host name, the preferred first; none: there is no such name, or
/// nobody answers. Blocks, for as long as the system's settings say.
[[nodiscard]] std::vector<IpAddress> look_up(const std::string& host);

}  // namespace linnet::io
