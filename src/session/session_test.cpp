#include <gmock/gmock.h>

#include <algorithm>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(Session, ConnectsAndOpensAChannelOnBothSides) {
  Rig rig;
  const ChannelId id = rig.connect();
  EXPECT_TRUE(rig.a.open(id));
  ASSERT_THAT(rig.b.announced, SizeIs(1));
  EXPECT_TRUE(rig.b.open(rig.remote()));
  EXPECT_EQ(rig.b.session->label(rig.remote()), "chat");
  EXPECT_TRUE(rig.a.connected());
  EXPECT_TRUE(rig.b.connected());
  EXPECT_EQ(rig.a.session->id(id), rig.b.session->id(rig.remote()));
  EXPECT_EQ(rig.a.session->sctp_transport_state(), SctpTransportState::Connected);
  EXPECT_EQ(rig.a.session->dtls_transport_state(), DtlsTransportState::Connected);
}

TEST(Session, ConnectsWithinSixRoundTripsOnAnIdealLink) {
  for (const Duration latency : {10ms, 100ms}) {
    Rig rig{7, {.latency = latency}};
    const ChannelId id = rig.a.session->create_data_channel(rig.now(), "fast").value();
    const TimePoint begin = rig.now();
    rig.negotiate(rig.a, rig.b);
    ASSERT_EQ(rig.run_until([&] { return rig.a.open(id) && !rig.b.announced.empty(); }, 10s), sim::Stop::Done);
    const Duration rtt = 2 * (latency + sim::LinkOptions{}.latency);
    EXPECT_LE(rig.now() - begin, 6 * rtt + 5ms) << (rig.now() - begin) / 1ms;
  }
}

TEST(Session, TellsEveryStateChangeOnceAndInOrder) {
  Rig rig;
  rig.connect();
  std::vector<PeerConnectionState> states;
  for (const auto& e : rig.a.all<Session::ConnectionStateChange>()) states.push_back(e.state);
  EXPECT_THAT(states, ElementsAre(PeerConnectionState::Connecting, PeerConnectionState::Connected));
  std::vector<SignalingState> signaling;
  for (const auto& e : rig.a.all<Session::SignalingStateChange>()) signaling.push_back(e.state);
  EXPECT_THAT(signaling, ElementsAre(SignalingState::HaveLocalOffer, SignalingState::Stable));
  std::vector<DtlsTransportState> dtls;
  for (const auto& e : rig.a.all<Session::DtlsStateChange>()) dtls.push_back(e.state);
  EXPECT_THAT(dtls, ElementsAre(DtlsTransportState::Connecting, DtlsTransportState::Connected));
}

TEST(Session, TellsCandidatesThenAnEmptyOneThenNone) {
  Rig rig;
  rig.connect();
  rig.run_for(1s);
  const auto found = rig.a.all<Session::IceCandidateFound>();
  ASSERT_GE(found.size(), 3U);
  EXPECT_TRUE(found.front().candidate->candidate.starts_with("candidate:"));
  EXPECT_EQ(found.front().candidate->address, "192.0.2.1");
  EXPECT_EQ(found[found.size() - 2].candidate->candidate, "");
  EXPECT_FALSE(found.back().candidate);
  EXPECT_EQ(rig.a.session->ice_gathering_state(), IceGatheringState::Complete);
}

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

