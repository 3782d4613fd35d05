#include "base/serial.hpp"

#include <gtest/gtest.h>

namespace linnet {
namespace {

using Tsn = Serial32<struct TestTag>;
using Ssn = Serial16<struct TestTag>;

TEST(Serial, OrdersAcrossTheWrap) {
  EXPECT_LT(Tsn{0xffff'ffff}, Tsn{0});
  EXPECT_GT(Tsn{5}, Tsn{0xffff'fff0});
  EXPECT_EQ(Tsn{0} - Tsn{0xffff'ffff}, 1);
  EXPECT_EQ(Tsn{0xffff'ffff} - Tsn{0}, -1);
  EXPECT_LT(Ssn{0xffff}, Ssn{1});
}

TEST(Serial, HalfTheSpaceApartIsBeforeInNeitherDirection) {
  EXPECT_FALSE(Tsn{0} < Tsn{0x8000'0000});
  EXPECT_FALSE(Tsn{0x8000'0000} < Tsn{0});
  EXPECT_TRUE(Tsn{0} < Tsn{0x7fff'ffff});
}

TEST(Serial, IncrementWraps) {
  Ssn ssn{0xffff};
  EXPECT_EQ(++ssn, Ssn{0});
}

}  // namespace
}  // namespace linnet
