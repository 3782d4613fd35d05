// What other implementations write is read, kept, and answered as they expect.
#include "sdp_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jsep/negotiation.hpp"
#include "linnet/core/generator.hpp"
#include "sdp/parser.hpp"
#include "sdp/writer.hpp"

namespace linnet::jsep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Answerer {
 public:
  Changes answer(const std::string& fixture) {
    const std::string offer = sdp_fixture(fixture);
    EXPECT_FALSE(offer.empty()) << fixture;
    const auto received = negotiation.set_remote_description({.type = SdpType::Offer, .sdp = offer});
    EXPECT_TRUE(received) << received.error().message;
    auto changes = negotiation.set_local_description();
    EXPECT_TRUE(changes) << changes.error().message;
    sdp = negotiation.local_description()->sdp;
    auto parsed = sdp::parse(sdp);
    EXPECT_TRUE(parsed) << sdp;
    description = parsed.value_or(sdp::Description{});
    return changes.value_or(Changes{});
  }

  SeededGenerator generator{1};
  Negotiation negotiation{{.fingerprints = {{.algorithm = "sha-256", .value = "AB:CD"}}}, generator};
  std::string sdp;
  sdp::Description description;
};

TEST(SdpFixtures, AreThere) { EXPECT_GE(sdp_fixtures().size(), 16u); }

TEST(SdpFixtures, SurviveReadingAndWriting) {
  for (const Fixture& fixture : sdp_fixtures()) {
    SCOPED_TRACE(fixture.name);
    const auto d = sdp::parse(fixture.text);
    ASSERT_TRUE(d) << d.error().line << ": " << d.error().text;
    EXPECT_EQ(sdp::parse(sdp::write(*d)), *d);
    if (fixture.name != "lite_gateway_data_offer") {
      EXPECT_EQ(sdp::write(*d), fixture.text);
    }
  }
}

TEST(SdpFixtures, ThatAreOffersCanBeAnswered) {
  for (const Fixture& fixture : sdp_fixtures()) {
    if (!fixture.name.ends_with("offer") && !fixture.name.ends_with("gathered")) continue;
    SCOPED_TRACE(fixture.name);
    Answerer us;
    const Changes changes = us.answer(fixture.name);
    EXPECT_TRUE(changes.remote && changes.gather && changes.data_mid && changes.negotiated);
    EXPECT_EQ(us.description.media[*changes.data_m_line_index].port, 9);
    EXPECT_EQ(us.negotiation.data_mid(), changes.data_mid);
    EXPECT_TRUE(us.negotiation.set_local_description()) << "and be followed by an offer of ours";
  }
}

