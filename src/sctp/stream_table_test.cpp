#include "sctp/stream_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/allocations.hpp"

namespace linnet::sctp {
namespace {

constexpr std::array<std::uint16_t, 5> some{0, 15, 16, 1'000, 65'535};
constexpr std::array<std::uint16_t, 6> others{1, 14, 17, 999, 1'001, 65'534};

TEST(StreamTable, FindsWhatWasMadeAndNothingElse) {
  StreamTable<int> table;
  EXPECT_EQ(table.find(StreamId{0}), nullptr);
  for (const std::uint16_t id : some) table.get(StreamId{id}) = id + 1;
  EXPECT_EQ(table.size(), 5U);
  for (const std::uint16_t id : some) EXPECT_EQ(*table.find(StreamId{id}), id + 1);
  for (const std::uint16_t id : others) EXPECT_EQ(table.find(StreamId{id}), nullptr);
}

TEST(StreamTable, AnEntryMadeAgainIsNew) {
  StreamTable<int> table;
  table.get(StreamId{3}) = 7;
  table.get(StreamId{4}) = 8;
  table.erase(StreamId{3});
  table.erase(StreamId{3});
  table.erase(StreamId{900});
  EXPECT_EQ(table.find(StreamId{3}), nullptr);
  EXPECT_EQ(*table.find(StreamId{4}), 8);
  EXPECT_EQ(table.get(StreamId{3}), 0);
  EXPECT_EQ(table.size(), 2U);
}

TEST(StreamTable, TheVisitorIsGivenEachIdentifierWithItsEntry) {
  StreamTable<std::uint32_t> table;
  for (std::uint32_t id = 0; id <= 65'535; ++id) table.get(StreamId{static_cast<std::uint16_t>(id)}) = id + 1;
  EXPECT_EQ(table.size(), 65'536U);
  std::vector<bool> seen(65'536);
  table.for_each([&](StreamId id, std::uint32_t value) {
    EXPECT_EQ(value, id.value() + 1U);
    seen[id.value()] = true;
  });
  EXPECT_EQ(std::ranges::count(seen, true), 65'536);
}

TEST(StreamTable, IdentifiersOfOneParityFillTheirPages) {
  const auto cost = [](std::uint16_t step) {
    StreamTable<std::array<std::byte, 64>> table;
    const std::int64_t before = sim::live_bytes();
    for (std::uint16_t i = 0; i < 1'024; ++i) (void)table.get(StreamId{static_cast<std::uint16_t>(i * step)});
    return sim::live_bytes() - before;
  };
  EXPECT_GT(cost(1), 64 * 1'024);
  EXPECT_LT(cost(2), cost(1) + cost(1) / 4);
}

TEST(StreamTable, TheVisitorMayEraseWhatItIsGiven) {
  StreamTable<int> table;
  for (std::uint16_t id = 0; id < 100; ++id) table.get(StreamId{id}) = id;
  std::vector<int> seen;
  table.for_each([&](StreamId id, int& value) {
    seen.push_back(value);
    if (id.value() != 50) table.erase(id);
  });
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(*table.find(StreamId{50}), 50);
  table.clear();
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace linnet::sctp
