#include "sctp/packet/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace linnet::sctp {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // 0x1EDC6F41, bits reversed

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

consteval Tables make_tables() {
  Tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ polynomial : crc >> 1U;
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[t - 1][i];
      tables[t][i] = (before >> 8U) ^ tables[0][before & 0xFFU];
    }
  return tables;
}

constexpr Tables tables = make_tables();

std::uint32_t table_step(std::uint32_t crc, std::byte b) noexcept {
  return (crc >> 8U) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(b)) & 0xFFU];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t hardware(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = ~crc;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<std::uint32_t>(state);
  for (; left != 0; --left, ++at) narrow = _mm_crc32_u8(narrow, std::to_integer<std::uint8_t>(*at));
  return ~narrow;
}
bool has_hardware() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__aarch64__) && defined(__linux__)
__attribute__((target("+crc"))) std::uint32_t hardware(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint32_t state = ~crc;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    state = __crc32cd(state, word);
  }
  for (; left != 0; --left, ++at) state = __crc32cb(state, std::to_integer<std::uint8_t>(*at));
  return ~state;
}
bool has_hardware() noexcept { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
std::uint32_t hardware(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  return crc32c_portable(bytes, crc);
}
bool has_hardware() noexcept { return false; }
#endif

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint32_t state = ~crc;
  const auto octet = [&at](std::size_t i) { return std::to_integer<std::uint32_t>(at[i]); };
  for (; left >= 8; left -= 8, at += 8) {
    state ^= octet(0) | octet(1) << 8U | octet(2) << 16U | octet(3) << 24U;
    state = tables[7][state & 0xFFU] ^ tables[6][(state >> 8U) & 0xFFU] ^ tables[5][(state >> 16U) & 0xFFU] ^
            tables[4][state >> 24U] ^ tables[3][octet(4)] ^ tables[2][octet(5)] ^ tables[1][octet(6)] ^
            tables[0][octet(7)];
  }
  for (; left != 0; --left, ++at) state = table_step(state, *at);
  return ~state;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  static const bool use_hardware = has_hardware();
  return use_hardware ? hardware(bytes, crc) : crc32c_portable(bytes, crc);
}

}  // namespace linnet::sctp
