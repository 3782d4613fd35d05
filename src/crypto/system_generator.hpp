#pragma once

#include "linnet/core/generator.hpp"

namespace linnet::crypto {

/// Randomness of the operating system, through OpenSSL's generator. Aborts the process when there is none:
/// nothing that needs secrets may go on without them.
class SystemGenerator final : public Generator {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace linnet::crypto
