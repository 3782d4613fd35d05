#include "client/retry_plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>
#include <vector>

namespace linnet::signaling {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Zeros, or bytes that count on: below() looks for one that fits.
class Counting final : public Generator {
 public:
  explicit Counting(unsigned first, unsigned step = 1) : next_(first), step_(step) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(next_ = (next_ + step_) & 0xffU);
  }

 private:
  unsigned next_;
  unsigned step_;
};

class RetryPlanTest : public testing::Test {
 protected:
  /// Tries again when it is due, in vain; the pause before it.
  milliseconds try_again() {
    plan.lost(now);
    const auto pause = std::chrono::duration_cast<milliseconds>(plan.due() - now);
    now = std::max(now, plan.due());
    plan.begin(now);
    return pause;
  }

  RetryPlan::TimePoint now{seconds(1000)};
  Counting generator{0, 0};
  RetryPlan plan{generator};
};

TEST_F(RetryPlanTest, PausesLongerAfterEachTryUpToSevenSecondsMoreOrLess) {
  std::vector<std::int64_t> pauses;
  plan.begin(now);
  for (int i = 0; i < 8; ++i) pauses.push_back(try_again().count());
  EXPECT_THAT(pauses, testing::ElementsAre(0, 240, 960, 2160, 3840, 5600, 5600, 5600)) << "a fifth less";
}

TEST_F(RetryPlanTest, NeverVariesByMoreThanAFifth) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    Counting other{byte};
    RetryPlan late{other};
    for (const double base : {0.0, 300.0, 1200.0, 2700.0, 4800.0, 7000.0, 7000.0}) {
      late.lost(now);
      const auto pause = static_cast<double>(std::chrono::duration_cast<milliseconds>(late.due() - now).count());
      EXPECT_GE(pause, base * 0.8);
      EXPECT_LE(pause, base * 1.2);
    }
  }
}

TEST_F(RetryPlanTest, BeginsAnewAfterAConnectionThatLastedButNotAfterOneThatBrokeAtOnce) {
  plan.begin(now);
  for (int i = 0; i < 5; ++i) (void)try_again();
  plan.opened(now);
  now += milliseconds(9'999);
  EXPECT_EQ(try_again(), milliseconds(5'600));
  plan.opened(now);
  now += seconds(10);
  EXPECT_EQ(try_again(), milliseconds(0));
  EXPECT_EQ(try_again(), milliseconds(240)) << "that one was not open";
}

TEST_F(RetryPlanTest, TriesAtOnceWhenTheNetworkChangesInAPauseAndBeginsAnew) {
  plan.begin(now);
  for (int i = 0; i < 6; ++i) (void)try_again();
  plan.lost(now);
  now += seconds(1);
  ASSERT_GT(plan.due(), now);
  plan.network_changed(now);
  EXPECT_EQ(plan.due(), now);
  plan.begin(now);
  EXPECT_EQ(try_again(), milliseconds(0));
  EXPECT_EQ(try_again(), milliseconds(240));
}

TEST_F(RetryPlanTest, TakesABreathBetweenTriesHoweverOftenTheNetworkChanges) {
  plan.begin(now);
  for (int i = 0; i < 4; ++i) (void)try_again();
  plan.lost(now);
  const auto tried_at = now;
  now += milliseconds(50);
  plan.network_changed(now);
  EXPECT_EQ(plan.due(), tried_at + milliseconds(300));
  now += milliseconds(50);
  plan.network_changed(now);
  EXPECT_EQ(plan.due(), tried_at + milliseconds(300)) << "nor does it put the try off";
}

TEST_F(RetryPlanTest, NeverTriesLaterBecauseTheNetworkChanged) {
  plan.begin(now);
  plan.lost(now);
  ASSERT_EQ(plan.due(), now);
  plan.network_changed(now);
  EXPECT_EQ(plan.due(), now);
}

TEST_F(RetryPlanTest, ComesNotBeforeTheServerWantsIt) {
  plan.begin(now);
  const auto then = now + seconds(20);
  plan.postpone(then);
  plan.lost(now);
  EXPECT_EQ(plan.due(), then);
  plan.network_changed(now + seconds(1));
  EXPECT_EQ(plan.due(), then) << "not even in another network";
  now = then;
  plan.begin(now);
  plan.network_changed(now);
  EXPECT_EQ(try_again(), milliseconds(0)) << "once only";
}

}  // namespace
}  // namespace linnet::signaling
