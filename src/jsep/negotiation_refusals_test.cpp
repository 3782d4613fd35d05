// Negotiation: what it refuses, and that nothing has changed then.
#include "jsep/negotiation.hpp"
#include "jsep/test_peers.hpp"

namespace linnet::jsep {
namespace {

using enum SignalingState;

TEST_F(NegotiationTest, RefusesAChangedLocalDescription) {
  const auto offer = alice.negotiation.create_offer();
  ASSERT_TRUE(offer);
  const auto munged = alice.negotiation.set_local_description(SdpType::Offer, replaced(offer->sdp, "5000", "5001"));
  ASSERT_FALSE(munged);
  EXPECT_EQ(munged.error().name, ErrorName::InvalidModificationError);
  EXPECT_EQ(alice.negotiation.signaling_state(), Stable);
  const auto later = alice.negotiation.create_offer();
  const auto old = alice.negotiation.set_local_description(SdpType::Offer, offer->sdp);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().name, ErrorName::InvalidModificationError);
  EXPECT_TRUE(alice.negotiation.set_local_description(SdpType::Offer, later->sdp));
  bob.set_remote(alice);
  ASSERT_TRUE(bob.negotiation.create_answer());
  const auto answer = bob.negotiation.set_local_description(SdpType::Answer, "v=0\r\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().name, ErrorName::InvalidModificationError);
}

TEST_F(NegotiationTest, RefusesAnAnswerMadeForAnEarlierOffer) {
  bob.set_remote({.type = SdpType::Offer, .sdp = alice.negotiation.create_offer()->sdp});
  const auto answer = bob.negotiation.create_answer();
  TestPeer carol{'C'};
  bob.set_remote({.type = SdpType::Offer, .sdp = carol.negotiation.create_offer()->sdp});
  const auto applied = bob.negotiation.set_local_description(SdpType::Answer, answer->sdp);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().name, ErrorName::InvalidModificationError);
  EXPECT_EQ(bob.negotiation.signaling_state(), HaveRemoteOffer);
}

TEST_F(NegotiationTest, RefusesAnAnswerWithImpossibleDtlsRoles) {
  alice.set_local();
  bob.set_remote(alice);
  bob.set_local();
  const SessionDescription answer = *bob.negotiation.local_description();
  EXPECT_EQ(alice.refusal({.type = SdpType::Answer, .sdp = replaced(answer.sdp, "setup:active", "setup:actpass")}).name,
            ErrorName::InvalidAccessError);
  EXPECT_EQ(alice.negotiation.signaling_state(), HaveLocalOffer);
  alice.set_remote(answer);
  alice.set_local();
  bob.set_remote(alice);
  bob.set_local();
  EXPECT_EQ(
      alice.refusal({.type = SdpType::Answer, .sdp = replaced(bob.local_sdp(), "setup:active", "setup:passive")}).name,
      ErrorName::InvalidAccessError);
}

TEST_F(NegotiationTest, ReportsASyntaxErrorWithItsLine) {
  const auto offer = alice.negotiation.create_offer();
  const Error structure = bob.refusal({.type = SdpType::Offer, .sdp = replaced(offer->sdp, "t=0 0", "t=zero")});
  EXPECT_EQ(structure.name, ErrorName::OperationError);
  EXPECT_EQ(structure.detail, ErrorDetail::SdpSyntaxError);
  EXPECT_EQ(structure.sdp_line_number, 4u);
  const Error attribute =
      bob.refusal({.type = SdpType::Offer, .sdp = replaced(offer->sdp, "a=setup:actpass", "a=setup:maybe")});
  EXPECT_EQ(attribute.detail, ErrorDetail::SdpSyntaxError);
  EXPECT_EQ(attribute.sdp_line_number, 12u);
  EXPECT_EQ(bob.negotiation.signaling_state(), Stable);
}

TEST_F(NegotiationTest, RefusesOffersWithInvalidContent) {
  const std::string offer = alice.negotiation.create_offer()->sdp;
  const std::string fingerprint = "a=fingerprint:" + to_string(test_options('A').fingerprints[0]) + "\r\n";
  const std::string second = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n";
  for (const std::string& bad :
       {replaced(offer, fingerprint, ""), replaced(offer, "BUNDLE 0", "BUNDLE 0 1"),
        replaced(offer, "BUNDLE 0", "BUNDLE 0 0"), offer + second, replaced(offer, "sctp-port:5000", "sctp-port:0"),
        replaced(offer, "a=ice-ufrag", "a=not-ufrag"), replaced(offer, "a=ice-pwd", "a=not-pwd")})
    EXPECT_EQ(bob.refusal({.type = SdpType::Offer, .sdp = bad}).name, ErrorName::InvalidAccessError) << bad;
  EXPECT_EQ(bob.negotiation.remote_description(), std::nullopt);
}

TEST_F(NegotiationTest, RefusesALaterOfferThatMovesOrLosesMLines) {
  exchange(alice, bob);
  const std::string offer = alice.negotiation.create_offer()->sdp;
  const std::string renamed = replaced(replaced(offer, "BUNDLE 0", "BUNDLE 7"), "mid:0", "mid:7");
  EXPECT_EQ(bob.refusal({.type = SdpType::Offer, .sdp = renamed}).name, ErrorName::InvalidAccessError);
  const std::string without = offer.substr(0, offer.find("a=group"));
  EXPECT_EQ(bob.refusal({.type = SdpType::Offer, .sdp = without}).name, ErrorName::InvalidAccessError);
}

TEST_F(NegotiationTest, RefusesAnswersThatDoNotFitTheOffer) {
  alice.set_local();
  bob.set_remote(alice);
  bob.set_local();
  const std::string answer = bob.local_sdp();
  const std::string head = answer.substr(0, answer.find("a=group"));
  const std::string audio = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
  for (const std::string& bad : {head, head + audio, answer + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n",
                                 replaced(replaced(answer, "BUNDLE 0", "BUNDLE 5"), "mid:0", "mid:5"),
                                 replaced(answer, "UDP/DTLS/SCTP", "UDP/TLS/RTP/SAVPF")})
    EXPECT_EQ(alice.refusal({.type = SdpType::Answer, .sdp = bad}).name, ErrorName::InvalidAccessError) << bad;
  EXPECT_EQ(alice.negotiation.signaling_state(), HaveLocalOffer);
  alice.set_remote(bob);
}

}  // namespace
}  // namespace linnet::jsep
