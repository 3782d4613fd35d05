#pragma once

#include <algorithm>
#include <chrono>

#include "linnet/core/generator.hpp"

namespace linnet::signaling {

/// How long to wait before each try to connect again: 0, 0.3, 1.2, 2.7, 4.8, 7, 7 ... seconds, each up to a
/// fifth longer or shorter, so that the peers of a server that came back do not arrive all at once.
class Backoff {
 public:
  explicit Backoff(Generator& generator) : generator_(generator) {}

  [[nodiscard]] std::chrono::milliseconds next() {
    const auto base = std::min<std::uint64_t>(300 * tries_ * tries_, 7000);
    tries_ = std::min<std::uint64_t>(tries_ + 1, 100);
    if (base == 0) return std::chrono::milliseconds(0);
    const std::uint64_t jitter = generator_.below(2 * base / 5 + 1);
    return std::chrono::milliseconds(static_cast<std::int64_t>(base - base / 5 + jitter));
  }
  void reset() { tries_ = 0; }

 private:
  Generator& generator_;
  std::uint64_t tries_ = 0;
};

}  // namespace linnet::signaling