TEST(Session, ClosesAChannelOnBothSidesAfterDeliveringAndUsesItsIdAgain) {
  for (const bool from_a : {true, false}) {
    Rig rig;
    const ChannelId id = rig.connect();
    const auto stream = rig.a.session->id(id);
    const ChannelId remote = rig.remote();
    Peer& closer = from_a ? rig.a : rig.b;
    Peer& other = from_a ? rig.b : rig.a;
    const ChannelId mine = from_a ? id : remote;
    const ChannelId theirs = from_a ? remote : id;
    ASSERT_TRUE(closer.session->send(rig.now(), mine, std::span<const std::byte>{pattern(100'000)}));
    closer.session->close_channel(rig.now(), mine);
    EXPECT_EQ(closer.session->ready_state(mine), DataChannelState::Closing);
    EXPECT_EQ(closer.session->send(rig.now(), mine, "late").error().name, ErrorName::InvalidStateError);
    ASSERT_EQ(
        rig.run_until(
            [&] { return rig.a.count<Session::ChannelClosed>() + rig.b.count<Session::ChannelClosed>() == 2; }, 10s),
        sim::Stop::Done);
    EXPECT_EQ(other.received[theirs].at(0).data.size(), 100'000U);
    EXPECT_EQ(other.count<Session::ChannelClosing>(), 1U);
    EXPECT_EQ(closer.count<Session::ChannelClosing>(), 0U);
    EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);

    const ChannelId again = rig.a.session->create_data_channel(rig.now(), "again").value();
    EXPECT_EQ(rig.a.session->id(again), stream);
    ASSERT_EQ(rig.run_until([&] { return rig.b.announced.size() == 2; }, 10s), sim::Stop::Done);
    ASSERT_TRUE(rig.a.session->send(rig.now(), again, "second life"));
    rig.run_for(1s);
    EXPECT_EQ(rig.b.received[rig.b.announced.back()].at(0).text(), "second life");
    EXPECT_EQ(rig.b.session->label(rig.b.announced.back()), "again");
  }
}

TEST(Session, LetsAReaderFinishAChannelThatThePeerClosed) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.read = false;
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "one"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "two"));
  rig.a.session->close_channel(rig.now(), id);
  rig.run_for(2s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closing);
  EXPECT_EQ(rig.b.session->receive(rig.remote())->text(), "one");
  EXPECT_EQ(rig.b.session->receive(rig.remote())->text(), "two");
  EXPECT_FALSE(rig.b.session->receive(rig.remote()));
  rig.run_for(2s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
}

TEST(Session, ClosesWhenBothSidesCloseTheSameChannelAtOnce) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.a.session->close_channel(rig.now(), id);
  rig.b.session->close_channel(rig.now(), rig.remote());
  rig.run_for(3s);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.a.count<Session::ChannelClosed>(), 1U);
  EXPECT_EQ(rig.b.count<Session::ChannelClosed>(), 1U);
}

TEST(Session, DeliversEverythingSentBeforeClose) {
  Rig rig{3, {.latency = 50ms, .loss = 0.02}};
  const ChannelId id = rig.connect();
  const auto data = pattern(100'000);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.a.session->connection_state(), PeerConnectionState::Closed);
  EXPECT_EQ(rig.a.session->signaling_state(), SignalingState::Closed);
  const std::size_t events = rig.a.log.size();
  ASSERT_EQ(rig.run_until([&] { return rig.a.terminated; }, 30s), sim::Stop::Done);
  rig.run_for(1s);
  EXPECT_THAT(rig.b.received[rig.remote()], SizeIs(20));
  for (std::size_t i = events; i < rig.a.log.size(); ++i) {
    EXPECT_TRUE(std::holds_alternative<Session::CloseSocket>(rig.a.log[i]) ||
                std::holds_alternative<Session::Terminated>(rig.a.log[i]));
  }
  EXPECT_EQ(rig.a.session->next_timeout(), never);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.b.session->dtls_transport_state(), DtlsTransportState::Closed);
}

TEST(Session, ClosesTowardsAPeerThatIsInTheMiddleOfSendingToIt) {
  Tuning small;
  small.receive_window = 100'000;
  Rig rig{1, {}, small, {}};
  const ChannelId id = rig.connect();
  rig.a.read = false;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), std::span<const std::byte>{pattern(50'000)}));
  }
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "last words"));
  rig.run_for(2s);
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.run_until([&] { return rig.a.terminated; }, 5s), sim::Stop::Done);
  EXPECT_EQ(rig.b.received[rig.remote()].at(0).text(), "last words");
}

TEST(Session, EndsInBoundedTimeWhenClosedTowardsAPeerThatVanished) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "into the void"));
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.run_until([&] { return rig.a.terminated; }, 12s), sim::Stop::Done);
}

