#include "sctp/tx/delivery_rate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{1s};

struct DeliveryRateTest : testing::Test {
  DeliveryRate rate;
  std::array<Fragment, 20> fragments{};
  std::size_t in_flight = 0;

  void send(std::size_t i, TimePoint now) {
    fragments[i].sent_at = now;
    rate.sent(now, fragments[i], in_flight, 1'000);
    in_flight += 1'000;
  }
  void acknowledge(std::size_t i, TimePoint now) {
    rate.acknowledged(now, fragments[i], 1'000);
    in_flight -= 1'000;
  }
};

TEST_F(DeliveryRateTest, ASteadyFlowIsMeasuredAsWhatItIs) {
  // A packet each millisecond, each acknowledged ten later.
  for (std::size_t ms = 0; ms < 20; ++ms) {
    const TimePoint now = start + static_cast<int>(ms) * 1ms;
    if (ms >= 10) acknowledge(ms - 10, now);
    send(ms, now);
    if (const auto sample = rate.sample(10ms); ms >= 12) {
      ASSERT_TRUE(sample);
      const double per_second =
          static_cast<double>(sample->delivered) / std::chrono::duration<double>(sample->interval).count();
      EXPECT_GT(per_second, 0.05e6);
      EXPECT_LT(per_second, 1.01e6);
      EXPECT_EQ(sample->prior_delivered, 0U) << "nothing was delivered when it was sent";
    }
  }
}

TEST_F(DeliveryRateTest, ABurstOfAcksIsNotFasterThanWhatWasSent) {
  for (std::size_t i = 0; i < 10; ++i) send(i, start + static_cast<int>(i) * 1ms);
  for (std::size_t i = 0; i < 10; ++i) acknowledge(i, start + 30ms);
  const auto sample = rate.sample(20ms);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->delivered, 10'000U);
  EXPECT_GT(sample->interval, 29ms);
}

TEST_F(DeliveryRateTest, SoonerThanAnyRoundTripIsNoSample) {
  send(0, start);
  acknowledge(0, start + 1ms);
  EXPECT_FALSE(rate.sample(10ms));
  EXPECT_FALSE(rate.sample(0ms)) << "it is not kept for later either";
}

TEST_F(DeliveryRateTest, WhatIsSentAfterTheApplicationPausedIsMarkedUntilItWasDelivered) {
  send(0, start);
  rate.limited_by_application(in_flight);
  send(1, start + 1ms);
  acknowledge(0, start + 10ms);
  EXPECT_FALSE(rate.sample(10ms)->app_limited);
  acknowledge(1, start + 11ms);
  EXPECT_TRUE(rate.sample(10ms)->app_limited);
  send(2, start + 12ms);
  acknowledge(2, start + 22ms);
  EXPECT_FALSE(rate.sample(10ms)->app_limited);
}

}  // namespace
}  // namespace linnet::sctp
