#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "linnet/core/generator.hpp"

namespace linnet::sim {

/// Makes hostile packets: random bytes, replays of captured packets, and captured ones that are changed,
/// cut, lengthened or spliced. Reuses one buffer.
class Mutator {
 public:
  /// `captured` is borrowed and may be empty.
  Mutator(const std::vector<std::vector<std::byte>>& captured, Generator& generator);

  /// Valid until the next call.
  [[nodiscard]] std::vector<std::byte>& next();

 private:
  void random_bytes(std::size_t size);
  void splice();
  void change_some();

  const std::vector<std::vector<std::byte>>& captured_;
  Generator& generator_;
  std::vector<std::byte> bytes_;
};

}  // namespace linnet::sim
