// More channels than the send queue has room for: what opens a channel always comes before what is said on it.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "session/testing/bare_peer.hpp"

namespace linnet::session::testing {
namespace {

class FullSendQueue : public BarePeerTest {
 protected:
  FullSendQueue() : BarePeerTest({.max_channels = 500}, {.max_send_queue = 10'000}) {}

  /// So long that eight fill the queue, while a short message still fits behind them.
  static std::string label(int i) { return std::to_string(i) + std::string(1'000, 'x'); }
  /// Sends the channel its own label's number, now or as soon as there is room.
  void say(ChannelId id, int number) {
    if (!channels_.send(now_, id, false, bytes_of(std::to_string(number)))) unsaid_[id] = number;
  }
  void say_what_is_unsaid() {
    while (!unsaid_.empty()) {
      events_.clear();
      run(100ms);
      const auto writable = all<Session::ChannelWritable>();
      ASSERT_FALSE(writable.empty()) << unsaid_.size() << " wait";
      for (const auto& e : writable) {
        if (const auto said = unsaid_.extract(e.channel)) say(e.channel, said.mapped());
      }
    }
    run();
  }
  /// Everything that came to the peer, by the label of the channel: what was said there.
  std::map<std::string, std::vector<std::string>> heard() {
    std::map<std::string, std::vector<std::string>> out;
    for (std::uint16_t i = 0; i < 1'000; ++i) {
      std::optional<std::string> label;
      while (const auto message = peer_.receive(sctp::StreamId{i})) {
        if (message->ppid.value() == control) {
          const auto parsed = dcep::parse(message->payload);
          label = std::get<dcep::Open>(parsed.value()).label;
          out[*label];
        } else {
          EXPECT_TRUE(label) << "before the OPEN, on stream " << i;
          out[label.value_or("?")].emplace_back(reinterpret_cast<const char*>(message->payload.data()),
                                                message->payload.size());
        }
      }
    }
    return out;
  }

  std::map<ChannelId, int> unsaid_;
};

TEST_F(FullSendQueue, WhatIsSaidOnAChannelComesBehindItsOpen) {
  constexpr int count = 300;
  for (int i = 0; i < count; ++i) say(channels_.create(now_, label(i), {}).value(), i);
  say_what_is_unsaid();
  const auto all_heard = heard();
  EXPECT_EQ(all_heard.size(), std::size_t{count});
  for (int i = 0; i < count; ++i) EXPECT_EQ(all_heard.at(label(i)), std::vector<std::string>{std::to_string(i)}) << i;
}

TEST_F(FullSendQueue, WhatWasSaidOnAClosedChannelIsNotHeardOnTheNextOne) {
  std::vector<ChannelId> made;
  std::set<int> accepted;
  for (int i = 0; i < 40; ++i) {
    made.push_back(channels_.create(now_, label(i), {}).value());
    if (channels_.send(now_, made.back(), false, bytes_of(std::to_string(i)))) accepted.insert(i);
    if (i % 2 == 0) channels_.close_channel(now_, made.back());
  }
  run();
  const auto all_heard = heard();
  EXPECT_EQ(all_heard.size(), 40U);
  for (int i = 0; i < 40; ++i) {
    const auto said = accepted.contains(i) ? std::vector{std::to_string(i)} : std::vector<std::string>{};
    EXPECT_EQ(all_heard.at(label(i)), said) << i;
  }
  EXPECT_EQ(peer_reset_.size(), 20U) << "and the peer hears that those are closed";
}

TEST_F(FullSendQueue, AnOpenThatIsLongerThanTheQueueGoesOut) {
  const ChannelId id = channels_.create(now_, std::string(20'000, 'x'), {}).value();
  say(id, 7);
  if (!unsaid_.empty()) say_what_is_unsaid();
  EXPECT_EQ(heard().at(std::string(20'000, 'x')), std::vector<std::string>{"7"});
}

TEST_F(FullSendQueue, AChannelOnAStreamThatIsStillBeingResetOpensAfterwards) {
  // The peer may not open a channel here; while that is being undone, we use the stream.
  peer_opens(1);
  move(peer_, ours_);
  handle_events();
  const ChannelId id = channels_.create(now_, "mine", {}).value();
  ASSERT_EQ(channels_.find(id)->stream->value(), 1);
  const auto refused = channels_.send(now_, id, false, bytes_of("early"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::OperationError);
  EXPECT_TRUE(channels_.send_held_up(id)) << "there is room all the same";
  EXPECT_GT(channels_.send_room(), 5'000U);
  unsaid_[id] = 1;
  const ChannelId other = channels_.create(now_, "other", {}).value();
  say(other, 2);
  EXPECT_FALSE(channels_.send_held_up(other));
  say_what_is_unsaid();
  EXPECT_FALSE(channels_.send_held_up(id));
  const auto all_heard = heard();
  EXPECT_EQ(all_heard.at("mine"), std::vector<std::string>{"1"});
  EXPECT_EQ(all_heard.at("other"), std::vector<std::string>{"2"});
}

TEST_F(FullSendQueue, AChannelThatIsClosedBeforeItsStreamWasFreeWasNever) {
  peer_opens(1);
  move(peer_, ours_);
  handle_events();
  const ChannelId id = channels_.create(now_, "never", {}).value();
  channels_.close_channel(now_, id);
  EXPECT_EQ(channels_.find(id)->state, DataChannelState::Closed);
  run();
  say(channels_.create(now_, "next", {}).value(), 3);
  run();
  const auto all_heard = heard();
  EXPECT_EQ(all_heard.size(), 1U);
  EXPECT_EQ(all_heard.at("next"), std::vector<std::string>{"3"});
}

TEST_F(FullSendQueue, AChannelOfThePeerOnAStreamThatIsStillBeingResetIsAcknowledgedAfterwards) {
  peer_sends(4, control, bytes_of("\x09"));  // No message that there is: refused.
  move(peer_, ours_);
  handle_events();
  peer_opens(4);
  move(peer_, ours_);
  handle_events();
  ASSERT_EQ(all<Session::DataChannelAnnounced>().size(), 1U);
  const ChannelId id = announced();
  unsaid_[id] = 1;
  EXPECT_FALSE(channels_.send(now_, id, false, bytes_of("early")));
  say_what_is_unsaid();
  const auto ack = peer_.receive(sctp::StreamId{4});
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->payload, dcep::write(dcep::Ack{}));
  const auto said = peer_.receive(sctp::StreamId{4});
  ASSERT_TRUE(said);
  EXPECT_EQ(said->payload, bytes_of("1"));
}

}  // namespace
}  // namespace linnet::session::testing
