#include "sctp/rx/receive_window.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

struct ReceiveWindowTest : testing::Test {
  ReceiveWindow window{1'000'000, 50'000'000};
  TimePoint now{20s};
  void SetUp() override {
    window.measured(100ms);
    window.arrived(now);
    window.pulled(now, 0);
  }
  /// A round trip in which the reader takes `bytes`.
  void round(std::size_t bytes) {
    for (int i = 0; i < 10; ++i) {
      now += 10ms;
      window.arrived(now);
      window.pulled(now, bytes / 10);
    }
  }
};

TEST_F(ReceiveWindowTest, ASlowReaderOrSenderLeavesItAsItIs) {
  for (int i = 0; i < 100; ++i) round(125'000);
  EXPECT_EQ(window.size(), 1'000'000U);
}

TEST_F(ReceiveWindowTest, HoldsEightTimesWhatIsTakenInARoundTrip) {
  round(1'000'000);
  EXPECT_EQ(window.size(), 8'000'000U);
  round(4'000'000);
  EXPECT_EQ(window.size(), 32'000'000U);
  round(1'000'000);
  EXPECT_EQ(window.size(), 32'000'000U) << "less for a moment is no reason to take it back";
}

TEST_F(ReceiveWindowTest, AGigabitOverAHundredMillisecondsFits) {
  for (int i = 0; i < 10; ++i) round(window.size());
  EXPECT_GE(window.size(), 2 * 12'500'000U);
}

TEST_F(ReceiveWindowTest, NeverMoreThanItsLimit) {
  for (int i = 0; i < 10; ++i) round(100'000'000);
  EXPECT_EQ(window.size(), 50'000'000U);
}

TEST_F(ReceiveWindowTest, AQueueIsNoReasonToGrow) {
  window.measured(1s);
  window.measured(10ms);
  for (int i = 0; i < 10; ++i) round(1'000'000);  // 100 kB in 10 ms
  EXPECT_EQ(window.size(), 1'000'000U);
}

TEST_F(ReceiveWindowTest, ALongerPathGetsALargerWindow) {
  window.measured(300us);
  window.path_changed();
  window.measured(100ms);
  for (int i = 0; i < 10; ++i) round(window.size());
  EXPECT_GE(window.size(), 2 * 12'500'000U);
}

TEST_F(ReceiveWindowTest, WithoutAMeasurementARoundTripIsATenthOfASecond) {
  ReceiveWindow unknown{1'000'000, 50'000'000};
  unknown.arrived(now);
  unknown.pulled(now, 0);
  unknown.pulled(now + 50ms, 2'500'000);
  EXPECT_EQ(unknown.size(), 1'000'000U);
  unknown.pulled(now + 100ms, 2'500'000);
  EXPECT_EQ(unknown.size(), 40'000'000U);
}

TEST_F(ReceiveWindowTest, ARestShrinksItButWhatWasToldIsHonoured) {
  round(2'500'000);
  ASSERT_EQ(window.size(), 20'000'000U);
  now += 11s;
  window.arrived(now);
  EXPECT_EQ(window.size(), 1'000'000U);
  EXPECT_EQ(window.accepted(), 20'000'000U);
  now += 11s;
  window.arrived(now);
  EXPECT_EQ(window.accepted(), 1'000'000U);
}

}  // namespace
}  // namespace linnet::sctp
