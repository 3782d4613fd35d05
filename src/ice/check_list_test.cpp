#include "ice/check_list.hpp"

#include <gtest/gtest.h>

#include <string>

namespace linnet::ice {
namespace {

constexpr std::size_t max_pairs = 20;

CandidatePair pair(std::uint32_t number) {
  CandidatePair out;
  out.path.remote = {IpAddress::v4({192, 0, 2, 1}), static_cast<std::uint16_t>(number)};
  out.path.local = {IpAddress::v4({10, 0, static_cast<std::uint8_t>(number >> 16U), 1}), 4'000};
  out.local_priority = out.remote_priority = number;
  return out;
}

TEST(CheckList, ForgetsTheFoundationsOfPairsThatAreGone) {
  CheckList checks{max_pairs};
  for (std::uint32_t i = 1; i <= 100'000; ++i) {
    ASSERT_NE(checks.add(pair(i), "1", "prflx" + std::to_string(i)), nullptr);
    ASSERT_LE(checks.known_foundations(), 2 * max_pairs);
  }
  EXPECT_EQ(checks.pairs().size(), max_pairs);
}

TEST(CheckList, KnowsTheFoundationsOfItsPairsThoughOthersAreForgotten) {
  CheckList checks{max_pairs};
  const PairId waiting = checks.add(pair(1'000'000), "1", "lasting")->id;
  for (std::uint32_t i = 1; i <= 1'000; ++i) (void)checks.add(pair(i), "1", "prflx" + std::to_string(i));
  ASSERT_NE(checks.find(waiting), nullptr);
  const CandidatePair* const same = checks.add(pair(2'000'000), "1", "lasting");
  ASSERT_NE(same, nullptr);
  EXPECT_EQ(same->foundation, checks.find(waiting)->foundation);
  EXPECT_EQ(same->state, PairState::Frozen) << "the other one of this foundation is tried first";
}

}  // namespace
}  // namespace linnet::ice
