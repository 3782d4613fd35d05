// Tuning::experimental_sped: the DTLS handshake in ICE's checks, draft-hancke-webrtc-sped.
#include <gmock/gmock.h>

#include "session/testing/opening.hpp"

namespace linnet::session::testing {
namespace {

Tuning tuned(bool sped, bool snap = false) {
  Tuning tuning;
  tuning.experimental_sped = sped;
  tuning.experimental_snap = snap;
  return tuning;
}
const Tuning off = tuned(false);
const Tuning on = tuned(true);

TEST(SessionSped, AChannelOpensARoundTripEarlier) {
  for (const Duration latency : {10ms, 100ms}) {
    for (const bool from_b : {false, true}) {
      const Opening with = set_up(latency, on, on, from_b);
      const Opening without = set_up(latency, off, off, from_b);
      ASSERT_TRUE(with.message && without.message);
      RecordProperty("open_ms_with", static_cast<int>(*with.open / 1ms));
      RecordProperty("open_ms_without", static_cast<int>(*without.open / 1ms));
      EXPECT_LE(*with.open, *without.open - round_trip(latency) + 1ms) << latency / 1ms;
      EXPECT_LE(*with.message, *without.message - round_trip(latency) + 1ms) << latency / 1ms;
    }
  }
}

TEST(SessionSped, TogetherWithSnapThreeRoundTripsAreSaved) {
  const Duration rtt = round_trip(100ms);
  const Opening both = set_up(100ms, tuned(true, true), tuned(true, true));
  const Opening without = set_up(100ms, off, off);
  ASSERT_TRUE(both.message && without.message);
  EXPECT_LE(*both.open, *without.open - 3 * rtt + 1ms);
  EXPECT_LE(*both.open, 3 * rtt / 2 + 1ms) << "the checks and half of the handshake's second round trip";
}

TEST(SessionSped, APeerThatDoesNotKnowItConnectsAsEver) {
  for (const auto& [a, b] : {std::pair{on, off}, std::pair{off, on}}) {
    const Opening one = set_up(50ms, a, b);
    const Opening without = set_up(50ms, off, off);
    ASSERT_TRUE(one.message);
    EXPECT_LE(*one.open, *without.open + round_trip(50ms)) << "not much later";
  }
}

TEST(SessionSped, ConnectsThroughLoss) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Rig rig{seed, {.latency = 20ms, .loss = 0.25}, on, on};
    const ChannelId id = rig.connect();
    ASSERT_TRUE(rig.a.open(id)) << seed;
    ASSERT_FALSE(rig.b.announced.empty()) << seed;
    ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(30'000)}));
    ASSERT_EQ(rig.run_until([&] { return !rig.b.received[rig.remote()].empty(); }, 60s), sim::Stop::Done) << seed;
  }
}

TEST(SessionSped, WhatComesBeforeTheAnswerWaitsForIt) {
  Rig rig{3, {.latency = 20ms}, on, on};
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "chat").value();
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.run_for(10ms);
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), *rig.a.session->local_description()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  rig.run_for(500ms);
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  ASSERT_EQ(rig.run_until([&] { return rig.a.open(id) && rig.b.announced.size() == 1; }, 5s), sim::Stop::Done);
}

TEST(SessionSped, AWrongFingerprintStillFailsTheConnection) {
  Rig rig{1, {}, on, on};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  SessionDescription offer = *rig.a.session->local_description();
  const std::size_t at = offer.sdp.find("sha-256 ") + 8;
  offer.sdp[at] = offer.sdp[at] == '0' ? '1' : '0';
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), offer));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  EXPECT_EQ(rig.run_until([&] { return rig.b.session->connection_state() == PeerConnectionState::Failed; }, 40s),
            sim::Stop::Done);
  EXPECT_TRUE(rig.b.announced.empty());
}

TEST(SessionSped, AnIceRestartAndAnotherPeerGoOn) {
  Rig rig{1, {}, on, on};
  const ChannelId id = rig.connect();
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, rig.b);
  rig.run_for(2s);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "still here"));
  ASSERT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 1; }, 5s), sim::Stop::Done);
  Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99, on};
  rig.hand_on_to(c);
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, c);
  const ChannelId again = rig.a.session->create_data_channel(rig.now(), "again").value();
  ASSERT_EQ(rig.run_until([&] { return rig.a.open(again) && !c.announced.empty(); }, 20s), sim::Stop::Done);
}

TEST(SessionSped, ClosesWhileTheHandshakeIsInTheChecks) {
  Rig rig{1, {.latency = 100ms}, on, on};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.negotiate(rig.a, rig.b);
  rig.run_for(50ms);
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.run_until([&] { return rig.a.terminated; }, 15s), sim::Stop::Done);
}

}  // namespace
}  // namespace linnet::session::testing
