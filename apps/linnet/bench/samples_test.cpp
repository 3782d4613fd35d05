#include "bench/samples.hpp"

#include <gtest/gtest.h>

namespace linnet::app::bench {
namespace {

TEST(Samples, GiveTheNearestRank) {
  Samples samples;
  for (int i = 100; i > 0; --i) samples.add(i);
  EXPECT_EQ(samples.size(), 100);
  EXPECT_EQ(samples.percentile(0), 1);
  EXPECT_EQ(samples.percentile(50), 50);
  EXPECT_EQ(samples.percentile(99), 99);
  EXPECT_EQ(samples.percentile(100), 100);
}

TEST(Samples, GiveTheOnlyValueForEveryPercentile) {
  Samples samples;
  EXPECT_EQ(samples.percentile(50), 0);
  samples.add(7);
  for (const double p : {0.0, 1.0, 50.0, 99.0, 100.0}) EXPECT_EQ(samples.percentile(p), 7);
}

}  // namespace
}  // namespace linnet::app::bench