TEST(SdpFixtures, OfChromiumGiveItsCandidates) {
  Answerer us;
  const Changes changes = us.answer("chromium_data_offer_gathered");
  ASSERT_EQ(changes.remote->candidates.size(), 2u);
  EXPECT_THAT(changes.remote->candidates[0], HasSubstr(".local 40815 typ host generation 0 network-cost 999"));
  EXPECT_FALSE(changes.remote->end_of_candidates);
  EXPECT_EQ(changes.remote->max_message_size, 262'144u);
}

TEST(SdpFixtures, OfFirefoxGiveWhatStandsAtTheSessionLevel) {
  Answerer us;
  const Changes changes = us.answer("firefox_data_offer_gathered");
  EXPECT_EQ(changes.remote->fingerprints.size(), 1u);
  EXPECT_TRUE(changes.remote->trickle);
  EXPECT_TRUE(changes.remote->end_of_candidates);
  EXPECT_EQ(changes.remote->candidates.size(), 4u);
  EXPECT_EQ(changes.remote->max_message_size, 1'073'741'823u);
}

TEST(SdpFixtures, WithMediaGetItRejectedInItsPlace) {
  for (const std::string browser : {"chromium", "firefox"}) {
    SCOPED_TRACE(browser);
    Answerer us;
    const Changes changes = us.answer(browser + "_av_data_offer");
    const auto offer = sdp::parse(sdp_fixture(browser + "_av_data_offer"));
    ASSERT_EQ(us.description.media.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& ours = us.description.media[i];
      EXPECT_EQ(ours.kind, offer->media[i].kind);
      EXPECT_EQ(ours.protocol, offer->media[i].protocol);
      EXPECT_EQ(ours.attributes.value("mid"), offer->media[i].attributes.value("mid"));
      EXPECT_EQ(ours.port, ours.kind == "application" ? 9 : 0);
    }
    EXPECT_EQ(us.description.attributes.values("group"), std::vector<std::string_view>{"BUNDLE " + *changes.data_mid});
  }
}

TEST(SdpFixtures, OfMaxBundleAreAnsweredThoughTheirTagIsRejected) {
  Answerer us;
  const Changes changes = us.answer("firefox_maxbundle_offer");
  EXPECT_EQ(changes.data_m_line_index, 1);
  EXPECT_EQ(us.description.media[0].port, 0);
  EXPECT_THAT(us.sdp, Not(HasSubstr("bundle-only")));
}

TEST(SdpFixtures, OfAiortcAreAnsweredInTheDraftForm) {
  Answerer us;
  const Changes changes = us.answer("aiortc_draft_data_offer");
  EXPECT_THAT(us.sdp, HasSubstr("m=application 9 DTLS/SCTP 5000\r\n"));
  EXPECT_THAT(us.sdp, HasSubstr("a=sctpmap:5000 webrtc-datachannel 65535\r\n"));
  EXPECT_THAT(us.sdp, Not(HasSubstr("sctp-port")));
  EXPECT_EQ(changes.remote->sctp_port, 5000);
  EXPECT_EQ(changes.remote->fingerprints.size(), 3u);
  EXPECT_FALSE(changes.remote->trickle);
}

TEST(SdpFixtures, OfLibdatachannelTrickleDespiteTheirComma) {
  Answerer us;
  EXPECT_TRUE(us.answer("libdatachannel_data_offer").remote->trickle);
}

TEST(SdpFixtures, OfAnIceLiteGatewayMakeUsControlAndWait) {
  Answerer us;
  const Changes changes = us.answer("lite_gateway_data_offer");
  EXPECT_EQ(changes.ice_role, IceRole::Controlling);
  EXPECT_EQ(changes.dtls_role, DtlsRole::Server);
  EXPECT_EQ(changes.remote->sctp_port, 5001);
  EXPECT_EQ(changes.remote->max_message_size, 0u);
  EXPECT_EQ(changes.remote->fingerprints[0].algorithm, "sha-256");
  EXPECT_THAT(changes.remote->candidates, ElementsAre("candidate:1 1 UDP 2130706431 2001:db8::1 3478 typ host"));
}

TEST(SdpFixtures, OfARestartAreSeenAsOne) {
  for (const std::string browser : {"chromium", "firefox"}) {
    Answerer us;
    const Changes first = us.answer(browser + "_data_offer");
    const Changes second = us.answer(browser + "_restart_offer");
    EXPECT_TRUE(second.remote->ice_restart && second.local_ice_restart && second.gather);
    EXPECT_NE(first.local_ice, second.local_ice);
    EXPECT_FALSE(second.remote->dtls_restart);
  }
}

TEST(SdpFixtures, ThatAreAnswersCompleteAnOfferOfOurs) {
  for (const std::string browser : {"chromium", "firefox"}) {
    Answerer us;
    us.negotiation.want_data();
    ASSERT_TRUE(us.negotiation.set_local_description());
    const auto done =
        us.negotiation.set_remote_description({.type = SdpType::Answer, .sdp = sdp_fixture(browser + "_data_answer")});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->dtls_role, DtlsRole::Server);
    EXPECT_TRUE(done->remote->trickle);
  }
}

}  // namespace
}  // namespace linnet::jsep
