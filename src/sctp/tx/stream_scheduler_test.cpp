#include "sctp/tx/stream_scheduler.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace linnet::sctp {
namespace {

constexpr StreamId a{1};
constexpr StreamId b{2};
constexpr StreamId c{3};

struct Scheduling : testing::Test {
  StreamScheduler scheduler;
  std::map<std::uint16_t, StreamScheduler::VirtualTime> from;
  std::map<std::uint16_t, std::uint16_t> weights{{1, 256}, {2, 256}, {3, 256}};

  void wake(StreamId id, std::size_t size) {
    scheduler.wake(from[id.value()]);
    push(id, size);
  }
  void push(StreamId id, std::size_t size) { scheduler.push(id, from[id.value()], size, weights[id.value()]); }
  StreamId serve(std::size_t size) {
    const StreamId id = scheduler.front();
    scheduler.serve(from[id.value()], size, weights[id.value()]);
    return id;
  }
  /// Turns of `size` bytes that each stream gets of `turns`, all of them having something to send at any time.
  std::map<std::uint16_t, int> share(int turns, std::size_t size) {
    std::map<std::uint16_t, int> got;
    for (const auto& [id, weight] : weights) push(StreamId{id}, size);
    for (int i = 0; i < turns; ++i) {
      const StreamId id = serve(size);
      ++got[id.value()];
      push(id, size);
    }
    return got;
  }
};

TEST_F(Scheduling, EqualStreamsTakeTurns) {
  const auto got = share(300, 1'000);
  for (const auto& [id, turns] : got) EXPECT_EQ(turns, 100) << id;
}

TEST_F(Scheduling, WeightsDivideTheBytes) {
  weights = {{1, 128}, {2, 256}, {3, 512}, {4, 1'024}};
  const auto got = share(1'500, 1'000);
  EXPECT_NEAR(got.at(1), 100, 2);
  EXPECT_NEAR(got.at(2), 200, 2);
  EXPECT_NEAR(got.at(3), 400, 2);
  EXPECT_NEAR(got.at(4), 800, 2);
}

TEST_F(Scheduling, BytesAreShared_NotTurns) {
  push(a, 1'000);
  push(b, 100);
  std::size_t sent_a = 0;
  std::size_t sent_b = 0;
  for (int i = 0; i < 1'100; ++i) {
    const bool first = scheduler.front() == a;
    (first ? sent_a : sent_b) += first ? 1'000U : 100U;
    push(serve(first ? 1'000 : 100), first ? 1'000 : 100);
  }
  EXPECT_NEAR(static_cast<double>(sent_a), static_cast<double>(sent_b), 1'000);
}

TEST_F(Scheduling, WhoWasIdlePassesWhoSendsWithoutEnd) {
  weights[1] = 1'024;
  weights[2] = 128;
  push(a, 1'200);
  for (int i = 0; i < 1'000; ++i) push(serve(1'200), 1'200);
  wake(b, 100);
  EXPECT_EQ(scheduler.front(), b) << "however much heavier the other is";
}

TEST_F(Scheduling, BeingIdleIsNotSavedUp) {
  push(a, 1'000);
  push(b, 1'000);
  serve(1'000);
  serve(1'000);
  push(a, 1'000);
  for (int i = 0; i < 1'000; ++i) push(serve(1'000), 1'000);
  wake(b, 1'000);
  int in_a_row = 0;
  while (scheduler.front() == b) {
    push(serve(1'000), 1'000);
    ++in_a_row;
  }
  EXPECT_LE(in_a_row, 2);
}

TEST_F(Scheduling, RemovesFromAnywhereInTheLine) {
  push(a, 300);
  push(b, 200);
  push(c, 100);
  scheduler.remove(b);
  scheduler.remove(StreamId{9});
  EXPECT_EQ(serve(100), c);
  EXPECT_EQ(serve(300), a);
  EXPECT_TRUE(scheduler.empty());
}

}  // namespace
}  // namespace linnet::sctp
