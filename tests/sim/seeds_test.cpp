#include "sim/seeds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <string>

namespace linnet::sim {
namespace {

class SeedsTest : public testing::Test {
 protected:
  SeedsTest() {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (const char* value = std::getenv(names[i])) before_[i] = value;
      unsetenv(names[i]);
    }
  }
  ~SeedsTest() override {
    for (std::size_t i = 0; i < names.size(); ++i) {
      unsetenv(names[i]);
      if (before_[i]) setenv(names[i], before_[i]->c_str(), 1);
    }
  }

 private:
  static constexpr std::array names{"LINNET_SIM_SEED", "LINNET_SIM_SEEDS"};
  std::array<std::optional<std::string>, 2> before_;
};

TEST_F(SeedsTest, CountFromOneByDefault) { EXPECT_THAT(seeds(3), testing::ElementsAre(1, 2, 3)); }

TEST_F(SeedsTest, CanBeRaisedByTheEnvironment) {
  setenv("LINNET_SIM_SEEDS", "5", 1);
  EXPECT_EQ(seeds(3).size(), 5u);
}

TEST_F(SeedsTest, CanBeOneByTheEnvironment) {
  setenv("LINNET_SIM_SEEDS", "5", 1);
  setenv("LINNET_SIM_SEED", "77", 1);
  EXPECT_THAT(seeds(3), testing::ElementsAre(77));
}

TEST_F(SeedsTest, TellHowToRunOneAgain) { EXPECT_THAT(describe_seed(9), testing::HasSubstr("LINNET_SIM_SEED=9")); }

}  // namespace
}  // namespace linnet::sim
