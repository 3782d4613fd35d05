#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace linnet::dtls {

/// Which record sequence numbers of one epoch came already (RFC 6347 section 4.1.2.6). Owned by Connection.
/// Wider than the RFC's 64, because batching networks reorder by more than that.
class ReplayWindow {
 public:
  static constexpr std::uint64_t size = 256;

  /// Whether a record may be looked at: neither seen nor too old to know. Ask before decryption.
  [[nodiscard]] bool fresh(std::uint64_t sequence) const noexcept {
    if (sequence >= next_) return true;
    if (next_ - sequence > size) return false;
    return (word(sequence) & bit(sequence)) == 0;
  }

  /// Notes a record that proved authentic. Never call it before that: a forged number would move the window.
  void note(std::uint64_t sequence) noexcept {
    if (sequence >= next_) {
      const std::uint64_t ahead = sequence - next_ + 1;
      if (ahead >= size) {
        bits_.fill(0);
      } else {
        for (std::uint64_t s = next_; s <= sequence; ++s) word(s) &= ~bit(s);
      }
      next_ = sequence + 1;
    }
    word(sequence) |= bit(sequence);
  }

 private:
  static std::uint64_t bit(std::uint64_t sequence) noexcept { return std::uint64_t{1} << (sequence % 64); }
  std::uint64_t& word(std::uint64_t sequence) noexcept { return bits_[index(sequence)]; }
  const std::uint64_t& word(std::uint64_t sequence) const noexcept { return bits_[index(sequence)]; }
  static std::size_t index(std::uint64_t sequence) noexcept { return static_cast<std::size_t>(sequence % size / 64); }

  std::uint64_t next_ = 0;  // one after the highest number noted
  std::array<std::uint64_t, size / 64> bits_{};
};

}  // namespace linnet::dtls
