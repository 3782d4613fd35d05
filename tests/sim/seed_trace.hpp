#pragma once

#include <gtest/gtest.h>

#include "sim/seeds.hpp"

namespace linnet::sim {

/// While it lives, each failure of the test prints the seed and how to run it again.
///   for (auto seed : sim::seeds(100)) { sim::SeedTrace trace{seed}; ... }
class SeedTrace {
 public:
  explicit SeedTrace(std::uint64_t seed) : trace_(__FILE__, __LINE__, describe_seed(seed)) {}

 private:
  testing::ScopedTrace trace_;
};

}  // namespace linnet::sim
