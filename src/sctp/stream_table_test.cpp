#include "sctp/stream_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

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
