#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "linnet/core/address.hpp"

namespace linnet::sim {

/// Header and one XOR-MAPPED-ADDRESS of an IPv6 endpoint.
using StunResponse = std::array<std::byte, 44>;

/// Writes the RFC 8489 success response to a Binding request that came from `from` and returns its size, or
/// 0 when `request` is none. Written apart from src/stun on purpose: a mistake there is not mirrored here.
[[nodiscard]] std::size_t answer_binding_request(std::span<const std::byte> request, const Endpoint& from,
                                                 StunResponse& response);

}  // namespace linnet::sim
