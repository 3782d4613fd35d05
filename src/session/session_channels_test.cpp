#include <gmock/gmock.h>

#include <algorithm>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;

TEST(Session, CarriesTextAndBinaryOfEverySizeBothWays) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.echo = true;
  std::vector<DataChannelMessage> sent;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'536}, std::size_t{262'144}}) {
    for (const bool binary : {false, true}) {
      DataChannelMessage message{.binary = binary, .data = pattern(size)};
      if (!binary) std::ranges::fill(message.data, std::byte{'x'});
      const auto result = binary ? rig.a.session->send(rig.now(), id, std::span<const std::byte>{message.data})
                                 : rig.a.session->send(rig.now(), id, message.text());
      ASSERT_TRUE(result) << result.error().message;
      sent.push_back(std::move(message));
    }
  }
  EXPECT_EQ(rig.run_until([&] { return rig.a.received[id].size() == sent.size(); }, 60s), sim::Stop::Done);
  EXPECT_TRUE(rig.b.received[rig.remote()] == sent);
  EXPECT_TRUE(rig.a.received[id] == sent);
}

TEST(Session, DeliversThousandsOfMessagesInOrder) {
  Rig rig;
  const ChannelId id = rig.connect();
  for (unsigned i = 0; i < 5'000; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::to_string(i)));
  auto& got = rig.b.received[rig.remote()];
  EXPECT_EQ(rig.run_until([&] { return got.size() == 5'000; }, 30s), sim::Stop::Done);
  for (unsigned i = 0; i < got.size(); ++i) ASSERT_EQ(got[i].text(), std::to_string(i));
}

TEST(Session, RefusesAMessageLargerThanThePeerTakes) {
  Tuning small;
  small.max_message_size = 1'000;
  Rig rig{1, {}, {}, small};
  const ChannelId id = rig.connect();
  EXPECT_EQ(rig.a.session->max_message_size(), 1'000U);
  EXPECT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(1'000)}));
  const auto refused = rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(1'001)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::TypeError);
}

TEST(Session, RefusesToSendBeforeTheChannelIsOpen) {
  Rig rig;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  EXPECT_EQ(rig.a.session->send(rig.now(), id, "early").error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(rig.a.session->send(rig.now(), ChannelId{999}, "nobody").error().name, ErrorName::InvalidStateError);
}

TEST(Session, TellsWhenTheSendQueueHasRoomAgain) {
  Tuning small;
  small.max_send_queue = 100'000;
  Rig rig{1, {}, small, {}};
  const ChannelId id = rig.connect();
  const auto data = pattern(40'000);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  const auto refused = rig.a.session->send(rig.now(), id, std::span<const std::byte>{data});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, ErrorName::OperationError);
  EXPECT_GT(rig.a.session->buffered_amount(id), 0U);
  EXPECT_EQ(rig.run_until([&] { return rig.a.count<Session::ChannelWritable>() == 1; }, 10s), sim::Stop::Done);
  EXPECT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
}

TEST(Session, TellsWhenTheBufferedAmountIsLow) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.a.session->set_buffered_amount_low_threshold(id, 50'000);
  EXPECT_EQ(rig.a.session->buffered_amount_low_threshold(id), 50'000U);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(200'000)}));
  EXPECT_EQ(rig.run_until([&] { return rig.a.count<Session::ChannelBufferedAmountLow>() == 1; }, 10s), sim::Stop::Done);
  EXPECT_LE(rig.a.session->buffered_amount(id), 50'000U);
}

TEST(Session, HoldsBackAPeerWhoseMessagesNobodyReads) {
  Tuning small;
  small.receive_window = 200'000;
  Rig rig{1, {}, {}, small};
  const ChannelId id = rig.connect();
  rig.b.read = false;
  const auto data = pattern(50'000);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  rig.run_for(5s);
  EXPECT_GT(rig.a.session->buffered_amount(id), 1'000'000U);
  rig.b.read = true;
  rig.drain(rig.b, rig.remote());
  EXPECT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 60; }, 60s), sim::Stop::Done);
}

TEST(Session, TellsThePeerOfAChannelTogetherWithTheSctpHandshake) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "chat", {}).value();
  rig.negotiate(rig.a, rig.b);
  ASSERT_EQ(rig.run_until([&] { return rig.b.session->sctp_transport_state() == SctpTransportState::Connected; }, 10s),
            sim::Stop::Done);
  EXPECT_THAT(rig.b.announced, SizeIs(1)) << "at the same instant, not half a round trip later";
}

TEST(Session, AChannelClosedAtAnyMomentOfTheHandshakeIsClosedOnBothSides) {
  for (int when = 0; when <= 160; when += 4) {
    SCOPED_TRACE(when);
    Rig rig;
    const ChannelId closed = rig.a.session->create_data_channel(rig.now(), "closed", {}).value();
    const ChannelId kept = rig.a.session->create_data_channel(rig.now(), "kept", {}).value();
    rig.negotiate(rig.a, rig.b);
    rig.run_for(when * 1ms);
    rig.a.session->close_channel(rig.now(), closed);
    const auto others_closed = [&] {
      return std::ranges::all_of(rig.b.announced, [&](ChannelId id) {
        return rig.b.session->label(id) == "kept" || rig.b.session->ready_state(id) == DataChannelState::Closed;
      });
    };
    ASSERT_EQ(rig.run_until(
                  [&] {
                    return rig.a.open(kept) && !rig.b.announced.empty() && others_closed() &&
                           rig.a.session->ready_state(closed) == DataChannelState::Closed;
                  },
                  10s),
              sim::Stop::Done);
    ASSERT_TRUE(rig.a.session->send(rig.now(), kept, "hello"));
    ASSERT_EQ(rig.run_until([&] { return !rig.b.received.empty(); }, 10s), sim::Stop::Done);
    EXPECT_EQ(rig.a.count<Session::ChannelError>(), 0U);
  }
}

/// How long a short message takes beside a file on another channel, over 20 Mbit/s and 20 ms each way.
Duration chat_beside_file(bool interleaving) {
  Tuning tuning;
  tuning.sctp_interleaving = interleaving;
  Rig rig(1, {.latency = 20ms, .bits_per_second = 20'000'000, .queue_bytes = 60'000}, tuning, tuning);
  const ChannelId file = rig.connect();
  const ChannelId chat = rig.a.session->create_data_channel(rig.now(), "chat", {.priority = Priority::High}).value();
  (void)rig.run_until([&] { return rig.b.announced.size() == 2; }, 10s);
  for (int i = 0; i < 40; ++i) (void)rig.a.session->send(rig.now(), file, std::span<const std::byte>(pattern(262'144)));
  rig.run_for(1s);
  Duration worst{};
  for (std::size_t i = 1; i <= 5; ++i) {
    rig.run_for(33ms);
    const TimePoint asked = rig.now();
    EXPECT_TRUE(rig.a.session->send(rig.now(), chat, "hello"));
    EXPECT_EQ(rig.run_until([&] { return rig.b.received[rig.b.announced.at(1)].size() == i; }, 10s), sim::Stop::Done);
    worst = std::max(worst, rig.now() - asked);
  }
  return worst;
}

TEST(Session, AShortMessageIsNotStuckBehindAFileOfAnotherChannel) {
  const Duration interleaved = chat_beside_file(true);
  EXPECT_LT(interleaved, 100ms) << "a round trip, and what stands in the path's queue";
  EXPECT_GT(chat_beside_file(false), interleaved + 30ms) << "the rest of 256 KiB takes 100 ms";
}

TEST(Session, ChannelsShareThePathByTheirPrioritiesOnBothSides) {
  Rig rig(1, {.latency = 10ms, .bits_per_second = 20'000'000, .queue_bytes = 60'000});
  const ChannelId low = rig.connect({.priority = Priority::VeryLow});
  const ChannelId high = rig.a.session->create_data_channel(rig.now(), "high", {.priority = Priority::High}).value();
  (void)rig.run_until([&] { return rig.b.announced.size() == 2; }, 10s);
  for (Peer* sender : {&rig.a, &rig.b}) {
    Peer& receiver = sender == &rig.a ? rig.b : rig.a;
    // B learnt the priorities from the OPENs.
    const ChannelId from_low = sender == &rig.a ? low : rig.b.announced.at(0);
    const ChannelId from_high = sender == &rig.a ? high : rig.b.announced.at(1);
    const ChannelId to_low = sender == &rig.a ? rig.b.announced.at(0) : low;
    const ChannelId to_high = sender == &rig.a ? rig.b.announced.at(1) : high;
    for (int i = 0; i < 200; ++i)
      for (const ChannelId id : {from_low, from_high})
        ASSERT_TRUE(sender->session->send(rig.now(), id, std::span<const std::byte>(pattern(20'000))));
    ASSERT_EQ(rig.run_until([&] { return receiver.received[to_high].size() >= 150; }, 30s), sim::Stop::Done);
    EXPECT_GE(receiver.received[to_low].size(), 10U);
    EXPECT_LE(receiver.received[to_low].size(), 40U) << "an eighth, and what a burst brings at once";
    ASSERT_EQ(rig.run_until([&] { return receiver.received[to_low].size() == 200; }, 60s), sim::Stop::Done);
  }
}

TEST(Session, OpensAHundredChannelsOfAllKinds) {
  Rig rig;
  std::vector<ChannelId> ids;
  for (unsigned i = 0; i < 100; ++i) {
    DataChannelInit init{.ordered = i % 2 == 0, .protocol = "p" + std::to_string(i)};
    if (i % 3 == 1) init.max_retransmits = static_cast<std::uint16_t>(i);
    if (i % 3 == 2) init.max_packet_life_time = static_cast<std::uint16_t>(1'000 + i);
    init.priority = static_cast<Priority>(i % 4);
    ids.push_back(rig.a.session->create_data_channel(rig.now(), "channel " + std::to_string(i), init).value());
  }
  rig.negotiate(rig.a, rig.b);
  ASSERT_EQ(rig.run_until([&] { return rig.b.announced.size() == 100; }, 10s), sim::Stop::Done);
  Session& a = *rig.a.session;
  Session& b = *rig.b.session;
  for (const ChannelId id : ids) {
    const auto same = std::ranges::find_if(rig.b.announced, [&](ChannelId r) { return b.id(r) == a.id(id); });
    ASSERT_NE(same, rig.b.announced.end());
    EXPECT_EQ(b.label(*same), a.label(id));
    EXPECT_EQ(b.protocol(*same), a.protocol(id));
    EXPECT_EQ(b.ordered(*same), a.ordered(id));
    EXPECT_EQ(b.max_retransmits(*same), a.max_retransmits(id));
    EXPECT_EQ(b.max_packet_life_time(*same), a.max_packet_life_time(id));
    EXPECT_EQ(b.priority(*same), a.priority(id));
    ASSERT_TRUE(a.send(rig.now(), id, a.label(id)));
  }
  EXPECT_EQ(rig.run_until([&] { return rig.b.received.size() == 100; }, 10s), sim::Stop::Done);
  for (const auto& [id, messages] : rig.b.received) EXPECT_EQ(messages.at(0).text(), b.label(id));
}

TEST(Session, GivesEvenIdsToOneSideAndOddIdsToTheOther) {
  Rig rig;
  const ChannelId first = rig.connect();
  const ChannelId other = rig.b.session->create_data_channel(rig.now(), "back").value();
  rig.run_for(1s);
  ASSERT_THAT(rig.a.announced, SizeIs(1));
  EXPECT_NE(*rig.a.session->id(first) % 2, *rig.b.session->id(other) % 2);
}

TEST(Session, OpensNegotiatedChannelsWithoutAMessage) {
  Rig rig;
  const DataChannelInit init{.negotiated = true, .id = 77};
  const ChannelId a = rig.a.session->create_data_channel(rig.now(), "n", init).value();
  const ChannelId b = rig.b.session->create_data_channel(rig.now(), "n", init).value();
  rig.negotiate(rig.a, rig.b);
  ASSERT_EQ(rig.run_until([&] { return rig.a.open(a) && rig.b.open(b); }, 10s), sim::Stop::Done);
  ASSERT_TRUE(rig.a.session->send(rig.now(), a, "hello"));
  ASSERT_TRUE(rig.b.session->send(rig.now(), b, "world"));
  rig.run_for(1s);
  EXPECT_EQ(rig.b.received[b].at(0).text(), "hello");
  EXPECT_EQ(rig.a.received[a].at(0).text(), "world");
  EXPECT_TRUE(rig.a.announced.empty());
}

TEST(Session, KeepsWhatComesBeforeANegotiatedChannelIsMade) {
  Rig rig;
  rig.connect();
  const DataChannelInit init{.negotiated = true, .id = 500};
  const ChannelId a = rig.a.session->create_data_channel(rig.now(), "n", init).value();
  ASSERT_TRUE(rig.a.session->send(rig.now(), a, "first"));
  rig.run_for(1s);
  const ChannelId b = rig.b.session->create_data_channel(rig.now(), "n", init).value();
  rig.run_for(1s);
  ASSERT_THAT(rig.b.received[b], SizeIs(1));
  EXPECT_EQ(rig.b.received[b].at(0).text(), "first");
}

TEST(Session, RefusesChannelsThatTheW3cRefuses) {
  Rig rig;
  Session& s = *rig.a.session;
  const auto name = [&](std::string_view label, const DataChannelInit& init) {
    return s.create_data_channel(rig.now(), label, init).error().name;
  };
  EXPECT_EQ(name(std::string(65'536, 'x'), {}), ErrorName::TypeError);
  EXPECT_EQ(name("x", {.protocol = std::string(65'536, 'x')}), ErrorName::TypeError);
  EXPECT_EQ(name("x", {.max_packet_life_time = 1, .max_retransmits = 1}), ErrorName::TypeError);
  EXPECT_EQ(name("x", {.negotiated = true}), ErrorName::TypeError);
  EXPECT_EQ(name("x", {.negotiated = true, .id = 65'535}), ErrorName::TypeError);
  EXPECT_TRUE(s.create_data_channel(rig.now(), "x", {.negotiated = true, .id = 5}));
  EXPECT_EQ(name("x", {.negotiated = true, .id = 5}), ErrorName::OperationError);
  EXPECT_TRUE(s.create_data_channel(rig.now(), std::string(65'535, 'x')));
}

}  // namespace
}  // namespace linnet::session::testing
