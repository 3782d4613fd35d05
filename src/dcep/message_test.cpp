#include "dcep/message.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <initializer_list>

#include "dcep/channel.hpp"

namespace linnet::dcep {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

TEST(DcepMessage, WritesAnOpenAsRfc8832DrawsIt) {
  const Open open{.ordered = false, .max_retransmits = 3, .priority = 512, .label = "ab", .protocol = "p"};
  EXPECT_EQ(write(open), bytes({3, 0x81, 2, 0, 0, 0, 0, 3, 0, 2, 0, 1, 'a', 'b', 'p'}));
}

TEST(DcepMessage, WritesAnAckAsOneByte) { EXPECT_EQ(write(Ack{}), bytes({2})); }

TEST(DcepMessage, ReadsBackEveryChannelType) {
  for (const bool ordered : {true, false}) {
    for (const Open& open : {Open{.ordered = ordered, .label = "r"}, Open{.ordered = ordered, .max_retransmits = 0},
                             Open{.ordered = ordered, .max_retransmits = 0xffff'ffff},
                             Open{.ordered = ordered, .max_packet_life_time = 1'500, .protocol = "x"}}) {
      const auto read = parse(write(open));
      ASSERT_TRUE(read);
      EXPECT_EQ(*read, Message{open});
    }
  }
}

TEST(DcepMessage, IgnoresTheReliabilityParameterOfAReliableChannel) {
  const auto read = parse(bytes({3, 0, 1, 0, 9, 9, 9, 9, 0, 0, 0, 0}));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Message{Open{}});
}

TEST(DcepMessage, ReadsALongLabel) {
  const Open open{.label = std::string(65'535, 'l'), .protocol = std::string(65'535, 'p')};
  const auto read = parse(write(open));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Message{open});
}

TEST(DcepMessage, RefusesEveryTruncationOfAnOpen) {
  const auto whole = write(Open{.label = "label", .protocol = "protocol"});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto read = parse(std::span{whole}.first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error(), ParseError::Truncated);
  }
  EXPECT_EQ(parse({}).error(), ParseError::Empty);
}

TEST(DcepMessage, RefusesBytesAfterAnOpen) {
  auto whole = write(Open{.label = "label"});
  whole.push_back(std::byte{0});
  EXPECT_EQ(parse(whole).error(), ParseError::TrailingBytes);
}

TEST(DcepMessage, RefusesUnknownMessageAndChannelTypes) {
  EXPECT_EQ(parse(bytes({4})).error(), ParseError::UnknownMessageType);
  EXPECT_EQ(parse(bytes({0})).error(), ParseError::UnknownMessageType);
  EXPECT_EQ(parse(bytes({3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})).error(), ParseError::UnknownChannelType);
  EXPECT_EQ(parse(bytes({3, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})).error(), ParseError::UnknownChannelType);
}

TEST(DcepMessage, RefusesALabelThatIsNotUtf8) {
  EXPECT_EQ(parse(bytes({3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff})).error(), ParseError::BadUtf8);
  EXPECT_EQ(parse(bytes({3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xc0, 0x80})).error(), ParseError::BadUtf8);
}

TEST(DcepMessage, MapsPrioritiesToTheWireAndBack) {
  for (const Priority p : {Priority::VeryLow, Priority::Low, Priority::Medium, Priority::High}) {
    EXPECT_EQ(priority_of(wire_priority(p)), p);
  }
  EXPECT_EQ(wire_priority(Priority::High), 1'024);
  EXPECT_EQ(priority_of(0), Priority::VeryLow);
  EXPECT_EQ(priority_of(129), Priority::Low);
  EXPECT_EQ(priority_of(65'535), Priority::High);
}

TEST(DcepChannel, KeepsItsParametersThroughTheOpenMessage) {
  const ChannelParameters p{
      .label = "l", .protocol = "p", .ordered = false, .max_packet_life_time = 7, .priority = Priority::High};
  EXPECT_EQ(parameters_of(open_message(p)), p);
}

TEST(DcepChannel, CutsALimitThatIsLargerThanTheApiCanSay) {
  EXPECT_EQ(parameters_of(Open{.max_retransmits = 70'000}).max_retransmits, 65'535);
}

}  // namespace
}  // namespace linnet::dcep