TEST(Session, TerminatesAtOnceWhenClosedBeforeItConnected) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.a.session->close(rig.now());
  rig.pump();
  EXPECT_TRUE(rig.a.terminated);
  EXPECT_EQ(rig.a.session->create_data_channel(rig.now(), "y").error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(rig.a.session->create_offer().error().name, ErrorName::InvalidStateError);
}

TEST(Session, AbortEndsBothSidesAtOnce) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.a.session->abort(rig.now());
  rig.pump();
  EXPECT_TRUE(rig.a.terminated);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  rig.run_for(1s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.b.count<Session::ChannelError>(), 1U);
}

TEST(Session, FailsInBoundedTimeWhenThePeerVanishes) {
  Rig rig;
  rig.connect();
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  EXPECT_EQ(rig.run_until([&] { return rig.a.session->connection_state() == PeerConnectionState::Disconnected; }, 20s),
            sim::Stop::Done);
  EXPECT_EQ(rig.run_until([&] { return rig.a.session->connection_state() == PeerConnectionState::Failed; }, 60s),
            sim::Stop::Done);
}

TEST(Session, FailsAndDeliversNothingWhenTheFingerprintIsWrong) {
  Rig rig;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  (void)rig.a.session->set_local_description(rig.now());
  SessionDescription offer = *rig.a.session->local_description();
  const std::size_t at = offer.sdp.find("a=fingerprint:sha-256 ") + 22;
  offer.sdp[at] = offer.sdp[at] == 'A' ? 'B' : 'A';
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), offer));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  EXPECT_EQ(rig.run_until([&] { return rig.b.session->connection_state() == PeerConnectionState::Failed; }, 20s),
            sim::Stop::Done);
  const auto changes = rig.b.all<Session::DtlsStateChange>();
  ASSERT_EQ(changes.back().state, DtlsTransportState::Failed);
  EXPECT_EQ(changes.back().error->detail, ErrorDetail::FingerprintFailure);
  rig.run_for(5s);
  EXPECT_FALSE(rig.a.open(id));
  EXPECT_TRUE(rig.b.announced.empty());
}

TEST(Session, ConnectsWhenAllCandidatesAreInTheDescriptions) {
  Rig rig;
  rig.a.trickle = rig.b.trickle = false;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  (void)rig.a.session->set_local_description(rig.now());
  rig.run_for(1s);
  EXPECT_THAT(rig.a.session->local_description()->sdp, ::testing::HasSubstr("a=candidate:"));
  EXPECT_THAT(rig.a.session->local_description()->sdp, ::testing::HasSubstr("a=end-of-candidates"));
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), *rig.a.session->local_description()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  EXPECT_EQ(rig.run_until([&] { return rig.a.open(id); }, 10s), sim::Stop::Done);
}

TEST(Session, ConnectsThroughALateAnswerWithoutATimerOfASecond) {
  // The answer travels slower than the answerer's first flight.
  Rig rig;
  rig.a.trickle = rig.b.trickle = false;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  (void)rig.a.session->set_local_description(rig.now());
  rig.run_for(100ms);
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), *rig.a.session->local_description()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  rig.run_for(700ms);
  const TimePoint begin = rig.now();
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  EXPECT_EQ(rig.run_until([&] { return rig.a.open(id); }, 10s), sim::Stop::Done);
  EXPECT_LE(rig.now() - begin, 400ms);
}

TEST(Session, AsksForNegotiationOnceAndOnlyWhileItIsNeeded) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "1");
  (void)rig.a.session->create_data_channel(rig.now(), "2");
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::NegotiationNeeded>(), 1U);
  (void)rig.a.session->create_data_channel(rig.now(), "3");
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::NegotiationNeeded>(), 1U);
  rig.negotiate(rig.a, rig.b);
  rig.run_for(1s);
  (void)rig.a.session->create_data_channel(rig.now(), "4");
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::NegotiationNeeded>(), 1U);
  EXPECT_EQ(rig.b.count<Session::NegotiationNeeded>(), 0U);
  rig.a.session->restart_ice(rig.now());
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::NegotiationNeeded>(), 2U);
}

