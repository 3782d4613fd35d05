// Gap ack blocks by the hundreds over a large window: what they cost is counted.
#include <gtest/gtest.h>

#include <array>

#include "sctp/tx/test_outstanding.hpp"

namespace linnet::sctp {
namespace {

using namespace testing;

constexpr int fragments = 65'000;
constexpr int blocks = 250;
constexpr int distance = fragments / blocks;

struct GapFlood : Outstanding {
  void SetUp() override {
    queue_message(std::size_t{fragments} * 100);
    send(fragments);
  }
  /// One block in each `distance` TSNs, that many TSNs long, `shift` TSNs behind the first that is possible.
  void report(int shift, int length) {
    std::array<std::byte, std::size_t{4} * blocks> bytes{};
    for (int i = 0; i < blocks; ++i) {
      const int first = 2 + i * distance + shift;
      store_be(bytes.data() + std::ptrdiff_t{4} * i, static_cast<std::uint16_t>(first));
      store_be(bytes.data() + std::ptrdiff_t{4} * i + 2, static_cast<std::uint16_t>(first + length - 1));
    }
    const SackChunk chunk{.cumulative = tsn(0), .gap_count = blocks, .gap_bytes = bytes};
    ASSERT_TRUE(data.handle_sack(start + 10ms, chunk, 10ms).valid);
  }
  /// What `sacks` SACKs cost that report odd TSNs and even ones in turn.
  std::uint64_t alternate(int sacks, int shift, int length) {
    const std::uint64_t before = data.gap_steps();
    for (int i = 0; i < sacks; ++i) report(i % 2 == 0 ? 0 : shift, length);
    return data.gap_steps() - before;
  }
};

TEST_F(GapFlood, BlocksThatStayCostNothingForWhatLiesInThem) {
  report(0, distance / 2);
  const std::uint64_t before = data.gap_steps();
  for (int i = 0; i < 1'000; ++i) report(0, distance / 2);
  EXPECT_LE(data.gap_steps() - before, 1'000U * 4 * blocks);
}

TEST_F(GapFlood, OddAndEvenTsnsInTurnAreBelievedForAWhileOnly) {
  EXPECT_LE(alternate(2, 1, 1), 2U * 10 * blocks) << "a SACK costs what it changes";
  const std::uint64_t cost = alternate(10'000, 1, 1);
  EXPECT_LE(cost, 16U * fragments);
  EXPECT_EQ(alternate(1'000, 1, 1), 0U) << "from now on the cumulative TSN is all that counts";
  (void)sack(fragments);
  EXPECT_TRUE(data.empty());
}

TEST_F(GapFlood, HalvesOfAWindowInTurnAreBelievedForAWhileOnly) {
  const std::uint64_t cost = alternate(10'000, distance / 2, distance / 2 - 1);
  EXPECT_LE(cost, 8U * fragments);
  EXPECT_EQ(alternate(1'000, distance / 2, distance / 2 - 1), 0U);
}

}  // namespace
}  // namespace linnet::sctp
