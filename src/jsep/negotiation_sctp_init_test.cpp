// a=sctp-init (draft-hancke-tsvwg-snap). What SCTP would say is played by "INIT" and a number.
#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "jsep/negotiation.hpp"
#include "jsep/test_peers.hpp"

namespace linnet::jsep {
namespace {

using testing::HasSubstr;
using testing::Not;

using Bytes = std::vector<std::byte>;

std::vector<std::byte> bytes(std::string_view text) { return {as_bytes(text).begin(), as_bytes(text).end()}; }

Options with_inits() {
  Options options;
  options.sctp_inits =
      SctpInits{.make = [](Generator& g) { return bytes("INIT " + std::to_string(g.next_u32())); },
                .acceptable = [](std::span<const std::byte> chunk) { return as_text(chunk).starts_with("INIT "); }};
  return options;
}

/// The attribute's value in a description; empty when it is not there.
std::string init_in(const std::string& sdp) {
  const std::string name = "a=sctp-init:";
  const std::size_t at = sdp.find(name);
  return at == std::string::npos ? "" : sdp.substr(at + name.size(), sdp.find('\r', at) - at - name.size());
}
std::string init_of(const TestPeer& peer) { return init_in(peer.local_sdp()); }
std::string without_init(const std::string& sdp) { return replaced(sdp, "a=sctp-init:" + init_in(sdp) + "\r\n", ""); }

SessionDescription offer(std::string sdp) { return {.type = SdpType::Offer, .sdp = std::move(sdp)}; }
SessionDescription answer(std::string sdp) { return {.type = SdpType::Answer, .sdp = std::move(sdp)}; }

class SctpInitTest : public ::testing::Test {
 protected:
  SctpInitTest() { alice.negotiation.want_data(); }
  TestPeer alice{'A', with_inits()};
  TestPeer bob{'B', with_inits()};
  TestPeer old{'F'};
};

TEST_F(SctpInitTest, BothSidesLearnBoth) {
  const Exchange done = exchange(alice, bob);
  EXPECT_NE(init_of(alice), init_of(bob));
  EXPECT_EQ(base64(done.answered.local_sctp_init), init_of(bob));
  EXPECT_EQ(base64(done.answered.remote->sctp_init), init_of(alice));
  EXPECT_EQ(base64(done.completed.local_sctp_init), init_of(alice));
  EXPECT_EQ(base64(done.completed.remote->sctp_init), init_of(bob));
}

TEST_F(SctpInitTest, IsNotThereWithoutTheSwitch) {
  TestPeer other{'E'};
  other.negotiation.want_data();
  exchange(other, old);
  EXPECT_THAT(other.local_sdp(), Not(HasSubstr("sctp-init")));
  EXPECT_THAT(old.local_sdp(), Not(HasSubstr("sctp-init")));
}

TEST_F(SctpInitTest, IsNotAnsweredToAnOfferWithoutIt) {
  old.negotiation.want_data();
  const Exchange done = exchange(old, bob);
  EXPECT_EQ(init_of(bob), "");
  EXPECT_TRUE(done.answered.local_sctp_init.empty());
}

TEST_F(SctpInitTest, APeerThatDoesNotKnowItIsNoError) {
  const Exchange done = exchange(alice, old);
  EXPECT_NE(init_of(alice), "");
  EXPECT_EQ(init_of(old), "");
  EXPECT_TRUE(done.answered.remote->sctp_init.empty());
  EXPECT_TRUE(done.completed.local_sctp_init.empty());
  EXPECT_TRUE(done.completed.remote->sctp_init.empty());
}

TEST_F(SctpInitTest, WithoutTheSwitchNotEvenNonsenseIsLookedAt) {
  alice.set_local();
  old.set_remote(offer(replaced(alice.local_sdp(), init_of(alice), "?")));
  old.set_local();
  EXPECT_EQ(init_of(old), "");
}

TEST_F(SctpInitTest, StaysAsItIsInEachOfferUntilThereIsAnAssociation) {
  const std::string first = init_in(alice.negotiation.create_offer()->sdp);
  EXPECT_EQ(init_in(alice.negotiation.create_offer()->sdp), first);
  alice.set_local();
  ASSERT_TRUE(alice.negotiation.set_local_description(SdpType::Rollback));
  alice.set_local();
  EXPECT_EQ(init_of(alice), first);
}

TEST_F(SctpInitTest, AnOfferThatLostTheRaceLendsItsInitToTheAnswer) {
  bob.negotiation.want_data();
  bob.set_local();
  const std::string offered = init_of(bob);
  alice.set_local();
  bob.set_remote(alice);
  const Changes changes = bob.set_local();
  EXPECT_EQ(init_of(bob), offered);
  EXPECT_EQ(base64(changes.local_sctp_init), offered);
}

TEST_F(SctpInitTest, RenegotiationAndIceRestartKeepIt) {
  exchange(alice, bob);
  const std::string of_alice = init_of(alice);
  const std::string of_bob = init_of(bob);
  for (TestPeer* offerer : {&alice, &bob}) {
    TestPeer& answerer = offerer == &alice ? bob : alice;
    offerer->negotiation.restart_ice();
    const Exchange again = exchange(*offerer, answerer);
    EXPECT_EQ(init_of(alice), of_alice);
    EXPECT_EQ(init_of(bob), of_bob);
    EXPECT_TRUE(again.answered.remote->ice_restart);
    EXPECT_TRUE(again.answered.local_sctp_init.empty()) << "nothing begins";
    EXPECT_TRUE(again.completed.local_sctp_init.empty());
  }
}

TEST_F(SctpInitTest, AnAssociationThatBeganWithoutGetsNone) {
  exchange(alice, old);
  alice.set_local();
  EXPECT_EQ(init_of(alice), "");
}

TEST_F(SctpInitTest, AddingItToAnAssociationIsRefused) {
  exchange(alice, bob);
  TestPeer carol{'C', with_inits()};
  exchange(alice, carol);  // a new association: carol's INIT is her first
  alice.set_local();
  const std::string good = alice.local_sdp();
  TestPeer dave{'D', with_inits()};
  dave.set_remote(offer(without_init(good)));
  dave.set_local();
  EXPECT_EQ(init_of(dave), "");
  EXPECT_EQ(dave.refusal(offer(good)).name, ErrorName::InvalidAccessError);
}

TEST_F(SctpInitTest, ChangingItIsRefusedOnBothSides) {
  exchange(alice, bob);
  alice.set_local();
  const std::string changed = base64(as_bytes("INIT other"));
  const Error refused = bob.refusal(offer(replaced(alice.local_sdp(), init_of(alice), changed)));
  EXPECT_EQ(refused.name, ErrorName::InvalidAccessError);
  EXPECT_EQ(bob.negotiation.signaling_state(), SignalingState::Stable);
  bob.set_remote(alice);
  bob.set_local();
  EXPECT_EQ(alice.refusal(answer(replaced(bob.local_sdp(), init_of(bob), changed))).name,
            ErrorName::InvalidAccessError);
  EXPECT_EQ(alice.negotiation.signaling_state(), SignalingState::HaveLocalOffer);
  alice.set_remote(bob);
}

TEST_F(SctpInitTest, LeavingItOutLaterChangesNothing) {
  exchange(alice, bob);
  const std::string of_alice = init_of(alice);
  const std::string of_bob = init_of(bob);
  alice.set_local();
  bob.set_remote(offer(without_init(alice.local_sdp())));
  bob.set_local();
  EXPECT_EQ(init_of(bob), "") << "the offer has none";
  alice.set_remote(bob);
  exchange(bob, alice);
  EXPECT_EQ(init_of(alice), of_alice);
  EXPECT_EQ(init_of(bob), of_bob);
}

TEST_F(SctpInitTest, ANewAssociationHasANewOneInTheAnswer) {
  exchange(alice, bob);
  const std::string before = init_of(bob);
  TestPeer carol{'C', with_inits()};
  carol.negotiation.want_data();
  carol.set_local();
  bob.set_remote(carol);
  const Changes changes = bob.set_local();
  EXPECT_TRUE(changes.remote->dtls_restart);
  EXPECT_NE(init_of(bob), before);
  EXPECT_EQ(base64(changes.local_sctp_init), init_of(bob));
  EXPECT_EQ(base64(changes.remote->sctp_init), init_of(carol));
}

TEST_F(SctpInitTest, ANewAssociationByTheAnswerBeginsFromWhatWasOffered) {
  exchange(alice, bob);
  const std::string offered = init_of(alice);
  TestPeer carol{'C', with_inits()};
  const Exchange done = exchange(alice, carol);
  EXPECT_TRUE(done.completed.remote->dtls_restart);
  EXPECT_EQ(base64(done.completed.local_sctp_init), offered);
  EXPECT_EQ(base64(done.completed.remote->sctp_init), init_of(carol));
}

TEST_F(SctpInitTest, ARejectedMLineTakesItAway) {
  alice.set_local();
  const std::string before = init_of(alice);
  bob.set_remote(alice);
  bob.set_local();
  alice.set_remote(
      answer(replaced(replaced(bob.local_sdp(), "m=application 9", "m=application 0"), "a=group:BUNDLE 0\r\n", "")));
  alice.negotiation.want_data();
  alice.set_local();
  EXPECT_NE(init_of(alice), "");
  EXPECT_NE(init_of(alice), before);
}

TEST_F(SctpInitTest, AnAnswerMustNotHaveWhatWasNotOffered) {
  alice.set_local();
  const std::string offered = alice.local_sdp();
  bob.set_remote(offer(offered));
  bob.set_local();
  TestPeer dave{'D', with_inits()};
  exchange(dave, old);
  dave.negotiation.want_data();
  exchange(dave, old);
  dave.set_local();  // its association has none
  ASSERT_EQ(init_of(dave), "");
  EXPECT_EQ(dave.refusal(answer(bob.local_sdp())).name, ErrorName::InvalidAccessError);
}

TEST_F(SctpInitTest, BadValuesAreRefusedWithTheirLine) {
  alice.set_local();
  const std::string sdp = alice.local_sdp();
  const std::string init = init_of(alice);
  for (const char* bad : {"?", "SU5JVCA", "SU5J VCA=", "SU5JVCA==", "SU5-VCA="}) {
    const Error refused = bob.refusal(offer(replaced(sdp, init, bad)));
    EXPECT_EQ(refused.name, ErrorName::OperationError) << bad;
    EXPECT_EQ(refused.detail, ErrorDetail::SdpSyntaxError) << bad;
    EXPECT_GT(refused.sdp_line_number.value_or(0), 5) << bad;
  }
  const std::string line = "a=sctp-init:" + init + "\r\n";
  EXPECT_EQ(bob.refusal(offer(replaced(sdp, line, line + line))).detail, ErrorDetail::SdpSyntaxError);
  const Error refused = bob.refusal(offer(replaced(sdp, init, base64(as_bytes("INIT-ACK")))));
  EXPECT_EQ(refused.name, ErrorName::InvalidAccessError);
  EXPECT_EQ(bob.refusal(offer(replaced(sdp, ":" + init, ""))).name, ErrorName::InvalidAccessError) << "no value";
  EXPECT_EQ(bob.negotiation.signaling_state(), SignalingState::Stable);
  bob.set_remote(alice);
  bob.set_local();
  EXPECT_EQ(alice.refusal(answer(replaced(bob.local_sdp(), init_of(bob), "?"))).detail, ErrorDetail::SdpSyntaxError);
  alice.set_remote(bob);
}

TEST_F(SctpInitTest, TheFormBeforeRfc8841HasNone) {
  alice.set_local();
  const std::string sdp = replaced(alice.local_sdp(), "UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000");
  bob.set_remote(offer(replaced(sdp, "a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 65535")));
  const Changes changes = bob.set_local();
  EXPECT_EQ(init_of(bob), "");
  EXPECT_TRUE(changes.local_sctp_init.empty());
  EXPECT_TRUE(changes.remote->sctp_init.empty());
}

}  // namespace
}  // namespace linnet::jsep
