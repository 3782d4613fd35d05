#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"

namespace linnet::turn_server {

/// Makes and recognises the nonces of RFC 8489 section 9.2 without keeping any: the moment of making, and a MAC over it
/// and the client's address, port and protocol. So a nonce grows old by itself, cannot be made up, and is worth nothing
/// from elsewhere.
class Nonces {
 public:
  Nonces(Duration lifetime, Generator& generator);

  [[nodiscard]] std::string make(TimePoint now, const Path& client) const;
  /// Whether it is one of ours, for this client and young enough.
  [[nodiscard]] bool fresh(TimePoint now, const Path& client, std::string_view nonce) const;

 private:
  [[nodiscard]] std::string text(std::uint64_t made_at, const Path& client) const;

  Duration lifetime_;
  std::array<std::byte, 32> key_{};
};

}  // namespace linnet::turn_server
