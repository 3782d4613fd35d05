#include "jsep/test_peers.hpp"
#include "sdp/parser.hpp"

namespace linnet::jsep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string host = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host";
const std::string srflx = "candidate:2 1 udp 1694498815 203.0.113.1 6000 typ srflx raddr 192.0.2.1 rport 5000";
const std::string mdns = "candidate:3 1 udp 2130706431 11111111-2222-3333-4444-555555555555.local 7000 typ host";

class CandidatesTest : public testing::Test {
 protected:
  CandidatesTest() { alice.negotiation.want_data(); }

  void offer() {
    offered = alice.set_local();
    bob.set_remote(alice);
  }
  void answer() {
    answered = bob.set_local();
    alice.set_remote(bob);
  }
  [[nodiscard]] std::string ufrag() const { return offered.local_ice->ufrag; }

  TestPeer alice{'A'};
  TestPeer bob{'B'};
  Changes offered, answered;
};

TEST_F(CandidatesTest, AppearInTheLocalDescriptionAndAsTheDefault) {
  offer();
  const auto shown = alice.negotiation.add_local_candidate(host, ufrag());
  ASSERT_TRUE(shown);
  EXPECT_EQ(*shown,
            (IceCandidateInit{.candidate = host, .sdp_mid = "0", .sdp_m_line_index = 0, .username_fragment = ufrag()}));
  EXPECT_THAT(alice.local_sdp(),
              HasSubstr("m=application 5000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.1\r\n"));
  EXPECT_THAT(alice.local_sdp(), HasSubstr("a=" + host + "\r\n"));
  EXPECT_THAT(alice.local_sdp(), Not(HasSubstr("end-of-candidates")));
  alice.negotiation.add_local_candidate(srflx, ufrag());
  EXPECT_THAT(alice.local_sdp(),
              HasSubstr("m=application 6000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 203.0.113.1\r\n"));
  alice.negotiation.add_local_candidate(host, ufrag());
  EXPECT_THAT(alice.local_sdp(), HasSubstr("m=application 6000 "));
  const auto end = alice.negotiation.end_local_candidates(ufrag());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->candidate, "");
  EXPECT_EQ(end->sdp_mid, "0");
  EXPECT_THAT(alice.local_sdp(), HasSubstr("a=end-of-candidates\r\n"));
}

TEST_F(CandidatesTest, ThatAreNamesAreNoDefault) {
  offer();
  alice.negotiation.add_local_candidate(mdns, ufrag());
  EXPECT_THAT(alice.local_sdp(), HasSubstr("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"));
  EXPECT_THAT(alice.local_sdp(), HasSubstr("a=" + mdns + "\r\n"));
}

TEST_F(CandidatesTest, MayHaveAnIpv6Default) {
  offer();
  alice.negotiation.add_local_candidate("candidate:1 1 udp 1 2001:db8::1 5000 typ host", ufrag());
  EXPECT_THAT(alice.local_sdp(), HasSubstr("c=IN IP6 2001:db8::1\r\n"));
  ASSERT_TRUE(sdp::parse(alice.local_sdp()));
  alice.negotiation.add_local_candidate(host, ufrag());
  EXPECT_THAT(alice.local_sdp(), HasSubstr("c=IN IP4 192.0.2.1\r\n"));
}

TEST_F(CandidatesTest, TravelInsideTheDescriptionWithoutTrickle) {
  offered = alice.set_local();
  alice.negotiation.add_local_candidate(host, ufrag());
  alice.negotiation.end_local_candidates(ufrag());
  bob.set_remote(alice);
  answer();
  EXPECT_THAT(answered.remote->candidates, ElementsAre(host));
  EXPECT_TRUE(answered.remote->end_of_candidates);
}

