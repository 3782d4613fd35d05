// Channels by the thousands that are only opened.
#include <gtest/gtest.h>

#include <string>

#include "sim/allocations.hpp"
#include "sim/session/call.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

TEST(ChannelFlood, ChannelsThatAreOnlyOpenedCostBothEndsLittle) {
  constexpr std::size_t count = 32'766;  // with the call's own all of one side's parity
  Call call;
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  m.b.announced.reserve(count + 1);
  const std::int64_t before = live_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(m.a.session->create_data_channel(call.now(), "half open")) << i;
    if (i % 4'000 == 0) m.run_for(100ms);  // the simulator's patience with one instant
  }
  ASSERT_EQ(m.run_until([&] { return m.b.announced.size() == count + 1; }, 60s), Stop::Done) << m.b.announced.size();
  m.run_for(5s);
  EXPECT_LT(live_bytes() - before, static_cast<std::int64_t>(count) * 3'072) << "3 KiB for both ends of one";
  EXPECT_FALSE(m.a.session->create_data_channel(call.now(), "one more"));
  EXPECT_TRUE(call.works());
}

TEST(ChannelFlood, ChannelsBeyondTheLimitAreRefusedAndForgotten) {
  constexpr std::size_t count = 4'000;
  Tuning few;
  few.max_channels = 50;
  Call call{1, {}, few};
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  std::vector<ChannelId> made;
  for (std::size_t i = 0; i < count; ++i) {
    const auto channel = m.a.session->create_data_channel(call.now(), "one too many");
    ASSERT_TRUE(channel) << i;
    made.push_back(*channel);
  }
  m.run_for(20s);
  EXPECT_EQ(m.b.announced.size(), few.max_channels);
  std::size_t open = 0;
  for (const ChannelId channel : made) open += m.a.session->ready_state(channel) == DataChannelState::Open ? 1U : 0U;
  EXPECT_EQ(open, few.max_channels - 1) << "the others were closed by the reset of their streams";
  EXPECT_TRUE(call.works());
}

TEST(ChannelFlood, ChannelsOpenedAndClosedForEverBindNothing) {
  Call call;
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  std::int64_t after_first = 0;
  for (int round = 0; round < 8; ++round) {
    std::vector<ChannelId> made;
    for (int i = 0; i < 250; ++i) made.push_back(m.a.session->create_data_channel(call.now(), "short").value());
    m.run_for(500ms);
    for (const ChannelId channel : made) m.a.session->close_channel(call.now(), channel);
    m.run_for(2s);
    for (const ChannelId channel : made) m.a.session->release_channel(channel);
    while (m.b.announced.size() > 1) {
      m.b.session->release_channel(m.b.announced.back());
      m.b.announced.pop_back();
    }
    if (round == 0) after_first = live_bytes();
  }
  EXPECT_LT(live_bytes() - after_first, 128 * 1'024);
  EXPECT_TRUE(call.works());
}

}  // namespace
}  // namespace linnet::sim
