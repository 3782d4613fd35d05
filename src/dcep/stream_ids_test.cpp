#include "dcep/stream_ids.hpp"

#include <gmock/gmock.h>

namespace linnet::dcep {
namespace {

TEST(StreamIds, GivesEvenOnesToTheClientAndOddOnesToTheServer) {
  StreamIds ids;
  EXPECT_EQ(ids.allocate(Parity::Even, ChannelNumber{1}, 65'535), ChannelStream{0});
  EXPECT_EQ(ids.allocate(Parity::Odd, ChannelNumber{2}, 65'535), ChannelStream{1});
  EXPECT_EQ(ids.allocate(Parity::Even, ChannelNumber{3}, 65'535), ChannelStream{2});
  EXPECT_EQ(ids.find(ChannelStream{1}), ChannelNumber{2});
  EXPECT_EQ(ids.find(ChannelStream{4}), std::nullopt);
}

TEST(StreamIds, SkipsWhatIsClaimedAndRefusesToClaimTwice) {
  StreamIds ids;
  EXPECT_TRUE(ids.claim(ChannelStream{0}, ChannelNumber{1}));
  EXPECT_FALSE(ids.claim(ChannelStream{0}, ChannelNumber{2}));
  EXPECT_EQ(ids.allocate(Parity::Even, ChannelNumber{2}, 65'535), ChannelStream{2});
}

TEST(StreamIds, NeverGivesTheReservedIdentifier) {
  StreamIds ids;
  EXPECT_FALSE(ids.claim(ChannelStream{65'535}, ChannelNumber{1}));
  for (std::uint32_t i = 0; i < 32'767; ++i) ASSERT_TRUE(ids.allocate(Parity::Odd, ChannelNumber{i}, 65'536));
  EXPECT_EQ(ids.allocate(Parity::Odd, ChannelNumber{0}, 65'536), std::nullopt);
}

TEST(StreamIds, StaysBelowWhatWasNegotiated) {
  StreamIds ids;
  EXPECT_TRUE(ids.allocate(Parity::Even, ChannelNumber{1}, 4));
  EXPECT_TRUE(ids.allocate(Parity::Even, ChannelNumber{2}, 4));
  EXPECT_FALSE(ids.allocate(Parity::Even, ChannelNumber{3}, 4));
  EXPECT_TRUE(ids.allocate(Parity::Even, ChannelNumber{3}, 5));
}

TEST(StreamIds, UsesTheLowestReleasedOneAgain) {
  StreamIds ids;
  for (std::uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(ids.allocate(Parity::Odd, ChannelNumber{i}, 65'535));
  ids.release(ChannelStream{7});
  ids.release(ChannelStream{3});
  EXPECT_EQ(ids.allocate(Parity::Odd, ChannelNumber{20}, 65'535), ChannelStream{3});
  EXPECT_EQ(ids.allocate(Parity::Odd, ChannelNumber{21}, 65'535), ChannelStream{7});
  EXPECT_EQ(ids.allocate(Parity::Odd, ChannelNumber{22}, 65'535), ChannelStream{21});
}

}  // namespace
}  // namespace linnet::dcep
