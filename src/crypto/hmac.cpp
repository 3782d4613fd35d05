#include "crypto/hmac.hpp"

#include <algorithm>
#include <vector>

#include "crypto/constant_time.hpp"
#include "crypto/hash.hpp"

namespace linnet::crypto {
namespace {

// RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text)). Two runs of the hash function cost less here than
// fetching OpenSSL's MAC object for each message.
template <std::size_t Size>
std::array<std::byte, Size> hmac(Hash algorithm, std::span<const std::byte> key,
                                 std::span<const std::span<const std::byte>> parts) {
  constexpr std::size_t block = 64;  // of SHA-1 and SHA-256
  std::array<std::byte, block> pad{};
  if (key.size() > block) {
    const Digest shortened = hash(algorithm, key);
    std::ranges::copy(shortened.bytes(), pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  constexpr std::size_t inline_parts = 8;
  std::array<std::span<const std::byte>, inline_parts> few;
  std::vector<std::span<const std::byte>> many;
  std::span<std::span<const std::byte>> all;
  if (parts.size() < inline_parts) {
    all = std::span{few}.first(parts.size() + 1);
  } else {
    many.resize(parts.size() + 1);
    all = many;
  }
  for (std::byte& b : pad) b ^= std::byte{0x36};
  all[0] = pad;
  std::ranges::copy(parts, all.begin() + 1);
  const Digest inner = hash(algorithm, all);
  for (std::byte& b : pad) b ^= std::byte{0x36 ^ 0x5c};
  const std::array<std::span<const std::byte>, 2> outer_parts{pad, inner.bytes()};
  const Digest outer = hash(algorithm, outer_parts);
  cleanse(pad);
  std::array<std::byte, Size> out;
  std::ranges::copy(outer.bytes(), out.begin());
  return out;
}

}  // namespace

std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key, std::span<const std::span<const std::byte>> parts) {
  return hmac<20>(Hash::Sha1, key, parts);
}
std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key, std::span<const std::byte> data) {
  return hmac<20>(Hash::Sha1, key, std::span{&data, 1});
}
std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                      std::span<const std::span<const std::byte>> parts) {
  return hmac<32>(Hash::Sha256, key, parts);
}
std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> data) {
  return hmac<32>(Hash::Sha256, key, std::span{&data, 1});
}

}  // namespace linnet::crypto
