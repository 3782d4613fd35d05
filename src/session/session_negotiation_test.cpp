#include <gmock/gmock.h>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

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

}  // namespace
}  // namespace linnet::session::testing
