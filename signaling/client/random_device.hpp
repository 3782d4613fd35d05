#pragma once

#include <cstddef>
#include <random>
#include <span>

#include "linnet/core/generator.hpp"

namespace linnet::signaling {

/// Randomness for the jitter of reconnects; nothing secret comes from it.
class RandomDevice final : public Generator {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(device_() & 0xffU);
  }

 private:
  std::random_device device_;
};

}  // namespace linnet::signaling
