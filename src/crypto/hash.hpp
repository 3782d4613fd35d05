#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct evp_md_ctx_st;

namespace linnet::crypto {

/// Hash functions that some RFC of WebRTC asks for. Sha1 and Md5 are for old message formats (STUN), never
/// for telling certificates apart.
enum class Hash : std::uint8_t { Md5, Sha1, Sha256, Sha384, Sha512 };

[[nodiscard]] constexpr std::size_t hash_size(Hash hash) noexcept {
  switch (hash) {
    case Hash::Md5: return 16;
    case Hash::Sha1: return 20;
    case Hash::Sha256: return 32;
    case Hash::Sha384: return 48;
    case Hash::Sha512: return 64;
  }
  return 0;
}

/// The value of a hash function, of the size that the function has.
class Digest {
 public:
  Digest() noexcept = default;
  Digest(const std::array<std::byte, 64>& bytes, std::size_t size) noexcept : bytes_(bytes), size_(size) {}
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span{bytes_}.first(size_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<std::byte, 64> bytes_{};
  std::size_t size_ = 0;
};

[[nodiscard]] Digest hash(Hash algorithm, std::span<const std::byte> data);
/// The hash of all parts, one after another.
[[nodiscard]] Digest hash(Hash algorithm, std::span<const std::span<const std::byte>> parts);

/// SHA-256 of data that comes in pieces. After `finish` it starts anew.
class Sha256 {
 public:
  static constexpr std::size_t size = 32;

  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> data);
  [[nodiscard]] std::array<std::byte, size> finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace linnet::crypto