TEST_F(CandidatesTest, OfAnOldGenerationOrUnreadableOnesAreNotShown) {
  offer();
  EXPECT_FALSE(alice.negotiation.add_local_candidate(host, "none"));
  EXPECT_FALSE(alice.negotiation.add_local_candidate("candidate:nonsense", ufrag()));
  EXPECT_FALSE(alice.negotiation.add_local_candidate(host + "\r\na=x", ufrag()));
  EXPECT_FALSE(alice.negotiation.end_local_candidates("none"));
  answer();
  alice.negotiation.restart_ice();
  const std::string old = ufrag();
  offer();
  EXPECT_TRUE(alice.negotiation.add_local_candidate(host, old)) << "the old generation lives until the answer";
  EXPECT_THAT(alice.local_sdp(), Not(HasSubstr(host)));
  EXPECT_THAT(alice.negotiation.current_local_description()->sdp, HasSubstr(host));
  answer();
  EXPECT_FALSE(alice.negotiation.add_local_candidate(host, old));
}

TEST_F(CandidatesTest, GatheredBetweenRollbackAndAnswerAreShownWithTheAnswer) {
  offered = alice.set_local();
  bob.negotiation.want_data();
  bob.set_local();
  alice.set_remote(bob);
  EXPECT_FALSE(alice.negotiation.add_local_candidate(host, ufrag())) << "no local description, no m-line";
  const Changes changes = alice.set_local();
  ASSERT_EQ(changes.early_candidates.size(), 1u);
  EXPECT_EQ(changes.early_candidates[0].candidate, host);
  EXPECT_EQ(changes.early_candidates[0].sdp_mid, "0");
  EXPECT_TRUE(alice.set_local().early_candidates.empty());
}

TEST_F(CandidatesTest, FromAfarNeedARemoteDescription) {
  EXPECT_EQ(alice.negotiation.add_remote_candidate({.candidate = host, .sdp_mid = "0"}).error().name,
            ErrorName::InvalidStateError);
  EXPECT_EQ(alice.negotiation.add_remote_candidate({.candidate = host}).error().name, ErrorName::TypeError);
}

TEST_F(CandidatesTest, FromAfarAreCheckedAgainstTheDescription) {
  offer();
  const auto refused = [this](IceCandidateInit c) {
    const auto before = bob.negotiation.remote_description();
    const auto out = bob.negotiation.add_remote_candidate(c);
    EXPECT_FALSE(out);
    EXPECT_EQ(bob.negotiation.remote_description(), before);
    return out ? ErrorName::NotFoundError : out.error().name;
  };
  EXPECT_EQ(refused({.candidate = host, .sdp_mid = "1"}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = host, .sdp_mid = "1", .sdp_m_line_index = 0}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = host, .sdp_m_line_index = 1}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = host, .sdp_mid = "0", .username_fragment = "none"}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = "nonsense", .sdp_mid = "0"}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = host + "\r\na=evil", .sdp_mid = "0"}), ErrorName::OperationError);
  EXPECT_EQ(refused({.candidate = "", .sdp_mid = "1"}), ErrorName::OperationError);
  EXPECT_TRUE(bob.negotiation.add_remote_candidate({.candidate = host, .sdp_mid = "0", .sdp_m_line_index = 77}));
}

TEST_F(CandidatesTest, FromAfarWaitForTheAnswer) {
  offer();
  const auto early = bob.negotiation.add_remote_candidate(
      {.candidate = host, .sdp_mid = "0", .sdp_m_line_index = 0, .username_fragment = ufrag()});
  ASSERT_TRUE(early && *early);
  EXPECT_FALSE((*early)->deliver);
  EXPECT_THAT(bob.negotiation.remote_description()->sdp, HasSubstr("a=" + host + "\r\n"));
  answer();
  EXPECT_THAT(answered.remote->candidates, ElementsAre(host));
  const auto late = bob.negotiation.add_remote_candidate({.candidate = srflx, .sdp_m_line_index = 0});
  ASSERT_TRUE(late && *late);
  EXPECT_TRUE((*late)->deliver);
  EXPECT_EQ((*late)->candidate, srflx);
  EXPECT_EQ((*late)->ufrag, ufrag());
  EXPECT_THAT(bob.negotiation.remote_description()->sdp, HasSubstr("a=" + srflx + "\r\n"));
}

