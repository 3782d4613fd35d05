#include "jsep/negotiation.hpp"

#include "jsep/test_peers.hpp"
#include "sdp/parser.hpp"

namespace linnet::jsep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using enum SignalingState;

TEST_F(NegotiationTest, OffersExactlyWhatJsepDemands) {
  const auto offer = alice.negotiation.create_offer();
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->type, SdpType::Offer);
  const auto d = sdp::parse(offer->sdp);
  ASSERT_TRUE(d);
  const std::string ufrag{d->media[0].attributes.value("ice-ufrag").value()};
  const std::string pwd{d->media[0].attributes.value("ice-pwd").value()};
  EXPECT_EQ(offer->sdp, "v=0\r\no=- " + d->origin.session_id +
                            " 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
                            "a=ice-options:trickle renomination\r\nm=application 9 UDP/DTLS/SCTP "
                            "webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
                            "a=ice-ufrag:" +
                            ufrag + "\r\na=ice-pwd:" + pwd +
                            "\r\na=fingerprint:" + to_string(test_options('A').fingerprints[0]) +
                            "\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n");
  EXPECT_TRUE(sdp::is_ice_ufrag(ufrag));
  EXPECT_TRUE(sdp::is_ice_password(pwd));
  const auto id = sdp::parse_number(d->origin.session_id);
  ASSERT_TRUE(id);
  EXPECT_NE(*id, 0u);
  EXPECT_LE(*id, std::uint64_t{1} << 63);
}

TEST_F(NegotiationTest, OffersNoMLineWithoutAChannel) {
  const auto offer = bob.negotiation.create_offer();
  ASSERT_TRUE(offer);
  EXPECT_THAT(offer->sdp, Not(HasSubstr("m=")));
  EXPECT_THAT(offer->sdp, Not(HasSubstr("BUNDLE")));
  TestPeer carol{'C'};
  const Exchange e = exchange(bob, carol);
  EXPECT_FALSE(e.completed.remote);
  EXPECT_TRUE(e.completed.negotiated);
  EXPECT_FALSE(e.completed.transport_dropped);
}

