// Tuning::experimental_snap: SCTP's INITs in the descriptions, draft-hancke-tsvwg-snap.
#include <gmock/gmock.h>

#include "session/testing/opening.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Tuning off{};
const Tuning on = [] {
  Tuning tuning;
  tuning.experimental_snap = true;
  return tuning;
}();

TEST(SessionSnap, AChannelOpensTwoRoundTripsEarlierAndIsHeardOfOneEarlier) {
  for (const Duration latency : {10ms, 100ms}) {
    const Duration rtt = round_trip(latency);
    const Opening with = set_up(latency, on, on);
    const Opening without = set_up(latency, off, off);
    ASSERT_TRUE(with.message && without.message);
    EXPECT_LE(*with.open, *without.open - 2 * rtt + 1ms) << "no INIT, no COOKIE-ECHO";
    EXPECT_LE(*with.heard, *without.heard - rtt + 1ms);
    EXPECT_LE(*with.message, *without.message - rtt + 1ms);
  }
}

TEST(SessionSnap, OnOneSideOnlyItIsTheOrdinaryHandshake) {
  const Opening without = set_up(50ms, off, off);
  for (const auto& [a, b] : {std::pair{on, off}, std::pair{off, on}}) {
    const Opening one = set_up(50ms, a, b);
    ASSERT_TRUE(one.message);
    EXPECT_EQ(*one.open, *without.open);
    EXPECT_EQ(*one.message, *without.message);
  }
}

TEST(SessionSnap, IsInTheDescriptionsOnlyWhenBothSpeakIt) {
  Rig both{1, {}, on, on};
  both.connect();
  EXPECT_THAT(both.a.session->local_description()->sdp, HasSubstr("a=sctp-init:AQAA"));
  EXPECT_THAT(both.b.session->local_description()->sdp, HasSubstr("a=sctp-init:AQAA"));
  Rig answerer{1, {}, off, on};
  answerer.connect();
  EXPECT_THAT(answerer.b.session->local_description()->sdp, Not(HasSubstr("sctp-init")));
}

TEST(SessionSnap, MessagesOfBothSidesArriveThroughLoss) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rig rig{seed, {.latency = 20ms, .loss = 0.1}, on, on};
    const ChannelId id = rig.connect();
    ASSERT_TRUE(rig.a.open(id)) << seed;
    ASSERT_FALSE(rig.b.announced.empty()) << seed;
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(3'000)}));
      ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), "back"));
    }
    ASSERT_EQ(rig.run_until(
                  [&] { return rig.a.received[id].size() == 20 && rig.b.received[rig.remote()].size() == 20; }, 60s),
              sim::Stop::Done)
        << seed;
    EXPECT_EQ(rig.b.received[rig.remote()].back().data, pattern(3'000));
  }
}

/// The offerer is the slower one to learn who the peer is: DTLS and what follows reach it before the answer does.
TEST(SessionSnap, WhatComesBeforeTheAnswerWaitsForIt) {
  Rig rig{3, {.latency = 20ms}, on, on};
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "chat").value();
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.run_for(10ms);
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), *rig.a.session->local_description()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  const ChannelId theirs = rig.b.session->create_data_channel(rig.now(), "theirs").value();
  rig.run_for(500ms);
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  ASSERT_EQ(rig.run_until(
                [&] {
                  return rig.a.open(id) && rig.b.open(theirs) && rig.a.announced.size() == 1 &&
                         rig.b.announced.size() == 1;
                },
                5s),
            sim::Stop::Done);
}

TEST(SessionSnap, AnIceRestartKeepsTheAssociation) {
  Rig rig{1, {}, on, on};
  const ChannelId id = rig.connect();
  const std::string before = rig.a.session->local_description()->sdp;
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, rig.b);
  rig.run_for(2s);
  const auto line = [](const std::string& sdp) { return sdp.substr(sdp.find("a=sctp-init:"), 40); };
  EXPECT_EQ(line(rig.a.session->local_description()->sdp), line(before));
  ASSERT_TRUE(rig.a.open(id));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "still here"));
  ASSERT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 1; }, 5s), sim::Stop::Done);
}

TEST(SessionSnap, AnotherPeerBeginsANewAssociation) {
  for (const Tuning& third : {on, off}) {
    Rig rig{1, {}, on, on};
    rig.connect();
    Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99, third};
    rig.hand_on_to(c);
    const ChannelId fresh = rig.a.session->create_data_channel(rig.now(), "fresh").value();
    rig.a.session->restart_ice(rig.now());
    rig.negotiate(rig.a, c);
    const ChannelId again = rig.a.session->create_data_channel(rig.now(), "again").value();
    ASSERT_EQ(rig.run_until([&] { return rig.a.open(again) && !c.announced.empty(); }, 10s), sim::Stop::Done);
    ASSERT_TRUE(rig.a.session->send(rig.now(), again, "hello"));
    ASSERT_EQ(rig.run_until([&] { return !c.received.empty(); }, 5s), sim::Stop::Done);
    (void)fresh;
  }
}

TEST(SessionSnap, ABadInitIsAnErrorOfTheDescription) {
  Rig rig{1, {}, on, on};
  (void)rig.a.session->create_data_channel(rig.now(), "chat");
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  SessionDescription offer = *rig.a.session->local_description();
  const std::size_t at = offer.sdp.find("a=sctp-init:AQAA") + 12;
  const std::size_t end = offer.sdp.find('\r', at);
  // An INIT-ACK; a tag of zero; half of it.
  for (const std::string& bad :
       std::vector<std::string>{"AgAA" + offer.sdp.substr(at + 4, end - at - 4),
                                std::string{"AQAAFAAAAAAAEAAA//8AAAAAAAE="}, offer.sdp.substr(at, 16)}) {
    SessionDescription changed = offer;
    changed.sdp.replace(at, end - at, bad);
    const auto refused = rig.b.session->set_remote_description(rig.now(), changed);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().name, ErrorName::InvalidAccessError) << bad;
  }
  EXPECT_TRUE(rig.b.session->set_remote_description(rig.now(), offer));
}

}  // namespace
}  // namespace linnet::session::testing
