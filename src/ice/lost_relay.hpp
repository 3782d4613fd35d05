#pragma once

#include <cstddef>
#include <cstdint>

#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"

namespace linnet::ice {

/// A relay that an agent had, or could have had in a network that came, and that is to be had again. A plain value of
/// the agent.
struct LostRelay {
  enum class State : std::uint8_t { Waiting, Trying, Held };
  std::size_t server = 0;  ///< Among those in use.
  Endpoint socket{};       ///< Which asked for it.
  State state = State::Waiting;
  TimePoint at = never;   ///< Waiting: when it is tried. Held: when it is forgotten that it was ever lost.
  unsigned attempts = 0;  ///< Since it was first lost.
  bool told = false;      ///< That it is gone is known.
};

}  // namespace linnet::ice
