#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linnet::sim {

/// The seeds of a test: 1 to `usual`, unless the environment says otherwise:
///   LINNET_SIM_SEEDS=n    1 to n
///   LINNET_SIM_SEED=n     only n, to replay a failure
[[nodiscard]] std::vector<std::uint64_t> seeds(std::uint64_t usual);

/// What a failing test tells: how to run it again.
[[nodiscard]] std::string describe_seed(std::uint64_t seed);

}  // namespace linnet::sim