TEST(Session, DoesNotAskWhenTheOfferWasMadeBeforeTheEventWasTaken) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "1");
  rig.negotiate(rig.a, rig.b);
  rig.run_for(1s);
  EXPECT_EQ(rig.a.count<Session::NegotiationNeeded>(), 0U);
}

TEST(Session, SurvivesGlareWithPerfectNegotiation) {
  for (const bool a_polite : {true, false}) {
    Rig rig;
    rig.a.perfect = rig.b.perfect = true;
    rig.a.polite = a_polite;
    rig.b.polite = !a_polite;
    const ChannelId a = rig.a.session->create_data_channel(rig.now(), "from a").value();
    const ChannelId b = rig.b.session->create_data_channel(rig.now(), "from b").value();
    EXPECT_EQ(rig.run_until(
                  [&] {
                    return rig.a.open(a) && rig.b.open(b) && rig.a.announced.size() == 1 && rig.b.announced.size() == 1;
                  },
                  10s),
              sim::Stop::Done);
    EXPECT_EQ(rig.a.session->signaling_state(), SignalingState::Stable);
    EXPECT_EQ(rig.b.session->signaling_state(), SignalingState::Stable);
  }
}

TEST(Session, RollsBackAnOfferAndConnectsWithAnother) {
  Rig rig;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.run_for(100ms);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), SessionDescription{SdpType::Rollback, ""}));
  EXPECT_EQ(rig.a.session->signaling_state(), SignalingState::Stable);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Connecting);
  rig.negotiate(rig.a, rig.b);
  EXPECT_EQ(rig.run_until([&] { return rig.a.open(id); }, 10s), sim::Stop::Done);
}

TEST(Session, RestartsIceInTheMiddleOfATransfer) {
  Rig rig;
  const ChannelId id = rig.connect();
  const std::string before = rig.a.session->local_username_fragments().front();
  const auto data = pattern(50'000);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  rig.run_for(30ms);
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, rig.b);
  EXPECT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 40; }, 30s), sim::Stop::Done);
  rig.run_for(60s);
  EXPECT_NE(rig.a.session->local_username_fragments().front(), before);
  EXPECT_TRUE(rig.a.connected());
  EXPECT_TRUE(rig.b.connected());
  EXPECT_EQ(rig.a.count<Session::ChannelClosed>(), 0U);
}

TEST(Session, StaysConnectedWhenAnIceRestartIsRolledBack) {
  Rig rig;
  const ChannelId id = rig.connect();
  const std::string before = rig.a.session->local_username_fragments().front();
  rig.a.session->restart_ice(rig.now());
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), SessionDescription{SdpType::Rollback, ""}));
  EXPECT_EQ(rig.a.session->local_username_fragments().front(), before);
  rig.negotiate(rig.b, rig.a);
  rig.run_for(90s);
  EXPECT_TRUE(rig.a.connected());
  EXPECT_TRUE(rig.b.connected());
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "still here"));
  rig.run_for(1s);
  EXPECT_EQ(rig.b.received[rig.remote()].at(0).text(), "still here");
}

/// The answer of somebody who takes no data channels.
SessionDescription without_data(SessionDescription description) {
  const auto replace = [&](std::string_view what, std::string_view by) {
    const std::size_t at = description.sdp.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    description.sdp.replace(at, what.size(), by);
  };
  const std::size_t line = description.sdp.find("m=application ");
  replace(description.sdp.substr(line, description.sdp.find(" UDP", line) - line), "m=application 0");
  replace("a=group:BUNDLE 0\r\n", "");
  return description;
}

