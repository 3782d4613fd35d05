#pragma once

#include <sys/random.h>

#include <cstdlib>
#include <span>

#include "linnet/core/generator.hpp"

namespace linnet::signaling {

/// Randomness of the operating system, for ids and secrets of sessions.
class SystemRandom final : public Generator {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got <= 0) std::abort();  // Without randomness every id could be guessed.
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace linnet::signaling
