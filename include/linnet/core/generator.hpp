#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linnet {

/// The only source of randomness that a machine may use; it is injected. The runtime gives one backed
/// by the operating system, the simulator a seeded one.
class Generator {
 public:
  Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;
  virtual ~Generator() = default;

  virtual void fill(std::span<std::byte> out) = 0;

  [[nodiscard]] std::uint32_t next_u32();
  [[nodiscard]] std::uint64_t next_u64();
  /// Uniform in [0, bound); `bound` is at least 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

/// Repeatable bytes from a seed (xoshiro256**). Never for keys outside of tests.
class SeededGenerator final : public Generator {
 public:
  explicit SeededGenerator(std::uint64_t seed) noexcept;
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t next() noexcept;
  std::uint64_t state_[4];
};

}  // namespace linnet
