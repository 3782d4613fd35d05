// Negotiation: data m-lines that come, go and are recycled.
#include "jsep/negotiation.hpp"
#include "jsep/test_peers.hpp"
#include "sdp/parser.hpp"

namespace linnet::jsep {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(NegotiationTest, DropsTheTransportWhenTheAnswerRejectsData) {
  alice.set_local();
  const std::string offer = alice.local_sdp();
  bob.set_remote({.type = SdpType::Offer, .sdp = offer});
  bob.set_local();
  const std::string answer =
      replaced(replaced(bob.local_sdp(), "m=application 9", "m=application 0"), "a=group:BUNDLE 0\r\n", "");
  const Changes changes = alice.set_remote({.type = SdpType::Answer, .sdp = answer});
  EXPECT_TRUE(changes.transport_dropped);
  EXPECT_FALSE(changes.remote);
  EXPECT_EQ(alice.negotiation.data_mid(), std::nullopt);
  EXPECT_FALSE(alice.negotiation.negotiation_needed()) << "else it would offer for ever";
  // A new channel recycles the m-line under a new mid.
  alice.negotiation.want_data();
  EXPECT_TRUE(alice.negotiation.negotiation_needed());
  const Changes again = alice.set_local();
  EXPECT_TRUE(again.gather);
  EXPECT_EQ(again.data_mid, "1");
  EXPECT_EQ(again.data_m_line_index, 0);
}

TEST_F(NegotiationTest, AnswersAnOfferThatDropsTheDataMLine) {
  exchange(alice, bob);
  alice.set_local();
  const std::string offer =
      replaced(replaced(alice.local_sdp(), "m=application 9", "m=application 0"), "a=group:BUNDLE 0\r\n", "");
  bob.set_remote({.type = SdpType::Offer, .sdp = offer});
  const Changes changes = bob.set_local();
  EXPECT_TRUE(changes.transport_dropped);
  EXPECT_THAT(bob.local_sdp(), HasSubstr("m=application 0 "));
}

TEST_F(NegotiationTest, KeepsThePeersMLinesInReofffersAndRecyclesARejectedOne) {
  const auto d = alice.negotiation.create_offer()->sdp;
  const std::string audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:mic\r\n";
  const std::string offer = replaced(replaced(d, "m=application", audio + "m=application"), "BUNDLE 0", "BUNDLE mic 0");
  bob.set_remote({.type = SdpType::Offer, .sdp = offer});
  bob.set_local();
  EXPECT_THAT(bob.local_sdp(), HasSubstr("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:mic\r\n"));
  EXPECT_THAT(bob.local_sdp(), HasSubstr("a=group:BUNDLE 0\r\n"));
  const auto again = bob.negotiation.create_offer();
  const auto read = sdp::parse(again->sdp);
  ASSERT_EQ(read->media.size(), 2u);
  EXPECT_EQ(read->media[0].kind, "audio");
  EXPECT_EQ(read->media[0].port, 0);
  EXPECT_EQ(read->media[1].attributes.value("mid"), "0");
  EXPECT_EQ(read->attributes.value("group"), "BUNDLE 0");
}

TEST_F(NegotiationTest, AddsADataMLineToAnExchangeThatHadOnlyMedia) {
  const std::string audio_only =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n";
  const Changes received = bob.set_remote({.type = SdpType::Offer, .sdp = audio_only});
  EXPECT_FALSE(received.data_mid);
  const Changes answered = bob.set_local();
  EXPECT_FALSE(answered.remote || answered.gather || answered.transport_dropped);
  EXPECT_THAT(bob.local_sdp(), Not(HasSubstr("BUNDLE")));
  bob.negotiation.want_data();
  EXPECT_TRUE(bob.negotiation.negotiation_needed());
  EXPECT_EQ(bob.set_local().data_mid, "1") << "the rejected audio m-line is recycled under a new mid";
}

}  // namespace
}  // namespace linnet::jsep
