#include "format.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace linnet::app {
namespace {

TEST(Format, GivesBytesInTheLargestUnitOfThousand) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1'000), "1.0 kB");
  EXPECT_EQ(format_bytes(1'234'567), "1.2 MB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "18446.7 PB");
}

TEST(Format, GivesTimeInMinutesOrHours) {
  using std::chrono::seconds;
  EXPECT_EQ(format_duration(seconds{-1}), "0:00");
  EXPECT_EQ(format_duration(seconds{75}), "1:15");
  EXPECT_EQ(format_duration(seconds{3'599}), "59:59");
  EXPECT_EQ(format_duration(seconds{100'000}), "27:46:40");
}

TEST(Format, QuotesARoomWithASpaceForTheShell) {
  EXPECT_EQ(shell_word("lobby-2.x_y"), "lobby-2.x_y");
  EXPECT_EQ(shell_word("our room"), "'our room'");
}

}  // namespace
}  // namespace linnet::app
