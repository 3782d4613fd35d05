#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "base/bytes.hpp"

namespace linnet {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                                {"f", "Zg=="},
                                                                                {"fo", "Zm8="},
                                                                                {"foo", "Zm9v"},
                                                                                {"foob", "Zm9vYg=="},
                                                                                {"fooba", "Zm9vYmE="},
                                                                                {"foobar", "Zm9vYmFy"}}};

TEST(Base64, WritesAndReadsTheVectorsOfTheRfc) {
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64(as_bytes(plain)), coded);
    const auto decoded = decode_base64(coded);
    ASSERT_TRUE(decoded) << coded;
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Base64, ReadsEveryByte) {
  for (unsigned value = 0; value < 256; ++value) {
    const std::vector<std::byte> bytes(1 + value % 5, static_cast<std::byte>(value));
    EXPECT_EQ(decode_base64(base64(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const char* bad : {"Z", "Zg", "Zm8", "Zg=", "Zg===", "====", "=", "Z===", "=Zg=", "Zm=8",
                          "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9", "Zm-_", "Zm9vZg", "Zm9v====", "\xc3\xa9Zm"})
    EXPECT_FALSE(decode_base64(bad)) << bad;
}

}  // namespace
}  // namespace linnet
