#include "bench/report.hpp"

#include <gtest/gtest.h>

namespace linnet::app::bench {
namespace {

TEST(Report, WritesNumbersThatAPersonAndAProgramRead) {
  Output output{true, true};
  Report report{output};
  EXPECT_EQ(report.json(), "{}");
  report.value("big", 1234567.0);
  report.value("small", 0.12345);
  report.value("none", 0);
  report.value("ten", 10);
  EXPECT_EQ(report.json(), R"({"big": 1234567, "small": 0.123, "none": 0, "ten": 10})");
}

TEST(Report, GroupsDigitsByThree) {
  EXPECT_EQ(in_words(0), "0");
  EXPECT_EQ(in_words(999), "999");
  EXPECT_EQ(in_words(1000), "1,000");
  EXPECT_EQ(in_words(1234567.89), "1,234,568");
  EXPECT_EQ(in_words(1234567.89, 1), "1,234,567.9");
  EXPECT_EQ(in_words(-100), "-100");
  EXPECT_EQ(in_words(-1000), "-1,000");
}

}  // namespace
}  // namespace linnet::app::bench
