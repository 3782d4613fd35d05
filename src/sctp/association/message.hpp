#pragma once

#include <cstddef>
#include <vector>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// One whole message received from the peer.
struct Message {
  StreamId stream;
  Ppid ppid;
  bool unordered = false;
  std::vector<std::byte> payload;
};

}  // namespace linnet::sctp