TEST_F(NegotiationTest, ConnectsTwoPeers) {
  const Exchange e = exchange(alice, bob);
  EXPECT_THAT(e.offered.states, ElementsAre(HaveLocalOffer));
  EXPECT_TRUE(e.offered.gather);
  ASSERT_TRUE(e.offered.local_ice);
  EXPECT_FALSE(e.offered.local_ice_restart);
  EXPECT_EQ(e.offered.ice_role, IceRole::Controlling);
  EXPECT_EQ(e.offered.data_mid, "0");
  EXPECT_EQ(e.offered.data_m_line_index, 0);
  EXPECT_FALSE(e.offered.remote);

  EXPECT_THAT(e.received.states, ElementsAre(HaveRemoteOffer));
  EXPECT_FALSE(e.received.remote);
  EXPECT_FALSE(e.received.gather);
  EXPECT_EQ(e.received.data_mid, "0");

  EXPECT_THAT(e.answered.states, ElementsAre(Stable));
  EXPECT_TRUE(e.answered.gather);
  ASSERT_TRUE(e.answered.local_ice);
  ASSERT_TRUE(e.answered.remote);
  EXPECT_EQ(e.answered.remote->ice, e.offered.local_ice);
  EXPECT_EQ(e.answered.remote->fingerprints, test_options('A').fingerprints);
  EXPECT_TRUE(e.answered.remote->trickle);
  EXPECT_EQ(e.answered.remote->max_message_size, 262'144u);
  EXPECT_EQ(e.answered.ice_role, IceRole::Controlled);
  EXPECT_EQ(e.answered.dtls_role, DtlsRole::Client);
  EXPECT_TRUE(e.answered.negotiated);
  EXPECT_TRUE(e.answered.update_negotiation_needed);

  ASSERT_TRUE(e.completed.remote);
  EXPECT_EQ(e.completed.remote->ice, e.answered.local_ice);
  EXPECT_EQ(e.completed.remote->fingerprints, test_options('B').fingerprints);
  EXPECT_FALSE(e.completed.remote->ice_restart);
  EXPECT_FALSE(e.completed.remote->dtls_restart);
  EXPECT_EQ(e.completed.ice_role, IceRole::Controlling);
  EXPECT_EQ(e.completed.dtls_role, DtlsRole::Server);
  EXPECT_FALSE(e.completed.gather);
  EXPECT_THAT(bob.local_sdp(), HasSubstr("a=setup:active"));
  EXPECT_THAT(bob.local_sdp(), HasSubstr("a=group:BUNDLE 0"));
}

TEST_F(NegotiationTest, HoldsTheFourDescriptions) {
  const Negotiation& n = alice.negotiation;
  EXPECT_FALSE(n.local_description() || n.remote_description());
  alice.set_local();
  EXPECT_TRUE(n.pending_local_description());
  EXPECT_FALSE(n.current_local_description());
  bob.set_remote(alice);
  EXPECT_EQ(bob.negotiation.pending_remote_description(), n.pending_local_description());
  bob.set_local();
  EXPECT_FALSE(bob.negotiation.pending_remote_description());
  EXPECT_EQ(bob.negotiation.current_remote_description(), n.pending_local_description());
  EXPECT_EQ(bob.negotiation.current_local_description()->type, SdpType::Answer);
  alice.set_remote(bob);
  EXPECT_FALSE(n.pending_local_description());
  EXPECT_EQ(n.current_local_description()->type, SdpType::Offer);
  EXPECT_EQ(n.current_remote_description(), bob.negotiation.current_local_description());
}

TEST_F(NegotiationTest, ReoffersWithTheSameIdentityAndAHigherVersion) {
  exchange(alice, bob);
  const auto first = sdp::parse(alice.local_sdp());
  const Exchange again = exchange(alice, bob);
  const auto second = sdp::parse(alice.local_sdp());
  EXPECT_EQ(first->origin.session_id, second->origin.session_id);
  EXPECT_LT(std::stoull(first->origin.session_version), std::stoull(second->origin.session_version));
  EXPECT_EQ(first->media, second->media);
  EXPECT_FALSE(again.offered.local_ice || again.offered.gather || again.answered.local_ice || again.answered.gather);
  EXPECT_FALSE(again.completed.remote->ice_restart || again.completed.remote->dtls_restart);
  EXPECT_FALSE(again.offered.ice_role);
}

TEST_F(NegotiationTest, KeepsTheRolesOfTheFirstExchangeWhenTheAnswererOffers) {
  exchange(alice, bob);
  const Exchange back = exchange(bob, alice);
  EXPECT_THAT(bob.local_sdp(), HasSubstr("a=setup:actpass"));
  EXPECT_THAT(alice.local_sdp(), HasSubstr("a=setup:passive"));
  EXPECT_EQ(back.answered.dtls_role, DtlsRole::Server);
  EXPECT_EQ(back.completed.dtls_role, DtlsRole::Client);
  EXPECT_EQ(back.answered.ice_role, IceRole::Controlling);
  EXPECT_EQ(back.completed.ice_role, IceRole::Controlled);
}

TEST_F(NegotiationTest, HonoursAnOffererThatInsistsOnItsDtlsRole) {
  for (const auto& [offered, answered, role] :
       {std::tuple{"active", "passive", DtlsRole::Server}, std::tuple{"passive", "active", DtlsRole::Client}}) {
    TestPeer peer{'D'};
    const auto offer = alice.negotiation.create_offer();
    peer.set_remote(
        {.type = SdpType::Offer, .sdp = replaced(offer->sdp, "setup:actpass", std::string{"setup:"} + offered)});
    EXPECT_EQ(peer.set_local().dtls_role, role);
    EXPECT_THAT(peer.local_sdp(), HasSubstr(std::string{"a=setup:"} + answered));
  }
}

TEST_F(NegotiationTest, RestartsIceWhenAsked) {
  const Exchange first = exchange(alice, bob);
  EXPECT_FALSE(alice.negotiation.negotiation_needed());
  alice.negotiation.restart_ice();
  EXPECT_TRUE(alice.negotiation.negotiation_needed());
  const Exchange e = exchange(alice, bob);
  ASSERT_TRUE(e.offered.local_ice);
  EXPECT_NE(e.offered.local_ice, first.offered.local_ice);
  EXPECT_TRUE(e.offered.local_ice_restart && e.offered.gather);
  ASSERT_TRUE(e.answered.local_ice);
  EXPECT_NE(e.answered.local_ice, first.answered.local_ice);
  EXPECT_TRUE(e.answered.local_ice_restart && e.answered.gather);
  EXPECT_TRUE(e.answered.remote->ice_restart);
  EXPECT_TRUE(e.completed.remote->ice_restart);
  EXPECT_FALSE(e.completed.remote->dtls_restart);
  EXPECT_FALSE(alice.negotiation.negotiation_needed());
}

TEST_F(NegotiationTest, RestartsIceByOfferOption) {
  exchange(alice, bob);
  const std::string before = alice.local_sdp();
  const auto offer = alice.negotiation.create_offer({.ice_restart = true});
  const auto ufrag = [](const std::string& s) {
    return std::string{sdp::parse(s)->media[0].attributes.value("ice-ufrag").value()};
  };
  EXPECT_NE(ufrag(offer->sdp), ufrag(before));
  const Changes changes = alice.set_local();
  EXPECT_TRUE(changes.local_ice_restart);
  EXPECT_EQ(changes.local_ice->ufrag, ufrag(offer->sdp));
}

TEST_F(NegotiationTest, NeedsNegotiationForAChannelUntilItsMLineIsNegotiated) {
  EXPECT_FALSE(bob.negotiation.negotiation_needed());
  EXPECT_TRUE(alice.negotiation.negotiation_needed());
  alice.set_local();
  EXPECT_TRUE(alice.negotiation.negotiation_needed());
  bob.set_remote(alice);
  bob.set_local();
  alice.set_remote(bob);
  EXPECT_FALSE(alice.negotiation.negotiation_needed());
  bob.negotiation.want_data();
  EXPECT_FALSE(bob.negotiation.negotiation_needed());
}

TEST_F(NegotiationTest, TakesTheMessageSizeOfThePeer) {
  const auto offer = alice.negotiation.create_offer();
  const auto size = [&](const std::string& to) {
    TestPeer peer{'D'};
    peer.set_remote({.type = SdpType::Offer, .sdp = replaced(offer->sdp, "a=max-message-size:262144\r\n", to)});
    return peer.set_local().remote->max_message_size;
  };
  EXPECT_EQ(size(""), 65'536u);
  EXPECT_EQ(size("a=max-message-size:0\r\n"), 0u);
  EXPECT_EQ(size("a=max-message-size:1073741823\r\n"), 1'073'741'823u);
}

TEST_F(NegotiationTest, CompletesThroughProvisionalAnswers) {
  alice.set_local();
  bob.set_remote(alice);
  const Changes pranswer = bob.set_local(SdpType::Pranswer);
  EXPECT_THAT(pranswer.states, ElementsAre(HaveLocalPranswer));
  EXPECT_TRUE(pranswer.remote && pranswer.gather);
  EXPECT_FALSE(pranswer.negotiated);
  EXPECT_EQ(bob.negotiation.pending_local_description()->type, SdpType::Pranswer);
  const Changes early = alice.set_remote(bob);
  EXPECT_THAT(early.states, ElementsAre(HaveRemotePranswer));
  EXPECT_TRUE(early.remote);
  EXPECT_EQ(alice.negotiation.create_offer().error().name, ErrorName::InvalidStateError);
  const Changes answer = bob.set_local();
  EXPECT_THAT(answer.states, ElementsAre(Stable));
  EXPECT_FALSE(answer.local_ice || answer.gather || answer.remote->ice_restart);
  const Changes final = alice.set_remote(bob);
  EXPECT_THAT(final.states, ElementsAre(Stable));
  EXPECT_FALSE(final.remote->ice_restart || final.remote->dtls_restart);
}

TEST_F(NegotiationTest, LetsAFullAgentControlALiteOne) {
  const auto offer = alice.negotiation.create_offer();
  bob.set_remote({.type = SdpType::Offer, .sdp = replaced(offer->sdp, "a=group", "a=ice-lite\r\na=group")});
  const Changes changes = bob.set_local();
  EXPECT_TRUE(changes.remote->ice_lite);
  EXPECT_EQ(changes.ice_role, IceRole::Controlling);

  TestPeer lite{'E', {.ice_lite = true}};
  lite.negotiation.want_data();
  TestPeer full{'F'};
  const Exchange e = exchange(lite, full);
  EXPECT_EQ(e.completed.ice_role, IceRole::Controlled);
  EXPECT_EQ(e.answered.ice_role, IceRole::Controlling);
}

TEST_F(NegotiationTest, SeesANewPeerBehindAnswersWithAnotherFingerprint) {
  exchange(alice, bob);
  TestPeer carol{'C'};
  alice.set_local();
  carol.set_remote(alice);
  carol.set_local();
  const Changes changes = alice.set_remote(carol);
  EXPECT_TRUE(changes.remote->dtls_restart);
  EXPECT_TRUE(changes.remote->ice_restart);
}

TEST_F(NegotiationTest, DoesNothingOnceClosed) {
  exchange(alice, bob);
  alice.negotiation.close();
  EXPECT_EQ(alice.negotiation.create_offer().error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(alice.negotiation.create_answer().error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(alice.negotiation.set_local_description().error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(alice.refusal({.type = SdpType::Offer, .sdp = {}}).name, ErrorName::InvalidStateError);
  EXPECT_FALSE(alice.negotiation.negotiation_needed());
  EXPECT_TRUE(alice.negotiation.local_description()) << "the descriptions stay readable";
}

TEST_F(NegotiationTest, IsRepeatableFromItsSeed) {
  TestPeer twin{'A'};
  twin.negotiation.want_data();
  EXPECT_EQ(twin.negotiation.create_offer()->sdp, alice.negotiation.create_offer()->sdp);
}

}  // namespace
}  // namespace linnet::jsep
