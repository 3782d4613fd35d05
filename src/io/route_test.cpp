#include "io/route.hpp"

#include <gtest/gtest.h>

namespace linnet::io {
namespace {

TEST(Route, ToLoopbackIsFromLoopback) {
  EXPECT_EQ(source_address({IpAddress::v4({127, 0, 0, 1}), 9}), IpAddress::v4({127, 0, 0, 1}));
}

TEST(Route, ToNowhereIsNone) { EXPECT_FALSE(source_address({IpAddress::v4({255, 255, 255, 255}), 9})); }

}  // namespace
}  // namespace linnet::io
