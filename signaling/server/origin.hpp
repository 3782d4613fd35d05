#pragma once

#include <span>
#include <string>
#include <string_view>

namespace linnet::signaling {

/// The name in a Host header: "Example.ORG.:8080" -> "example.org", "[::1]:80" -> "[::1]".
[[nodiscard]] std::string without_port(std::string_view host);

/// May a page of `origin` (the header's value, empty when absent) open a WebSocket on `host` (the Host header)?
/// Programs send no Origin and may; pages of the same host may; others must be on the list.
[[nodiscard]] bool is_origin_allowed(std::string_view origin, std::string_view host,
                                     std::span<const std::string> allowed);

/// May a request name this host (the Host header, empty when absent)? A server that listens on loopback only answers to
/// localhost, a loopback address and the hosts of the allowed origins; one that others reach cannot know its names.
/// It keeps out DNS rebinding: a foreign page whose name suddenly leads here has the same host as its own origin.
[[nodiscard]] bool is_host_allowed(std::string_view host, std::string_view bind_address,
                                   std::span<const std::string> allowed);

}  // namespace linnet::signaling
