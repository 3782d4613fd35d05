#pragma once

#include "sim/link.hpp"

namespace linnet::sim {

/// Draws a bad path: up to 20 % loss, bursts, reordering, duplication, corruption, silences of up to a
/// second, an MTU of 1280, jitter and a small queue. Each of them only sometimes, so that their mixtures differ.
[[nodiscard]] LinkOptions hostile(Generator& generator);

/// A usual good path: 5 to 100 ms, a little jitter, up to 1 % loss.
[[nodiscard]] LinkOptions friendly(Generator& generator);

}  // namespace linnet::sim
