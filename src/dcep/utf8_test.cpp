#include "dcep/utf8.hpp"

#include <gmock/gmock.h>

#include "base/bytes.hpp"

namespace linnet::dcep {
namespace {

TEST(Utf8, AcceptsEveryLengthAndTheLimitsOfEach) {
  for (const char* text : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "k\xc3\xa4se \xf0\x9f\xa7\x80"}) {
    EXPECT_TRUE(is_utf8(as_bytes(text))) << text;
  }
}

TEST(Utf8, RefusesOverlongSurrogateTooHighCutAndStrayBytes) {
  for (const char* text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\x80", "a\xbf", "\xc2", "\xe2\x82", "\xf0\x9f\xa7", "\xc2q", "\xff"}) {
    EXPECT_FALSE(is_utf8(as_bytes(text))) << text;
  }
}

}  // namespace
}  // namespace linnet::dcep
