#include "session/data_channels.hpp"

#include <string>
#include <utility>
#include <vector>

#include "session/testing/bare_peer.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;
using DataChannelsTest = BarePeerTest;

TEST_F(DataChannelsTest, AcknowledgesAnOpenAndAnnouncesTheChannel) {
  peer_opens(4, "label");
  run();
  ASSERT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(1));
  EXPECT_EQ(channels_.find(announced())->parameters.label, "label");
  const auto ack = peer_.receive(sctp::StreamId{4});
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->ppid.value(), control);
  EXPECT_EQ(ack->payload, dcep::write(dcep::Ack{}));
}

TEST_F(DataChannelsTest, KeepsUnorderedMessagesThatOvertakeTheOpen) {
  peer_sends(6, text, bytes_of("early"), true);
  pump();
  peer_opens(6);
  peer_sends(6, text, bytes_of("later"));
  run();
  EXPECT_EQ(read(announced()), "early");
  EXPECT_EQ(read(announced()), "later");
  EXPECT_EQ(read(announced()), std::nullopt);
}

TEST_F(DataChannelsTest, ResetsAStreamWhoseEarlyMessagesAreTooMany) {
  for (int i = 0; i < 5; ++i) peer_sends(6, text, bytes_of("x"), true);
  run();
  EXPECT_THAT(peer_reset_, ::testing::ElementsAre(6));
  EXPECT_TRUE(all<Session::DataChannelAnnounced>().empty());
}

TEST_F(DataChannelsTest, ResetsAStreamWhoseEarlyMessagesAreTooLarge) {
  peer_sends(6, binary, std::vector<std::byte>(1'001), true);
  run();
  EXPECT_THAT(peer_reset_, ::testing::ElementsAre(6));
}

TEST_F(DataChannelsTest, ResetsAStreamThatOpensWithGarbage) {
  peer_sends(4, control, bytes_of("\x03garbage"));
  peer_sends(8, control, bytes_of("\x09"));
  run();
  EXPECT_THAT(peer_reset_, ::testing::UnorderedElementsAre(4, 8));
  EXPECT_TRUE(all<Session::DataChannelAnnounced>().empty());
  // The stream may be used again after both sides have reset it.
  peer_resets(4);
  run();
  peer_opens(4);
  run();
  EXPECT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(1));
}

TEST_F(DataChannelsTest, RefusesAnOpenOnAnIdOfOurParity) {
  peer_opens(5);
  run();
  EXPECT_THAT(peer_reset_, ::testing::ElementsAre(5));
  EXPECT_TRUE(all<Session::DataChannelAnnounced>().empty());
}

TEST_F(DataChannelsTest, ClosesAChannelThatIsOpenedTwice) {
  peer_opens(4);
  run();
  peer_opens(4, "again");
  run();
  EXPECT_EQ(read(announced()), std::nullopt);  // The protocol error is found when its turn to be read comes.
  run();
  EXPECT_THAT(all<Session::ChannelError>(), SizeIs(1));
  EXPECT_THAT(peer_reset_, ::testing::ElementsAre(4));
  EXPECT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(1));
  peer_resets(4);
  run();
  EXPECT_THAT(all<Session::ChannelClosed>(), SizeIs(1));
}

TEST_F(DataChannelsTest, IgnoresAnAckThatNobodyWaitsFor) {
  peer_opens(4);
  peer_sends(4, control, dcep::write(dcep::Ack{}));
  peer_sends(4, text, bytes_of("fine"));
  peer_sends(10, control, dcep::write(dcep::Ack{}));
  run();
  EXPECT_EQ(read(announced()), "fine");
  EXPECT_TRUE(peer_reset_.empty());
}

TEST_F(DataChannelsTest, RefusesMoreChannelsThanTheLimit) {
  for (std::uint16_t i = 0; i < 12; ++i) peer_opens(static_cast<std::uint16_t>(2 * i));
  run();
  EXPECT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(10));
  EXPECT_THAT(peer_reset_, ::testing::UnorderedElementsAre(20, 22));
  EXPECT_EQ(channels_.create(now_, "x", {}).error().name, ErrorName::OperationError);
}

TEST_F(DataChannelsTest, ReadsTheDeprecatedPartialForms) {
  peer_opens(4);
  peer_sends(4, 54, bytes_of("one "));
  peer_sends(4, 54, bytes_of("two "));
  peer_sends(4, text, bytes_of("three"));
  peer_sends(4, 52, bytes_of("a"));
  peer_sends(4, binary, bytes_of("b"));
  run();
  EXPECT_EQ(read(announced()), "one two three");
  EXPECT_EQ(read(announced()), "ab");
}

TEST_F(DataChannelsTest, ReadsEmptyMessagesAndSkipsUnknownIdentifiers) {
  peer_opens(4);
  peer_sends(4, 56, bytes_of("x"));
  peer_sends(4, 99, bytes_of("what"));
  peer_sends(4, 57, bytes_of("x"));
  run();
  const auto first = channels_.receive(now_, announced());
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->binary);
  EXPECT_TRUE(first->data.empty());
  const auto second = channels_.receive(now_, announced());
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->binary);
  EXPECT_TRUE(second->data.empty());
}

