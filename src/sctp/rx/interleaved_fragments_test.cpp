#include "sctp/rx/interleaved_fragments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace linnet::sctp {
namespace {

using Outcome = ReassemblyOutcome;

struct Interleaved : testing::Test {
  InterleavedFragments fragments{1'000};
  std::optional<Message> whole;

  Outcome add(std::uint32_t mid, std::uint32_t fsn, std::string_view text, std::string_view flags = "",
              std::uint16_t stream = 1) {
    const auto has = [&](char c) { return flags.find(c) != std::string_view::npos; };
    whole.reset();
    return fragments.add({.stream = StreamId{stream},
                          .ppid = Ppid{has('B') ? 51U : 0U},
                          .mid = Mid{mid},
                          .fsn = fsn,
                          .interleaved = true,
                          .unordered = has('U'),
                          .begin = has('B'),
                          .end = has('E'),
                          .payload = as_bytes(text)},
                         whole);
  }
  std::string text() const { return whole ? std::string(as_text(whole->payload)) : ""; }
};

TEST_F(Interleaved, JoinsFragmentsInAnyOrderOfArrival) {
  std::vector<std::uint32_t> order{0, 1, 2, 3, 4};
  std::uint32_t mid = 0xFFFF'FFF0;
  do {
    for (const std::uint32_t fsn : order) {
      const std::string one(1, static_cast<char>('a' + fsn));
      ASSERT_EQ(whole, std::nullopt);
      ASSERT_EQ(add(mid, fsn, one, fsn == 0 ? "B" : fsn == 4 ? "E" : ""), Outcome::Ok);
    }
    EXPECT_EQ(text(), "abcde");
    EXPECT_EQ(whole->ppid, Ppid{51});
    EXPECT_EQ(fragments.held(), 0U);
    EXPECT_EQ(fragments.messages(), 0U);
    whole.reset();
    ++mid;
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(Interleaved, KeepsMessagesApartByStreamIdentifierAndOrder) {
  ASSERT_EQ(add(0, 0, "a", "B"), Outcome::Ok);
  ASSERT_EQ(add(0, 0, "b", "BU"), Outcome::Ok);
  ASSERT_EQ(add(1, 0, "c", "B"), Outcome::Ok);
  ASSERT_EQ(add(0, 0, "d", "B", 2), Outcome::Ok);
  EXPECT_EQ(fragments.messages(), 4U);
  ASSERT_EQ(add(1, 1, "C", "E"), Outcome::Ok);
  EXPECT_EQ(text(), "cC");
  ASSERT_EQ(add(0, 1, "D", "E", 2), Outcome::Ok);
  EXPECT_EQ(text(), "dD");
  ASSERT_EQ(add(0, 1, "B", "EU"), Outcome::Ok);
  EXPECT_EQ(text(), "bB");
  EXPECT_TRUE(whole->unordered);
  ASSERT_EQ(add(0, 1, "A", "E"), Outcome::Ok);
  EXPECT_EQ(text(), "aA");
  EXPECT_EQ(fragments.held(), 0U);
}

TEST_F(Interleaved, ChargesWhatItHolds) {
  ASSERT_EQ(add(0, 0, "abc", "B"), Outcome::Ok);
  EXPECT_EQ(fragments.held(), 3 + InterleavedFragments::message_overhead);
  ASSERT_EQ(add(0, 2, "ghi"), Outcome::Ok);
  ASSERT_EQ(add(0, 3, "jkl"), Outcome::Ok);
  EXPECT_EQ(fragments.held(), 9 + InterleavedFragments::message_overhead + InterleavedFragments::run_overhead);
  ASSERT_EQ(add(0, 1, "def"), Outcome::Ok);
  EXPECT_EQ(fragments.held(), 12 + InterleavedFragments::message_overhead);
  fragments.forget(StreamId{1}, false, Mid{0});
  EXPECT_EQ(fragments.held(), 0U);
}

TEST_F(Interleaved, RefusesFragmentsThatContradictOneAnother) {
  EXPECT_EQ(add(0, 0, "a", ""), Outcome::Violation) << "the number of the first, which it is not";
  ASSERT_EQ(add(1, 0, "a", "B"), Outcome::Ok);
  EXPECT_EQ(add(1, 0, "a", "B"), Outcome::Violation) << "a second beginning";
  ASSERT_EQ(add(1, 1, "b"), Outcome::Ok);
  EXPECT_EQ(add(1, 1, "b"), Outcome::Violation) << "twice";
  ASSERT_EQ(add(1, 4, "e"), Outcome::Ok);
  ASSERT_EQ(add(1, 5, "f"), Outcome::Ok);
  EXPECT_EQ(add(1, 5, "f"), Outcome::Violation) << "twice, within a run";
  EXPECT_EQ(add(1, 3, "d", "E"), Outcome::Violation) << "an end before what came";
  ASSERT_EQ(add(1, 7, "h", "E"), Outcome::Ok);
  EXPECT_EQ(add(1, 8, "i"), Outcome::Violation) << "behind the end";
  EXPECT_EQ(add(1, 6, "g", "E"), Outcome::Violation) << "a second end";
}

TEST_F(Interleaved, RefusesAMessageThatIsTooLarge) {
  const std::string half(600, 'x');
  ASSERT_EQ(add(0, 0, half, "B"), Outcome::Ok);
  EXPECT_EQ(add(0, 1, half), Outcome::TooLarge);
  ASSERT_EQ(add(1, 5, half), Outcome::Ok);
  EXPECT_EQ(add(1, 9, half), Outcome::TooLarge) << "gaps between";
  EXPECT_EQ(add(2, 1'000, "x"), Outcome::TooLarge) << "a thousand fragments before it";
  EXPECT_EQ(add(2, 0xFFFF'FFFF, "x", "E"), Outcome::TooLarge);
}

TEST_F(Interleaved, ForgetsUpToAnIdentifierAlsoAroundTheWrap) {
  for (const std::uint32_t mid : {0xFFFF'FFFEU, 0xFFFF'FFFFU, 0U, 1U, 2U})
    ASSERT_EQ(add(mid, 0, "a", "B"), Outcome::Ok);
  ASSERT_EQ(add(0, 0, "a", "BU"), Outcome::Ok);
  ASSERT_EQ(add(0, 0, "a", "B", 2), Outcome::Ok);
  fragments.forget(StreamId{1}, false, Mid{0xFFFF'FFFE});
  EXPECT_EQ(fragments.messages(), 6U);
  fragments.forget(StreamId{1}, false, Mid{1});
  EXPECT_EQ(fragments.messages(), 3U) << "2, the unordered one and the other stream's";
  fragments.forget(StreamId{1}, true, Mid{7});
  EXPECT_EQ(fragments.messages(), 2U);
  fragments.forget(StreamId{1});
  EXPECT_EQ(fragments.messages(), 1U);
  ASSERT_EQ(add(0, 1, "b", "E", 2), Outcome::Ok);
  EXPECT_EQ(text(), "ab");
}

}  // namespace
}  // namespace linnet::sctp
