#include "dtls/replay_window.hpp"

#include <gtest/gtest.h>

#include <set>

#include "linnet/core/generator.hpp"

namespace linnet::dtls {
namespace {

TEST(ReplayWindow, KnowsWhatItHasSeen) {
  ReplayWindow window;
  EXPECT_TRUE(window.fresh(0));
  window.note(0);
  EXPECT_FALSE(window.fresh(0));
  EXPECT_TRUE(window.fresh(1));
  window.note(5);
  EXPECT_TRUE(window.fresh(4));
  window.note(4);
  EXPECT_FALSE(window.fresh(4));
  EXPECT_TRUE(window.fresh(3));
}

TEST(ReplayWindow, TakesWhatIsOlderThanItselfForSeen) {
  ReplayWindow window;
  window.note(1'000);
  EXPECT_FALSE(window.fresh(1'000 - ReplayWindow::size));
  EXPECT_TRUE(window.fresh(1'001 - ReplayWindow::size));
}

TEST(ReplayWindow, ForgetsAllAfterALargeJump) {
  ReplayWindow window;
  for (std::uint64_t i = 0; i < 600; ++i) window.note(i);
  window.note(1'000'000);
  EXPECT_FALSE(window.fresh(1'000'000));
  for (std::uint64_t i = 1; i < ReplayWindow::size; ++i) EXPECT_TRUE(window.fresh(1'000'000 - i)) << i;
}

TEST(ReplayWindow, AgreesWithASetOfNumbers) {
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  SeededGenerator random{3};
  std::uint64_t top = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t ahead = top + random.below(400);
    const std::uint64_t s = ahead >= 350 ? ahead - 350 : 0;
    const bool fresh = s > top || seen.empty() || (top - s < ReplayWindow::size && !seen.contains(s));
    ASSERT_EQ(window.fresh(s), fresh) << s << " of " << top;
    if (!fresh) continue;
    window.note(s);
    seen.insert(s);
    top = std::max(top, s);
  }
}

}  // namespace
}  // namespace linnet::dtls