TEST(Session, GoesOnWithAnotherPeerThatAnswersWithAnotherFingerprint) {
  Rig rig;
  // `a` is the DTLS client of `b` and will be the server of `c`.
  const ChannelId theirs = rig.b.session->create_data_channel(rig.now(), "theirs").value();
  rig.negotiate(rig.b, rig.a);
  ASSERT_EQ(rig.run_until([&] { return rig.b.open(theirs) && rig.a.announced.size() == 1; }, 10s), sim::Stop::Done);
  std::vector<ChannelId> old = rig.a.announced;
  for (int i = 0; i < 3; ++i) old.push_back(rig.a.session->create_data_channel(rig.now(), "old").value());
  rig.run_for(1s);
  EXPECT_EQ(rig.a.session->id(old[1]), 0);

  Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99};
  rig.hand_on_to(c);
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, c);
  for (const ChannelId id : old) EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  const ChannelId from_c = c.session->create_data_channel(rig.now(), "from c").value();
  const ChannelId from_a = rig.a.session->create_data_channel(rig.now(), "from a").value();
  ASSERT_EQ(rig.run_until([&] { return rig.a.announced.size() == 2 && c.announced.size() == 1; }, 30s),
            sim::Stop::Done);
  EXPECT_EQ(c.session->id(from_c), 0);
  EXPECT_EQ(rig.a.session->id(from_a), 1);
  ASSERT_TRUE(c.session->send(rig.now(), from_c, "hello"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), from_a, "hi"));
  rig.run_for(1s);
  EXPECT_EQ(rig.a.received[rig.a.announced[1]].at(0).text(), "hello");
  EXPECT_EQ(c.received[c.announced[0]].at(0).text(), "hi");
}

TEST(Session, AddsDataChannelsAgainAfterTheyWereRejected) {
  Rig rig;
  const ChannelId theirs = rig.b.session->create_data_channel(rig.now(), "theirs").value();
  rig.negotiate(rig.b, rig.a);
  ASSERT_EQ(rig.run_until([&] { return rig.b.open(theirs) && rig.a.announced.size() == 1; }, 10s), sim::Stop::Done);
  const ChannelId old = rig.a.session->create_data_channel(rig.now(), "old").value();
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), rig.a.session->local_description().value()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(
      rig.a.session->set_remote_description(rig.now(), without_data(rig.b.session->local_description().value())));
  EXPECT_EQ(rig.a.session->ready_state(old), DataChannelState::Closed);
  EXPECT_EQ(rig.a.session->ready_state(rig.a.announced[0]), DataChannelState::Closed);

  Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99};
  rig.hand_on_to(c);
  const ChannelId from_a = rig.a.session->create_data_channel(rig.now(), "from a").value();
  rig.negotiate(rig.a, c);
  const ChannelId from_c = c.session->create_data_channel(rig.now(), "from c").value();
  ASSERT_EQ(rig.run_until([&] { return rig.a.announced.size() == 2 && c.announced.size() == 1; }, 30s),
            sim::Stop::Done);
  EXPECT_EQ(c.session->id(from_c), 0);
  EXPECT_EQ(rig.a.session->id(from_a), 1);
  ASSERT_TRUE(c.session->send(rig.now(), from_c, "hello"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), from_a, "hi"));
  rig.run_for(1s);
  EXPECT_EQ(rig.a.received[rig.a.announced[1]].at(0).text(), "hello");
  EXPECT_EQ(c.received[c.announced[0]].at(0).text(), "hi");
}

TEST(Session, GivesBackTheSocketsOfARejectedTransportEvenWhenClosedAtOnce) {
  Rig rig;
  rig.connect();
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), rig.a.session->local_description().value()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(
      rig.a.session->set_remote_description(rig.now(), without_data(rig.b.session->local_description().value())));
  ASSERT_EQ(rig.a.count<Session::CloseSocket>(), 0U);
  rig.a.session->close(rig.now());
  std::size_t told = 0;
  while (const auto event = rig.a.session->poll_event()) {
    const bool closes = std::holds_alternative<Session::CloseSocket>(*event);
    told += closes ? 1U : 0U;
    EXPECT_TRUE(closes || std::holds_alternative<Session::Terminated>(*event)) << event->index();
  }
  EXPECT_EQ(told, 1U);
}

