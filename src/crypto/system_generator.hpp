#pragma once

#include <array>
#include <cstddef>

#include "linnet/core/generator.hpp"

namespace linnet::crypto {

/// Randomness of the operating system, through OpenSSL's generator. Aborts the process when there is none:
/// nothing that needs secrets may go on without them.
/// Small pieces come from a supply of its own, since OpenSSL's generator takes as long for eight bytes as for a
/// hundred; nothing that was given out stays in it. After fork(), an object that was there before belongs to one of the
/// two.
class SystemGenerator final : public Generator {
 public:
  ~SystemGenerator() override;
  void fill(std::span<std::byte> out) override;

 private:
  std::array<std::byte, 128> supply_{};
  std::size_t left_ = 0;  ///< How much of the supply's end has not been given out.
};

}  // namespace linnet::crypto
