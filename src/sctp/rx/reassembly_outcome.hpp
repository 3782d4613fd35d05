#pragma once

#include <cstdint>

namespace linnet::sctp {

/// What became of a received fragment. Both failures end the association.
enum class ReassemblyOutcome : std::uint8_t { Ok, TooLarge, Violation };

}  // namespace linnet::sctp
