// Messages in the deprecated partial form (RFC 8831 section 6.6), which a hostile peer need not finish.
#include <cstdint>
#include <string>
#include <vector>

#include "session/testing/bare_peer.hpp"
#include "sim/allocations.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;

constexpr std::uint32_t text_part = 54;
constexpr std::size_t part_size = 9'000;
constexpr std::uint16_t flood = 1'500;

class PartialMessages : public BarePeerTest {
 protected:
  PartialMessages() : BarePeerTest({.max_channels = 2'000, .max_receive_size = 10'000, .max_partial_bytes = 50'000}) {}

  /// The reader takes what there is; how many messages that were.
  std::size_t read_all() {
    std::size_t count = 0;
    for (const auto& e : all<Session::DataChannelAnnounced>()) {
      while (read(e.channel)) ++count;
    }
    return count;
  }
  void peer_opens_many() {
    for (std::uint16_t i = 0; i < flood; ++i) peer_opens(static_cast<std::uint16_t>(2 * i), "");
    run();
  }
  std::size_t open_channels() const {
    std::size_t count = 0;
    for (const ChannelId id : channels_.all()) count += channels_.find(id)->state == DataChannelState::Open ? 1U : 0U;
    return count;
  }
};

TEST_F(PartialMessages, BegunOnThousandsOfChannelsAreBoundedOverAllOfThem) {
  peer_opens_many();
  ASSERT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(flood));
  const std::int64_t before = sim::live_bytes();
  for (std::uint16_t i = 0; i < flood; ++i) {
    peer_sends(static_cast<std::uint16_t>(2 * i), text_part, std::vector<std::byte>(part_size));
    if (i % 50 != 49) continue;
    run(100ms);
    EXPECT_EQ(read_all(), 0U);
  }
  run();
  EXPECT_LT(sim::live_bytes() - before, 3'000'000) << "of 13.5 MB that came";
  EXPECT_EQ(open_channels(), 5U) << "those that have begun; the others went too far";
  EXPECT_THAT(all<Session::ChannelError>(), SizeIs(flood - 5));
}

TEST_F(PartialMessages, LeaveRoomForOthersWhenTheyAreWholeOrTheirChannelIsGone) {
  for (std::uint16_t i = 0; i < 6; ++i) peer_opens(static_cast<std::uint16_t>(2 * i));
  run();
  for (int round = 0; round < 4; ++round) {
    for (std::uint16_t i = 0; i < 5; ++i)
      peer_sends(static_cast<std::uint16_t>(2 * i), text_part, std::vector<std::byte>(part_size));
    run();
    EXPECT_EQ(read_all(), 0U);
    for (std::uint16_t i = 0; i < 5; ++i) peer_sends(static_cast<std::uint16_t>(2 * i), text, bytes_of("end"));
    run();
    EXPECT_EQ(read_all(), 5U);
  }
  for (std::uint16_t i = 0; i < 5; ++i)
    peer_sends(static_cast<std::uint16_t>(2 * i), text_part, std::vector<std::byte>(part_size));
  run();
  EXPECT_EQ(read_all(), 0U);
  for (std::uint16_t i = 0; i < 5; ++i) channels_.close_channel(now_, announced(i));
  for (std::uint16_t i = 0; i < 5; ++i) peer_resets(static_cast<std::uint16_t>(2 * i));
  run();
  peer_sends(10, text_part, std::vector<std::byte>(part_size));
  peer_sends(10, text, bytes_of("end"));
  run();
  EXPECT_EQ(read_all(), 1U);
  EXPECT_TRUE(all<Session::ChannelError>().empty());
}

TEST_F(PartialMessages, ThatAreTooLargeAsAWholeCloseTheirChannelWithAnError) {
  for (const std::size_t last : {std::size_t{1'000}, std::size_t{1'001}}) {
    peer_opens(static_cast<std::uint16_t>(2 * last));
    peer_sends(static_cast<std::uint16_t>(2 * last), text_part, std::vector<std::byte>(part_size));
    peer_sends(static_cast<std::uint16_t>(2 * last), text, std::vector<std::byte>(last));
  }
  run();
  const auto whole = channels_.receive(now_, announced(0));
  ASSERT_TRUE(whole);
  EXPECT_THAT(whole->data, SizeIs(10'000));
  EXPECT_EQ(channels_.receive(now_, announced(1)), std::nullopt);
  run();
  EXPECT_THAT(all<Session::ChannelError>(), SizeIs(1));
  EXPECT_THAT(peer_reset_, ::testing::ElementsAre(2'002));
}

TEST_F(PartialMessages, WithAPartThatWasRefusedAreNeverDeliveredWithoutIt) {
  peer_opens(4);
  peer_sends(4, text_part, std::vector<std::byte>(part_size));
  peer_sends(4, text_part, std::vector<std::byte>(part_size));
  peer_sends(4, text, bytes_of("end"));
  peer_sends(4, text, bytes_of("and one more"));
  run();
  peer_resets(4);  // It is closing when it is read.
  run();
  EXPECT_EQ(channels_.receive(now_, announced()), std::nullopt);
  run();
  EXPECT_THAT(all<Session::ChannelError>(), SizeIs(1));
  EXPECT_THAT(all<Session::ChannelClosed>(), SizeIs(1));
  peer_opens(4);
  run();
  ASSERT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(2));
  EXPECT_EQ(read(announced(1)), std::nullopt) << "nothing of the channel that was";
}

}  // namespace
}  // namespace linnet::session::testing
