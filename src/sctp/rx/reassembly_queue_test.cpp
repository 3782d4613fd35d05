#include "sctp/rx/reassembly_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace linnet::sctp {
namespace {

using Outcome = ReassemblyQueue::Outcome;

struct Reassembly : testing::Test {
  ReassemblyQueue queue{1'000};

  Outcome add(std::uint32_t tsn, std::string_view text, std::string_view flags, std::uint16_t ssn = 0,
              std::uint16_t stream = 1) {
    const auto has = [&](char c) { return flags.find(c) != std::string_view::npos; };
    return queue.add({.tsn = Tsn{tsn},
                      .stream = StreamId{stream},
                      .ssn = Ssn{ssn},
                      .ppid = Ppid{51},
                      .unordered = has('U'),
                      .begin = has('B'),
                      .end = has('E'),
                      .payload = as_bytes(text)});
  }
  /// All messages of the stream, joined by commas.
  std::string read(std::uint16_t stream = 1) {
    std::string all;
    while (const auto message = queue.receive(StreamId{stream})) all += std::string(as_text(message->payload)) + ",";
    return all;
  }
};

TEST_F(Reassembly, JoinsFragmentsInAnyOrderOfArrival) {
  std::vector<std::uint32_t> order{1, 2, 3, 4};
  do {
    ReassemblyQueue fresh(1'000);
    for (const std::uint32_t tsn : order) {
      const std::string text(1, static_cast<char>('a' + tsn - 1));
      ASSERT_EQ(
          fresh.add(
              {.tsn = Tsn{tsn}, .stream = StreamId{1}, .begin = tsn == 1, .end = tsn == 4, .payload = as_bytes(text)}),
          Outcome::Ok);
    }
    const auto message = fresh.receive(StreamId{1});
    ASSERT_TRUE(message);
    EXPECT_EQ(as_text(message->payload), "abcd");
    EXPECT_EQ(fresh.held(), 0U);
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(Reassembly, OrderedMessagesWaitForTheirTurnAndUnorderedOnesDoNot) {
  ASSERT_EQ(add(3, "second", "BE", 1), Outcome::Ok);
  ASSERT_EQ(add(4, "loose", "BEU"), Outcome::Ok);
  EXPECT_EQ(read(), "loose,");
  ASSERT_EQ(add(2, "first", "BE", 0), Outcome::Ok);
  EXPECT_EQ(read(), "first,second,");
}

TEST_F(Reassembly, AMissingMessageHoldsUpItsOwnStreamOnly) {
  ASSERT_EQ(add(2, "late", "BE", 1, 1), Outcome::Ok);
  ASSERT_EQ(add(3, "other", "BE", 0, 2), Outcome::Ok);
  EXPECT_EQ(read(1), "");
  EXPECT_EQ(read(2), "other,");
}

TEST_F(Reassembly, AnnouncesAStreamOnceUntilItWasAskedFor) {
  (void)add(1, "a", "BE", 0);
  (void)add(2, "b", "BE", 1);
  EXPECT_EQ(queue.poll_ready(), StreamId{1});
  EXPECT_EQ(queue.poll_ready(), std::nullopt);
  EXPECT_EQ(read(), "a,b,");
  (void)add(3, "c", "BE", 2);
  EXPECT_EQ(queue.poll_ready(), StreamId{1});
}

TEST_F(Reassembly, CountsWhatItHoldsUntilItIsRead) {
  (void)add(1, "abc", "B");
  EXPECT_EQ(queue.held(), 3 + ReassemblyQueue::overhead);
  (void)add(2, "def", "E");
  EXPECT_EQ(queue.held(), 6 + ReassemblyQueue::overhead);
  (void)read();
  EXPECT_EQ(queue.held(), 0U);
}

TEST_F(Reassembly, RefusesAMessageThatIsTooLarge) {
  const std::string half(600, 'x');
  EXPECT_EQ(add(1, half, "B"), Outcome::Ok);
  EXPECT_EQ(add(2, half, "E"), Outcome::TooLarge);
  EXPECT_EQ(add(10, half, "E"), Outcome::Ok);
  EXPECT_EQ(add(9, half, ""), Outcome::TooLarge);
}

TEST_F(Reassembly, RefusesFragmentsThatContradictTheirNeighbours) {
  EXPECT_EQ(add(1, "a", "B", 0), Outcome::Ok);
  EXPECT_EQ(add(2, "b", "E", 1), Outcome::Violation) << "another sequence number";
  EXPECT_EQ(add(2, "b", "BE", 1), Outcome::Violation) << "a beginning within a message";
  EXPECT_EQ(add(6, "c", "E", 3), Outcome::Ok);
  EXPECT_EQ(add(7, "d", "E", 4), Outcome::Violation) << "a middle behind an end";
}

TEST_F(Reassembly, ForwardDropsFragmentsAndLetsWhatWaitedGo) {
  (void)add(1, "half", "B", 0);
  (void)add(3, "next", "BE", 1);
  (void)add(5, "far", "BE", 3);
  const ReassemblyQueue::Skip skips[] = {{StreamId{1}, Ssn{0}}};
  queue.forward(Tsn{2}, skips);
  EXPECT_EQ(read(), "next,");
  const ReassemblyQueue::Skip again[] = {{StreamId{1}, Ssn{2}}};
  queue.forward(Tsn{4}, again);
  EXPECT_EQ(read(), "far,");
  EXPECT_EQ(queue.held(), 0U);
}

TEST_F(Reassembly, ResetBeginsAtZeroAgainAndKeepsWhatIsWhole) {
  (void)add(1, "old", "BE", 0);
  queue.reset({});
  (void)add(2, "new", "BE", 0);
  EXPECT_EQ(read(), "old,new,");
  const StreamId one[] = {StreamId{1}};
  queue.reset(one);
  EXPECT_EQ(queue.streams(), 0U) << "an idle stream costs nothing";
}

}  // namespace
}  // namespace linnet::sctp
