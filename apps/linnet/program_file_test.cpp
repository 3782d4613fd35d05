#include "program_file.hpp"

#include <gtest/gtest.h>

namespace linnet::app {
namespace {

TEST(ProgramFile, IsThisProgramByItsAbsolutePath) {
  const auto file = program_file();
  EXPECT_TRUE(file.is_absolute());
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
  EXPECT_EQ(file.stem(), "app_test");
}

}  // namespace
}  // namespace linnet::app
