#include "sctp/tx/out_message.hpp"

#include <gtest/gtest.h>

#include "sim/allocations.hpp"

namespace linnet::sctp {
namespace {

struct MessagePoolTest : testing::Test {
  MessagePool pool;
  std::vector<std::byte> payload = std::vector<std::byte>(100'000);
  std::vector<OutMessage*> taken;

  void take(int count) {
    for (int i = 0; i < count; ++i) taken.push_back(pool.take(payload));
  }
  void give_back() {
    for (OutMessage* const message : taken) pool.give_back(message);
    taken.clear();
  }
};

TEST_F(MessagePoolTest, ABufferIsUsedAgain) {
  take(1);
  give_back();
  const std::uint64_t before = sim::allocations();
  EXPECT_EQ(pool.take(payload)->payload, payload);
  EXPECT_EQ(sim::allocations(), before);
}

TEST_F(MessagePoolTest, KeepsNoMoreThanAMegabyteOfBuffers) {
  const std::int64_t before = sim::live_bytes();
  take(30);
  give_back();
  EXPECT_LE(sim::live_bytes() - before, (1 << 20) + 30'000);
}

TEST_F(MessagePoolTest, GivesAllOfItBackAtRest) {
  pool.rest();
  taken.reserve(30);
  const std::int64_t before = sim::live_bytes();
  take(30);
  give_back();
  EXPECT_GT(sim::live_bytes() - before, 900'000);
  pool.rest();
  EXPECT_LE(sim::live_bytes() - before, 2'000);
  EXPECT_EQ(pool.in_use(), 0U);
  take(2);
  EXPECT_EQ(taken[1]->payload, payload);
}

TEST_F(MessagePoolTest, TakesNothingFromAMessageThatIsInUse) {
  take(2);
  OutMessage* const kept = taken[0];
  pool.give_back(taken[1]);
  pool.rest();
  EXPECT_EQ(kept->payload, payload);
  EXPECT_EQ(pool.in_use(), 1U);
}

}  // namespace
}  // namespace linnet::sctp