TEST_F(CandidatesTest, FromAfarEndWithAnEmptyOne) {
  offer();
  answer();
  for (const IceCandidateInit& end :
       {IceCandidateInit{.candidate = "", .sdp_mid = "0"}, IceCandidateInit{.candidate = "", .sdp_m_line_index = 0},
        IceCandidateInit{.candidate = ""}}) {
    const auto out = bob.negotiation.add_remote_candidate(end);
    ASSERT_TRUE(out && *out);
    EXPECT_TRUE((*out)->end_of_candidates && (*out)->deliver);
  }
  const std::string sdp = bob.negotiation.remote_description()->sdp;
  EXPECT_EQ(sdp.find("a=end-of-candidates"), sdp.rfind("a=end-of-candidates"));
}

TEST_F(CandidatesTest, FromAfarAreKeptOnceAndOnlyUpToTheLimit) {
  TestPeer small{'C', {.max_candidates = 2}};
  small.set_remote(*alice.negotiation.create_offer());
  const auto add = [&](const std::string& c) {
    return small.negotiation.add_remote_candidate({.candidate = c, .sdp_mid = "0"});
  };
  EXPECT_TRUE(add(host) && add(host) && add(srflx));
  EXPECT_EQ(add(mdns).error().name, ErrorName::OperationError);
}

TEST_F(CandidatesTest, OfARestartAreTold) {
  offer();
  answer();
  const std::string old = ufrag();
  alice.negotiation.restart_ice();
  offer();
  const auto of = [this](const std::string& fragment) {
    return bob.negotiation.add_remote_candidate({.candidate = host, .sdp_mid = "0", .username_fragment = fragment});
  };
  EXPECT_TRUE(of(old).value()->deliver) << "the old generation still runs";
  EXPECT_FALSE(of(ufrag()).value()->deliver);
  answer();
  EXPECT_TRUE(of(ufrag()).value()->deliver);
  EXPECT_FALSE(of(old)) << "no description knows it any more";
}

TEST_F(CandidatesTest, OfARejectedMLineAreTakenAndIgnored) {
  const std::string sdp = alice.negotiation.create_offer()->sdp;
  const std::string audio =
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\na=ice-ufrag:AUDI\r\na=ice-pwd:0123456789012345678901\r\n";
  bob.set_remote({.type = SdpType::Offer, .sdp = sdp + audio});
  bob.set_local();
  const auto out = bob.negotiation.add_remote_candidate({.candidate = host, .sdp_mid = "a"});
  ASSERT_TRUE(out);
  EXPECT_FALSE(*out);
}

TEST_F(CandidatesTest, OfTheBundleTagServeABundleOnlyDataMLine) {
  std::string sdp = alice.negotiation.create_offer()->sdp;
  const std::string video =
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=ice-ufrag:VIDE\r\na=ice-pwd:0123456789012345678901\r\n";
  sdp = replaced(sdp, "m=application 9", video + "m=application 0");
  sdp = replaced(replaced(sdp, "a=mid:0", "a=bundle-only\r\na=mid:0"), "BUNDLE 0", "BUNDLE v 0");
  bob.set_remote({.type = SdpType::Offer, .sdp = sdp});
  ASSERT_TRUE(bob.negotiation.add_remote_candidate({.candidate = host, .sdp_mid = "v"}).value());
  const Changes changes = bob.set_local();
  EXPECT_THAT(changes.remote->candidates, ElementsAre(host));
}

TEST_F(CandidatesTest, TellWhetherThePeerTakesTrickledOnes) {
  EXPECT_EQ(bob.negotiation.can_trickle(), std::nullopt);
  const std::string sdp = alice.negotiation.create_offer()->sdp;
  bob.set_remote({.type = SdpType::Offer, .sdp = replaced(sdp, "a=ice-options:trickle renomination\r\n", "")});
  EXPECT_EQ(bob.negotiation.can_trickle(), false);
  bob.set_remote({.type = SdpType::Offer, .sdp = replaced(sdp, ":trickle", ":ice2 trickle")});
  EXPECT_EQ(bob.negotiation.can_trickle(), true);
}

}  // namespace
}  // namespace linnet::jsep
