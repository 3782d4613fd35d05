#include "bench/workload.hpp"

#include <gmock/gmock.h>

namespace linnet::app::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(Workloads, AreReadFromAList) {
  EXPECT_THAT(parse_workloads("w3,W1"), Optional(ElementsAre(Workload::Throughput, Workload::SetUp)));
  EXPECT_THAT(parse_workloads("w5"), Optional(ElementsAre(Workload::ManyChannels)));
}

TEST(Workloads, AreNotGuessed) {
  for (const char* text : {"", "w", "w0", "w6", "w11", "x1", "w1,", ",w1", "w1 w2", "w1,w1", "1", "w-1"})
    EXPECT_EQ(parse_workloads(text), std::nullopt) << text;
}

}  // namespace
}  // namespace linnet::app::bench
