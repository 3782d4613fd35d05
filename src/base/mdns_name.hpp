#pragma once

#include <string_view>

namespace linnet {

/// Whether a name is one that only multicast DNS can answer (RFC 6762 section 3): a single label before ".local", as
/// draft-ietf-mmusic-mdns-ice-candidates makes them.
[[nodiscard]] bool is_mdns_name(std::string_view host) noexcept;

}  // namespace linnet
