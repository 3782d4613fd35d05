#pragma once

#include <utility>

#include "linnet/core/address.hpp"
#include "turn_server/options.hpp"

namespace linnet::turn_server {

/// Which peer addresses a relay may talk to. A relay speaks from inside the server's network, so that what only that
/// network should reach is denied unless the owner of the server says otherwise (RFC 8656 section 21.1.5). Addresses
/// that stand for no single host, or that hide an IPv4 address from this judgement, are always denied.
class PeerPolicy {
 public:
  explicit PeerPolicy(PeerOptions options) noexcept : options_(std::move(options)) {}

  [[nodiscard]] bool allows(const IpAddress& peer) const noexcept;

 private:
  PeerOptions options_;
};

}  // namespace linnet::turn_server
