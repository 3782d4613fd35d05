#pragma once

#include <span>
#include <string>
#include <string_view>

namespace linnet::signaling {

/// May a page of `origin` (the header's value, empty when absent) open a WebSocket on `host` (the Host header)?
/// Programs send no Origin and may; pages of the same host may; others must be on the list.
[[nodiscard]] bool is_origin_allowed(std::string_view origin, std::string_view host,
                                     std::span<const std::string> allowed);

}  // namespace linnet::signaling
