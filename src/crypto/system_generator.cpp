#include "crypto/system_generator.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

namespace linnet::crypto {

namespace {

void draw(std::span<std::byte> out) {
  while (!out.empty()) {
    const std::size_t size = std::min<std::size_t>(out.size(), 65'536);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) != 1) std::abort();
    out = out.subspan(size);
  }
}

}  // namespace

SystemGenerator::~SystemGenerator() { OPENSSL_cleanse(supply_.data(), supply_.size()); }

void SystemGenerator::fill(std::span<std::byte> out) {
  if (out.size() > supply_.size() / 2) return draw(out);
  if (out.size() > left_) {
    draw(supply_);
    left_ = supply_.size();
  }
  const auto piece = std::span{supply_}.last(left_).first(out.size());
  std::ranges::copy(piece, out.begin());
  OPENSSL_cleanse(piece.data(), piece.size());
  left_ -= piece.size();
}

}  // namespace linnet::crypto