TEST(Session, SendsTheSameBytesForTheSameSeed) {
  const auto run = [] {
    Rig rig{42};
    std::vector<std::byte> bytes;
    rig.world.on_sent = [&](auto&, const DatagramBatch& batch) {
      for (const auto& r : batch.runs()) bytes.insert(bytes.end(), r.bytes.begin(), r.bytes.end());
    };
    const ChannelId id = rig.connect();
    (void)rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(10'000)});
    rig.run_for(2s);
    rig.a.session->close(rig.now());
    rig.run_for(5s);
    return bytes;
  };
  const auto first = run();
  EXPECT_GT(first.size(), 10'000U);
  EXPECT_TRUE(first == run());
}

TEST(Session, ShowsWhatHappenedInItsStatistics) {
  Rig rig;
  const ChannelId id = rig.connect();
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "12345"));
  rig.run_for(1s);
  const StatsReport report = rig.a.session->get_stats(rig.now());
  std::set<std::string_view> types;
  for (const auto& [key, stats] : report) types.insert(type_of(stats));
  EXPECT_THAT(types, ::testing::IsSupersetOf({"peer-connection", "transport", "candidate-pair", "local-candidate",
                                              "remote-candidate", "certificate", "data-channel"}));
  const auto& transport = std::get<TransportStats>(report.at("T0"));
  EXPECT_GT(transport.bytes_sent, 0U);
  EXPECT_EQ(transport.tls_version, "FEFD");
  EXPECT_EQ(transport.dtls_state, DtlsTransportState::Connected);
  ASSERT_TRUE(transport.selected_candidate_pair_id);
  const auto& pair = std::get<CandidatePairStats>(report.at(*transport.selected_candidate_pair_id));
  EXPECT_TRUE(report.contains(pair.local_candidate_id));
  EXPECT_TRUE(report.contains(pair.remote_candidate_id));
  EXPECT_TRUE(report.contains(*transport.remote_certificate_id));
  const auto channel = std::ranges::find_if(report, [](const auto& e) { return type_of(e.second) == "data-channel"; });
  EXPECT_EQ(std::get<DataChannelStats>(channel->second).bytes_sent, 5U);
  EXPECT_EQ(std::get<DataChannelStats>(channel->second).messages_sent, 1U);
}

TEST(Session, RefusesConfigurationsThatTheW3cRefuses) {
  SeededGenerator generator{1};
  const auto error = [&](const Configuration& c, const Tuning& t = {}) {
    const auto made = Session::create(c, t, {.generator = generator, .simulation = true});
    return made ? std::optional<ErrorName>{} : std::optional{made.error().name};
  };
  EXPECT_EQ(error({.ice_servers = {{.urls = {"nonsense"}}}}), ErrorName::SyntaxError);
  EXPECT_EQ(error({.ice_servers = {{.urls = {}}}}), ErrorName::SyntaxError);
  EXPECT_EQ(error({.ice_servers = {{.urls = {"turn:turn.example.org"}}}}), ErrorName::InvalidAccessError);
  Tuning bad;
  bad.mtu = 100;
  EXPECT_EQ(error({}, bad), ErrorName::RangeError);
}

TEST(Session, RefusesToChangeWhatCannotBeChanged) {
  Rig rig;
  Configuration c = rig.a.session->get_configuration();
  c.bundle_policy = BundlePolicy::MaxBundle;
  EXPECT_EQ(rig.a.session->set_configuration(rig.now(), c).error().name, ErrorName::InvalidModificationError);
  c = rig.a.session->get_configuration();
  c.ice_servers = {{.urls = {"stun:stun.example.org"}}};
  EXPECT_TRUE(rig.a.session->set_configuration(rig.now(), c));
  EXPECT_EQ(rig.a.session->get_configuration(), c);
}

TEST(Session, IgnoresGarbageOnEveryPort) {
  Rig rig;
  const ChannelId id = rig.connect();
  SeededGenerator noise{99};
  const Path path{.local = rig.a.session->selected_path()->local, .remote = rig.a.session->selected_path()->remote};
  for (int i = 0; i < 5'000; ++i) {
    std::vector<std::byte> bytes(noise.below(1'300));
    noise.fill(bytes);
    rig.a.session->handle_datagram({.at = rig.now(), .path = path, .bytes = bytes});
  }
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "still here"));
  rig.run_for(1s);
  EXPECT_EQ(rig.b.received[rig.remote()].at(0).text(), "still here");
}

}  // namespace
}  // namespace linnet::session::testing
