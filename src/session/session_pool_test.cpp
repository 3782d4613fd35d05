#include <gmock/gmock.h>

#include <algorithm>

#include "session/testing/rig.hpp"

// W3C RTCConfiguration.iceCandidatePoolSize.
namespace linnet::session::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// One candidate, not two.
const Tuning udp_only{.ice_tcp = IceTcp::Off};
const Configuration pool{.ice_candidate_pool_size = 1};

Configuration with_server(const std::string& address, std::uint8_t pool_size = 1) {
  return {.ice_servers = {{.urls = {"stun:" + address}}}, .ice_candidate_pool_size = pool_size};
}

/// Those that were told, without the empty one and none at the end.
std::vector<IceCandidate> candidates_of(const Peer& peer) {
  std::vector<IceCandidate> out;
  for (const auto& found : peer.all<Session::IceCandidateFound>()) {
    if (found.candidate && !found.candidate->candidate.empty()) out.push_back(*found.candidate);
  }
  return out;
}

/// Gathering as the events tell it: states, "candidate", "end" for the empty one and "none".
std::vector<std::string> gathering_of(const Peer& peer) {
  std::vector<std::string> out;
  for (const Session::Event& event : peer.log) {
    if (const auto* change = std::get_if<Session::IceGatheringStateChange>(&event)) {
      out.emplace_back(to_string(change->state));
    } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&event)) {
      out.emplace_back(!found->candidate ? "none" : found->candidate->candidate.empty() ? "end" : "candidate");
    } else if (std::holds_alternative<Session::IceCandidateError>(event)) {
      out.emplace_back("error");
    }
  }
  return out;
}

const std::vector<std::string> all_at_once{"gathering", "candidate", "end", "complete", "none"};

TEST(CandidatePool, GathersNothingBeforeADescriptionWhenItsSizeIsZero) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.run_for(1s);
  EXPECT_EQ(rig.a.count<Session::NeedSockets>(), 0U);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_THAT(rig.a.session->local_description()->sdp, Not(HasSubstr("a=candidate:")));
}

TEST(CandidatePool, GathersFromTheBeginningAndTellsNothing) {
  Rig rig{1, {}, udp_only, {}, pool};
  rig.run_for(1s);
  EXPECT_EQ(rig.a.count<Session::NeedSockets>(), 1U);
  EXPECT_THAT(gathering_of(rig.a), ::testing::IsEmpty());
  EXPECT_EQ(rig.a.session->ice_gathering_state(), IceGatheringState::New);
  EXPECT_EQ(rig.a.session->connection_state(), PeerConnectionState::New);
  // Nor by an offer that may never be applied.
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  EXPECT_THAT(rig.a.session->create_offer()->sdp, Not(HasSubstr("a=candidate:")));
  EXPECT_EQ(rig.b.count<Session::NeedSockets>(), 0U);
}

TEST(CandidatePool, TellsAllWithTheFirstLocalDescription) {
  Rig rig{1, {}, udp_only, {}, pool};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_EQ(rig.a.session->ice_gathering_state(), IceGatheringState::Complete);
  const std::string sdp = rig.a.session->local_description()->sdp;
  EXPECT_THAT(sdp, HasSubstr("a=candidate:"));
  EXPECT_THAT(sdp, HasSubstr("a=end-of-candidates"));
  rig.pump();
  EXPECT_EQ(gathering_of(rig.a), all_at_once);
  const auto told = candidates_of(rig.a);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].address, "192.0.2.1");
  EXPECT_EQ(told[0].sdp_mid, "0");
  EXPECT_THAT(sdp, HasSubstr("a=ice-ufrag:" + told[0].username_fragment.value()));
  EXPECT_EQ(rig.a.count<Session::NeedSockets>(), 1U);
}

TEST(CandidatePool, ConnectsWhoeverOfTheTwoHasOne) {
  for (const bool pooled_offers : {true, false}) {
    Rig rig{1, {}, udp_only, {}, pool};
    Peer& offerer = pooled_offers ? rig.a : rig.b;
    rig.a.trickle = rig.b.trickle = false;
    rig.run_for(1s);
    const ChannelId id = offerer.session->create_data_channel(rig.now(), "x").value();
    // Nobody trickles: only what the pooled side's description has at once connects them.
    rig.negotiate(offerer, pooled_offers ? rig.b : rig.a);
    EXPECT_EQ(rig.run_until([&] { return offerer.open(id); }, 10s), sim::Stop::Done) << pooled_offers;
  }
}

TEST(CandidatePool, GoesOnGatheringAfterADescriptionThatCameEarly) {
  Rig rig{1, {}, udp_only, {}, with_server("192.0.2.200")};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.pump();
  EXPECT_EQ(gathering_of(rig.a), (std::vector<std::string>{"gathering", "candidate"}));
  rig.run_for(10s);
  EXPECT_EQ(gathering_of(rig.a),
            (std::vector<std::string>{"gathering", "candidate", "error", "end", "complete", "none"}));
}

TEST(CandidatePool, BeginsWhenItsSizeIsRaisedEvenForAnOfferThatIsMadeAlready) {
  Rig rig{1, {}, udp_only};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  const SessionDescription offer = rig.a.session->create_offer().value();
  ASSERT_TRUE(rig.a.session->set_configuration(rig.now(), pool));
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), offer));
  rig.pump();
  EXPECT_EQ(gathering_of(rig.a), all_at_once);
}