TEST_F(DataChannelsTest, SendsOrderedUntilTheChannelIsConfirmed) {
  const ChannelId id = channels_.create(now_, "u", {.ordered = false}).value();
  ASSERT_TRUE(channels_.send(now_, id, true, bytes_of("before")));
  run();
  const auto stream = sctp::StreamId{channels_.find(id)->stream->value()};
  EXPECT_EQ(peer_.receive(stream)->ppid.value(), control);
  EXPECT_FALSE(peer_.receive(stream)->unordered);
  peer_sends(stream.value(), control, dcep::write(dcep::Ack{}));
  run();
  ASSERT_TRUE(channels_.send(now_, id, true, bytes_of("after")));
  run();
  EXPECT_TRUE(peer_.receive(stream)->unordered);
  EXPECT_TRUE(all<Session::ChannelMessageReady>().empty());  // An ACK is not the reader's business.
}

TEST_F(DataChannelsTest, ClosesAllChannelsWithAnErrorWhenTheAssociationIsAborted) {
  peer_opens(4);
  run();
  peer_sends(4, text, bytes_of("last words"));
  run();
  peer_.abort(now_, "bye");
  run();
  ASSERT_THAT(all<Session::ChannelError>(), SizeIs(1));
  EXPECT_EQ(all<Session::ChannelError>().front().error.detail, ErrorDetail::SctpFailure);
  EXPECT_THAT(all<Session::ChannelClosed>(), SizeIs(1));
  EXPECT_EQ(read(announced()), "last words");
}

TEST_F(DataChannelsTest, ForgetsWhatAReleasedChannelWas) {
  peer_opens(4, "gone");
  run();
  channels_.release(announced());
  EXPECT_NE(channels_.find(announced()), nullptr);  // Not before it is closed.
  channels_.close_channel(now_, announced());
  run();
  peer_resets(4);
  run();
  channels_.release(announced());
  EXPECT_EQ(channels_.find(announced()), nullptr);
}

TEST_F(DataChannelsTest, DoesNotGrowWhenThePeerOpensAndClosesForEver) {
  for (int i = 0; i < 1'500; ++i) {
    peer_opens(4, std::string(100, 'x'));
    run(500ms);
    peer_resets(4);
    run(500ms);
    (void)peer_.receive(sctp::StreamId{4});
  }
  EXPECT_GT(all<Session::ChannelClosed>().size(), 1'400U);
  EXPECT_LE(channels_.all().size(), 1'026U);
}

TEST_F(DataChannelsTest, DoesNotGrowWhenChannelsAreOpenedAndClosedHereWithoutBeingReleased) {
  DataChannels alone{{.max_channels = 10, .max_closed = 4}, queue_};
  std::vector<ChannelId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(alone.create(now_, "label", {}).value());
    alone.close_channel(now_, ids.back());
    EXPECT_LE(alone.all().size(), 6U);
  }
  EXPECT_EQ(alone.find(ids.front()), nullptr);
  EXPECT_NE(alone.find(ids.back()), nullptr);
}

TEST_F(DataChannelsTest, ForgetsInTheOrderOfClosingWhatWasNotReleased) {
  DataChannels alone{{.max_channels = 10, .max_closed = 2}, queue_};
  std::vector<ChannelId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(alone.create(now_, "label", {}).value());
  for (const std::size_t i : {3U, 1U, 4U, 0U}) alone.close_channel(now_, ids[i]);
  alone.release(ids[1]);
  (void)alone.create(now_, "one more", {}).value();
  EXPECT_EQ(alone.find(ids[3]), nullptr);
  EXPECT_EQ(alone.find(ids[1]), nullptr);
  EXPECT_NE(alone.find(ids[4]), nullptr);
  EXPECT_NE(alone.find(ids[0]), nullptr);
  EXPECT_NE(alone.find(ids[2]), nullptr);
}

TEST_F(DataChannelsTest, OpensChannelsOfTheOtherParityOnAnotherAssociation) {
  const ChannelId first = channels_.create(now_, "first", {}).value();
  peer_opens(4);
  run();
  ASSERT_EQ(channels_.find(first)->stream->value(), 1);
  channels_.transport_closed(std::nullopt);
  channels_.detach();

  sctp::Association ours{{}, random_};
  sctp::Association peer{{}, random_};
  channels_.set_parity(dcep::Parity::Even);
  channels_.attach(ours);
  ours.connect(now_);
  const auto pump = [&] {
    for (int i = 0; i < 20; ++i) {
      move(ours, peer);
      move(peer, ours);
      while (const auto event = ours.poll_event()) channels_.handle(now_, *event);
      while (peer.poll_event()) {
      }
    }
    while (auto event = queue_.pop()) events_.push_back(std::move(*event));
  };
  pump();
  // The peer takes the id that was ours, and we one that was the peer's.
  for (const std::uint16_t stream : {std::uint16_t{1}, std::uint16_t{5}}) {
    const auto open = dcep::write(dcep::Open{.label = "new"});
    ASSERT_TRUE(peer.send(now_, sctp::StreamId{stream}, sctp::Ppid{control}, open, {}));
  }
  pump();
  ASSERT_THAT(all<Session::DataChannelAnnounced>(), SizeIs(3));
  EXPECT_EQ(channels_.find(announced(1))->stream->value(), 1);
  const ChannelId next = channels_.create(now_, "next", {}).value();
  EXPECT_EQ(channels_.find(next)->stream->value(), 0);
  ASSERT_TRUE(channels_.create(now_, "negotiated", {.negotiated = true, .id = 4}));
}

}  // namespace
}  // namespace linnet::session::testing
