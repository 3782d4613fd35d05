#include "crypto/time_limited_password.hpp"

#include <gtest/gtest.h>

namespace linnet::crypto {
namespace {

TEST(TimeLimitedPassword, IsTheMacOfTheUserNameInBase64) {
  // RFC 2202 section 3, test case 2.
  EXPECT_EQ(time_limited_password("Jefe", "what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
  // As Python's hmac and base64 modules have it.
  EXPECT_EQ(time_limited_password("north", "1433895918:ninefingers"), "jy8hTxmOO7UtEKXqSkSlvakPVYA=");
  EXPECT_EQ(time_limited_password("logen", "1433895918:ninefingers"), "HY+Vd729N0UZ/xCzjg1F0GsoMK8=");
}

}  // namespace
}  // namespace linnet::crypto
