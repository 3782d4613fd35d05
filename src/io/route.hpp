#pragma once

#include <optional>

#include "linnet/core/address.hpp"

namespace linnet::io {

/// The address of this machine that datagrams to `remote` would leave from; nothing when there is no way. Sends
/// nothing.
[[nodiscard]] std::optional<IpAddress> source_address(const Endpoint& remote);

}  // namespace linnet::io
