#include "base/trace_buffer.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace linnet {
namespace {

using namespace std::chrono_literals;

trace::DtlsFlight flight(std::uint16_t messages) { return {.messages = messages}; }

TEST(TraceBuffer, StampsRecordsWithTheTimeThatItWasTold) {
  TraceBuffer buffer{8};
  buffer.advance(TimePoint{2s});
  buffer.add(flight(1));
  buffer.advance(TimePoint{1s});  // older: harmless
  buffer.add(flight(2));
  EXPECT_EQ(buffer.poll()->at, TimePoint{2s});
  EXPECT_EQ(buffer.poll()->at, TimePoint{2s});
  EXPECT_FALSE(buffer.poll());
}

TEST(TraceBuffer, DropsWhatFindsItFullAndTellsHowMuchOnce) {
  TraceBuffer buffer{2};
  for (std::uint16_t i = 0; i < 5; ++i) buffer.add(flight(i));
  EXPECT_EQ(std::get<trace::DtlsFlight>(buffer.poll()->event).messages, 0);
  EXPECT_EQ(std::get<trace::DtlsFlight>(buffer.poll()->event).messages, 1);
  EXPECT_EQ(std::get<trace::RecordsDropped>(buffer.poll()->event).count, 3U);
  EXPECT_FALSE(buffer.poll());
  buffer.add(flight(9));
  EXPECT_EQ(std::get<trace::DtlsFlight>(buffer.poll()->event).messages, 9);
  EXPECT_FALSE(buffer.poll());
}

}  // namespace
}  // namespace linnet
