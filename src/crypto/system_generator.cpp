#include "crypto/system_generator.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

namespace linnet::crypto {

void SystemGenerator::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const std::size_t size = std::min<std::size_t>(out.size(), 65'536);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) != 1) std::abort();
    out = out.subspan(size);
  }
}

}  // namespace linnet::crypto