TEST(CandidatePool, IsGatheredAnewFromOtherServers) {
  Rig rig{1, {}, udp_only, {}, with_server("192.0.2.200")};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  const SessionDescription offer = rig.a.session->create_offer().value();
  rig.run_for(10s);
  ASSERT_TRUE(rig.a.session->set_configuration(rig.now(), with_server("192.0.2.201")));
  rig.run_for(10s);
  EXPECT_EQ(rig.a.count<Session::NeedSockets>(), 2U);
  // The same again changes nothing.
  ASSERT_TRUE(rig.a.session->set_configuration(rig.now(), with_server("192.0.2.201")));
  rig.run_for(1s);
  EXPECT_EQ(rig.a.count<Session::NeedSockets>(), 2U);
  EXPECT_THAT(gathering_of(rig.a), ::testing::IsEmpty());
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), offer));
  rig.pump();
  std::vector<std::string> urls;
  for (const auto& error : rig.a.all<Session::IceCandidateError>()) urls.push_back(error.url);
  EXPECT_THAT(urls, Not(::testing::IsEmpty()));
  EXPECT_THAT(urls, Each(HasSubstr("192.0.2.201")));
  const auto told = candidates_of(rig.a);
  EXPECT_EQ(told.size(), rig.a.host.addresses().size() * 2) << "the sockets of both gatherings, and each once";
}

TEST(CandidatePool, IsGatheredAnewUnderAnotherPolicy) {
  Rig rig{1, {}, udp_only, {}, pool};
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_configuration(
      rig.now(), {.ice_transport_policy = IceTransportPolicy::Relay, .ice_candidate_pool_size = 1}));
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.pump();
  EXPECT_THAT(candidates_of(rig.a), ::testing::IsEmpty()) << "an address of its own, though only relays are allowed";
}

TEST(CandidatePool, IsGivenBackWhenItsSizeIsLoweredToZero) {
  Rig rig{1, {}, udp_only, {}, pool};
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_configuration(rig.now(), {}));
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::CloseSocket>(), 1U);
  EXPECT_EQ(rig.a.count<Session::IceGatheringStateChange>(), 0U);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_THAT(rig.a.session->local_description()->sdp, Not(HasSubstr("a=candidate:")));
  rig.pump();
  EXPECT_EQ(candidates_of(rig.a).size(), 1U);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), SessionDescription{SdpType::Rollback, ""}));
  rig.negotiate(rig.a, rig.b);
  EXPECT_EQ(rig.run_until([&] { return rig.a.open(id); }, 10s), sim::Stop::Done);
}

TEST(CandidatePool, CannotChangeItsSizeOnceALocalDescriptionWasSet) {
  Rig rig{1, {}, udp_only, {}, pool};
  const auto change = [&](std::uint8_t size) {
    const auto set = rig.a.session->set_configuration(rig.now(), with_server("192.0.2.200", size));
    return set ? std::optional<ErrorName>{} : std::optional{set.error().name};
  };
  EXPECT_EQ(change(7), std::nullopt);
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_EQ(change(8), ErrorName::InvalidModificationError);
  EXPECT_EQ(change(0), ErrorName::InvalidModificationError);
  EXPECT_EQ(change(7), std::nullopt);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), SessionDescription{SdpType::Rollback, ""}));
  EXPECT_EQ(change(8), ErrorName::InvalidModificationError) << "it was set, though it was rolled back";
}

TEST(CandidatePool, ServesTheDescriptionAfterARollback) {
  Rig rig{1, {}, udp_only, {}, pool};
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  rig.pump();
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now(), SessionDescription{SdpType::Rollback, ""}));
  rig.negotiate(rig.a, rig.b);
  EXPECT_EQ(rig.run_until([&] { return rig.a.open(id); }, 10s), sim::Stop::Done);
  EXPECT_EQ(gathering_of(rig.a), all_at_once);
  EXPECT_THAT(rig.a.session->local_description()->sdp,
              HasSubstr("a=ice-ufrag:" + candidates_of(rig.a).front().username_fragment.value()));
}

TEST(CandidatePool, WaitsForADescriptionThatHasSomethingToConnect) {
  Rig rig{1, {}, udp_only, {}, pool};
  rig.run_for(1s);
  rig.negotiate(rig.a, rig.b);
  rig.run_for(1s);
  EXPECT_THAT(gathering_of(rig.a), ::testing::IsEmpty());
  const ChannelId id = rig.connect();
  EXPECT_TRUE(rig.a.open(id));
  EXPECT_EQ(gathering_of(rig.a), all_at_once);
}

TEST(CandidatePool, GivesItsSocketsBackWhenClosed) {
  Rig rig{1, {}, udp_only, {}, pool};
  rig.run_for(1s);
  rig.a.session->close(rig.now());
  rig.pump();
  EXPECT_EQ(rig.a.count<Session::CloseSocket>(), 1U);
  EXPECT_TRUE(rig.a.terminated);
  EXPECT_THAT(gathering_of(rig.a), ::testing::IsEmpty());
  EXPECT_EQ(rig.a.session->next_timeout(), never);
}

TEST(CandidatePool, IsNotSeenInTheStatisticsBeforeItIsUsed) {
  Rig rig{1, {}, udp_only, {}, pool};
  (void)rig.b.session->create_data_channel(rig.now(), "x");
  rig.run_for(1s);
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), rig.b.session->local_description().value()));
  const auto shows_candidates = [&] {
    return std::ranges::any_of(rig.a.session->get_stats(rig.now()),
                               [](const auto& entry) { return type_of(entry.second) == "local-candidate"; });
  };
  EXPECT_FALSE(shows_candidates());
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_TRUE(shows_candidates());
}

}  // namespace
}  // namespace linnet::session::testing
