#include "sctp/tx/rack.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "sctp/tx/minimum_round_trip.hpp"

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{1s};

TEST(Rack, NothingIsPassedBeforeAnythingArrived) {
  const Rack rack;
  EXPECT_FALSE(rack.is_passed(TimePoint{}, Tsn{1}));
}

TEST(Rack, WhatWasSentBeforeTheNewestThatArrivedIsPassedAndOfOneInstantTheLowerTsn) {
  Rack rack;
  rack.acknowledged(start + 20ms, start, Tsn{10}, false, 0ms);
  EXPECT_TRUE(rack.is_passed(start - 1ns, Tsn{11}));
  EXPECT_TRUE(rack.is_passed(start, Tsn{9}));
  EXPECT_FALSE(rack.is_passed(start, Tsn{11}));
  EXPECT_FALSE(rack.is_passed(start + 1ns, Tsn{9})) << "a retransmission was sent later";
  rack.acknowledged(start + 21ms, start - 5ms, Tsn{8}, false, 0ms);
  EXPECT_TRUE(rack.is_passed(start, Tsn{9})) << "something older that arrives late changes nothing";
  EXPECT_EQ(rack.lost_at(start, 5ms), start + 25ms);
}

TEST(Rack, AnAnswerToARetransmissionThatComesTooSoonIsOneToTheOriginal) {
  Rack rack;
  rack.acknowledged(start + 20ms, start, Tsn{10}, false, 20ms);
  rack.acknowledged(start + 40ms, start + 30ms, Tsn{5}, true, 20ms);
  EXPECT_FALSE(rack.is_passed(start + 25ms, Tsn{11}));
  rack.acknowledged(start + 50ms, start + 30ms, Tsn{6}, true, 20ms);
  EXPECT_TRUE(rack.is_passed(start + 25ms, Tsn{11}));
}

TEST(Rack, ThreePacketsBehindAGapNeedNoWindowUntilThePathReorders) {
  Rack rack;
  rack.acknowledged(start + 20ms, start, Tsn{10}, false, 20ms);
  EXPECT_EQ(rack.window(20ms, 30ms, 2, false), 5ms);
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 0ms);
  EXPECT_EQ(rack.window(20ms, 30ms, 0, true), 0ms);
  rack.acknowledged(start + 21ms, start, Tsn{9}, true, 20ms);
  EXPECT_FALSE(rack.reordering_seen()) << "a retransmission comes late by nature";
  rack.acknowledged(start + 21ms, start, Tsn{8}, false, 20ms);
  EXPECT_TRUE(rack.reordering_seen());
  EXPECT_EQ(rack.window(20ms, 30ms, 3, true), 5ms);
}

TEST(Rack, NeedlessRetransmissionsWidenTheWindowOnceARoundUpToARoundTrip) {
  Rack rack;
  rack.acknowledged(start + 20ms, start, Tsn{10}, false, 20ms);
  rack.needless(Tsn{10}, Tsn{20}, true);
  rack.needless(Tsn{15}, Tsn{25}, true);
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 10ms);
  rack.needless(Tsn{20}, Tsn{40}, true);
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 15ms);
  for (std::uint32_t i = 2; i < 1'000; ++i) rack.needless(Tsn{20 * i}, Tsn{20 * (i + 1)}, true);
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 30ms);
  for (int i = 0; i < 15; ++i) rack.recovered();
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 30ms);
  rack.recovered();
  EXPECT_EQ(rack.window(20ms, 30ms, 3, false), 5ms) << "forgotten after sixteen recoveries without";
}

TEST(MinimumRoundTrip, ForgetsAnOldMinimum) {
  MinimumRoundTrip minimum;
  EXPECT_EQ(minimum.value(), 0ms);
  minimum.measured(start, 10ms);
  minimum.measured(start + 4s, 50ms);
  EXPECT_EQ(minimum.value(), 10ms);
  minimum.measured(start + 6s, 50ms);
  EXPECT_EQ(minimum.value(), 10ms);
  minimum.measured(start + 12s, 50ms);
  EXPECT_EQ(minimum.value(), 50ms);
  minimum.measured(start + 100s, 70ms);
  EXPECT_EQ(minimum.value(), 70ms);
}

}  // namespace
}  // namespace linnet::sctp
