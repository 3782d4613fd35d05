#include "sctp/packet/crc32c.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/generator.hpp"

namespace linnet::sctp {
namespace {

TEST(Crc32c, GivesTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c_portable(as_bytes("123456789")), 0xE3069283U);
}

// RFC 3720 appendix B.4.
TEST(Crc32c, GivesTheValuesOfRfc3720) {
  const std::vector<std::byte> zeros(32, std::byte{0});
  const std::vector<std::byte> ones(32, std::byte{0xFF});
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAU);
  EXPECT_EQ(crc32c(ones), 0x62A8AB43U);
}

TEST(Crc32c, IsTheSameInHardwareInTablesAndInPieces) {
  SeededGenerator generator(7);
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::byte> bytes(size);
    generator.fill(bytes);
    const std::uint32_t whole = crc32c(bytes);
    EXPECT_EQ(whole, crc32c_portable(bytes));
    const std::size_t cut = size / 3;
    const std::span<const std::byte> all(bytes);
    EXPECT_EQ(whole, crc32c(all.subspan(cut), crc32c(all.first(cut))));
  }
}

}  // namespace
}  // namespace linnet::sctp
