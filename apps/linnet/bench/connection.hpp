#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "linnet/linnet.hpp"
#include "linnet/signaling/negotiator.hpp"

namespace linnet::app::bench {

/// One measured connection and its negotiation. Owned by an End.
class Connection {
 public:
  using Id = std::uint32_t;

  Connection(Id number, Executor executor, Configuration configuration, const Tuning& tuning)
      : id(number), pc(std::move(executor), std::move(configuration), tuning) {}

  Id id;
  PeerConnection pc;
  std::optional<signaling::Negotiator> negotiator{};
  std::vector<DataChannel> channels{};  ///< Kept, so that they stay open and read.
};

}  // namespace linnet::app::bench
