// Every cell of the grid of paths, in virtual time: what CUBIC and BBR make of it at least, and CUBIC beside TCP.
#include "sim/sctp/path_floors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "sim/sctp/path_cells.hpp"

namespace linnet::sim {
namespace {

double per_cent(const PathCell& cell, const std::optional<sctp::Options>& flow) {
  return 100 * cell.trial(flow).run().shares[0];
}

std::string name(const testing::TestParamInfo<PathFloors>& info) {
  return std::to_string(info.param.mbps) + "MbitsOver" + std::to_string(info.param.rtt_ms) + "ms";
}

struct EachPath : testing::TestWithParam<PathFloors> {
  void SetUp() override {
    if (sanitized && GetParam().mbps > 10) GTEST_SKIP() << "a path without sanitizers shows the same";
  }
  [[nodiscard]] PathCell cell(std::size_t loss) const {
    return {GetParam().mbps, GetParam().rtt_ms, PathCell::losses[loss]};
  }
};

struct Cubic : EachPath {};
struct Bbr : EachPath {};

TEST_P(Cubic, TakesItsShareOfThePathAndNoLessThanTcpWhereItIsLossy) {
  const auto flow = PathCell::with(CongestionAlgorithm::Cubic);
  double all_ours = 0;
  double all_theirs = 0;
  for (std::size_t loss = 0; loss < PathCell::losses.size(); ++loss) {
    const double ours = per_cent(cell(loss), flow);
    EXPECT_GE(ours, GetParam().per_cent[loss]) << PathCell::losses[loss].name;
    if (PathCell::losses[loss].share < 0.01) continue;
    const double theirs = per_cent(cell(loss), std::nullopt);
    // One run of each: a fading meets the one at its best and misses the other.
    EXPECT_GE(ours, 0.9 * theirs - 1) << PathCell::losses[loss].name;
    all_ours += ours;
    all_theirs += theirs;
  }
  EXPECT_GE(all_ours, 0.97 * all_theirs);
}

TEST_P(Bbr, TakesItsShareOfThePath) {
  const auto flow = PathCell::with(CongestionAlgorithm::Bbr);
  for (std::size_t loss = 0; loss < PathCell::losses.size(); ++loss)
    EXPECT_GE(per_cent(cell(loss), flow), GetParam().per_cent[loss]) << PathCell::losses[loss].name;
}

INSTANTIATE_TEST_SUITE_P(Paths, Cubic, testing::ValuesIn(cubic_floors), name);
INSTANTIATE_TEST_SUITE_P(Paths, Bbr, testing::ValuesIn(bbr_floors), name);

/// The table has each cell once, and says of itself where it is below the bars that were set.
TEST(PathFloorsTable, HasEveryCellAndKeepsTheBars) {
  for (const auto& floors : {cubic_floors, bbr_floors}) {
    std::size_t i = 0;
    for (const int mbps : PathCell::rates)
      for (const int rtt_ms : PathCell::round_trips) {
        ASSERT_LT(i, floors.size());
        EXPECT_EQ(floors[i].mbps, mbps);
        EXPECT_EQ(floors[i++].rtt_ms, rtt_ms);
      }
    EXPECT_EQ(i, floors.size());
  }
  // Every cell to which a bar applies either keeps it or is excused, not both.
  const auto check = [](const auto& table, const auto& excused, bool (*applies)(double loss), double bar) {
    for (const PathFloors& row : table) {
      for (std::size_t i = 0; i < PathCell::losses.size(); ++i) {
        const auto& loss = PathCell::losses[i];
        if (!applies(loss.share)) continue;
        const bool below = std::ranges::any_of(excused, [&](const BelowTheBar& cell) {
          return cell.mbps == row.mbps && cell.rtt_ms == row.rtt_ms && cell.loss == loss.name;
        });
        EXPECT_EQ(row.per_cent[i] < bar, below) << row.mbps << " Mbit/s, " << row.rtt_ms << " ms, " << loss.name;
      }
    }
  };
  check(cubic_floors, cubic_below, [](double loss) { return loss <= 0.001; }, 90);
  check(bbr_floors, bbr_below, [](double loss) { return loss >= 0.05; }, 80);
}

}  // namespace
}  // namespace linnet::sim
