#include "sctp/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "sim/allocations.hpp"

namespace linnet::sctp {
namespace {

TEST(Ring, KeepsOrderWhileItGrowsAndWraps) {
  Ring<int> ring;
  std::deque<int> model;
  int next = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 13; ++i) {
      ring.push_back(next);
      model.push_back(next++);
    }
    for (int i = 0; i < round % 11 && !model.empty(); ++i) {
      ASSERT_EQ(ring.pop_front(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(ring.size(), model.size());
    for (std::size_t i = 0; i < model.size(); ++i) ASSERT_EQ(ring[i], model[i]);
    if (model.empty()) continue;
    ASSERT_EQ(ring.front(), model.front());
    ASSERT_EQ(ring.back(), model.back());
  }
}

TEST(Ring, LetsGoOfWhatWasTaken) {
  Ring<std::shared_ptr<int>> ring;
  auto value = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = value;
  ring.push_back(std::move(value));
  (void)ring.pop_front();
  EXPECT_TRUE(watch.expired());
}

TEST(Ring, GivesALotOfMemoryBackWhenItIsEmpty) {
  const std::int64_t before = sim::live_bytes();
  Ring<std::uint64_t> ring;
  for (std::uint64_t i = 0; i < 1'000; ++i) ring.push_back(i);
  while (!ring.empty()) ring.pop_front();
  const std::int64_t kept = sim::live_bytes() - before;
  EXPECT_GT(kept, 0) << "a little stays for the next";
  for (std::uint64_t i = 0; i < 100'000; ++i) ring.push_back(i);
  for (std::uint64_t i = 0; i < 100'000; ++i) ASSERT_EQ(ring.pop_front(), i);
  EXPECT_EQ(sim::live_bytes(), before);
  ring.push_back(1);
  EXPECT_EQ(ring.front(), 1U);
}

TEST(Ring, MovesAndClears) {
  Ring<std::unique_ptr<int>> ring;
  ring.push_back(std::make_unique<int>(7));
  Ring<std::unique_ptr<int>> other(std::move(ring));
  EXPECT_EQ(*other.front(), 7);
  other.clear();
  EXPECT_TRUE(other.empty());
  other.push_back(std::make_unique<int>(8));
  EXPECT_EQ(*other.back(), 8);
}

}  // namespace
}  // namespace linnet::sctp
