// The signaling state machine: every state against every kind of description, glare and rollback.
#include <array>
#include <functional>

#include "jsep/test_peers.hpp"

namespace linnet::jsep {
namespace {

using testing::ElementsAre;
using enum SignalingState;
using enum SdpType;

/// A peer in `state`, and one that can talk to it.
struct Stage {
  TestPeer peer{'A'};
  TestPeer other{'B'};

  explicit Stage(SignalingState state) {
    peer.negotiation.want_data();
    other.negotiation.want_data();
    switch (state) {
      case Stable: break;
      case HaveLocalOffer: peer.set_local(); break;
      case HaveRemoteOffer:
        other.set_local();
        peer.set_remote(other);
        break;
      case HaveLocalPranswer:
        other.set_local();
        peer.set_remote(other);
        peer.set_local(Pranswer);
        break;
      case HaveRemotePranswer:
        peer.set_local();
        other.set_remote(peer);
        other.set_local(Pranswer);
        peer.set_remote(other);
        break;
      case Closed: peer.negotiation.close(); break;
    }
    EXPECT_EQ(peer.negotiation.signaling_state(), state);
  }

  /// A description of `type` that fits the state, if any does; else any one.
  SessionDescription remote(SdpType type) {
    TestPeer fresh{'C'};
    fresh.negotiation.want_data();
    if (type == Offer) return *fresh.negotiation.create_offer();
    if (const auto offer = peer.negotiation.local_description())
      fresh.set_remote({.type = Offer, .sdp = offer->sdp});
    else
      fresh.set_remote(*other.negotiation.create_offer());
    return {.type = type, .sdp = fresh.negotiation.create_answer()->sdp};
  }
};

constexpr std::array all_states{Stable, HaveLocalOffer, HaveRemoteOffer, HaveLocalPranswer, HaveRemotePranswer, Closed};
constexpr std::array all_types{Offer, Pranswer, Answer, Rollback};

/// W3C figure 2. The state after, or nothing when it must be refused.
std::optional<SignalingState> expected(SignalingState state, SdpType type, bool remote) {
  if (state == Closed) return std::nullopt;
  if (type == Rollback)
    return state == HaveLocalOffer || state == HaveRemoteOffer ? std::optional{Stable} : std::nullopt;
  if (type == Offer) {
    if (!remote) return state == Stable || state == HaveLocalOffer ? std::optional{HaveLocalOffer} : std::nullopt;
    const bool ok = state == Stable || state == HaveRemoteOffer || state == HaveLocalOffer;
    return ok ? std::optional{HaveRemoteOffer} : std::nullopt;
  }
  const bool ok = remote ? state == HaveLocalOffer || state == HaveRemotePranswer
                         : state == HaveRemoteOffer || state == HaveLocalPranswer;
  if (!ok) return std::nullopt;
  if (type == Answer) return Stable;
  return remote ? HaveRemotePranswer : HaveLocalPranswer;
}

TEST(SignalingStates, FollowTheDiagramForEachStateAndType) {
  for (const SignalingState state : all_states)
    for (const SdpType type : all_types)
      for (const bool remote : {false, true}) {
        SCOPED_TRACE(std::string{to_string(state)} + (remote ? " remote " : " local ") + std::string{to_string(type)});
        Stage stage{state};
        Negotiation& n = stage.peer.negotiation;
        const auto local_before = n.local_description();
        const auto remote_before = n.remote_description();
        const SessionDescription description =
            !remote || type == Rollback ? SessionDescription{.type = type, .sdp = {}} : stage.remote(type);
        const auto result = remote ? n.set_remote_description(description) : n.set_local_description(type);
        const auto after = expected(state, type, remote);
        ASSERT_EQ(result.has_value(), after.has_value()) << (result ? "" : result.error().message);
        EXPECT_EQ(n.signaling_state(), after.value_or(state));
        if (result) {
          EXPECT_EQ(result->states.empty(), state == *after);
          if (!result->states.empty()) {
            EXPECT_EQ(result->states.back(), *after);
          }
          EXPECT_EQ(result->negotiated, type == Answer);
        } else {
          EXPECT_EQ(result.error().name, ErrorName::InvalidStateError);
          EXPECT_EQ(n.local_description(), local_before);
          EXPECT_EQ(n.remote_description(), remote_before);
        }
      }
}

TEST(SignalingStates, AllowCreateOfferAndCreateAnswerWhereTheW3cDoes) {
  for (const SignalingState state : all_states) {
    SCOPED_TRACE(to_string(state));
    Stage stage{state};
    const auto offer = stage.peer.negotiation.create_offer();
    EXPECT_EQ(offer.has_value(), state == Stable || state == HaveLocalOffer);
    if (!offer) {
      EXPECT_EQ(offer.error().name, ErrorName::InvalidStateError);
    }
    const auto answer = stage.peer.negotiation.create_answer();
    EXPECT_EQ(answer.has_value(), state == HaveRemoteOffer || state == HaveLocalPranswer);
    if (!answer) {
      EXPECT_EQ(answer.error().name, ErrorName::InvalidStateError);
    }
    EXPECT_EQ(stage.peer.negotiation.signaling_state(), state);
  }
}

TEST(SignalingStates, ChooseOfferOrAnswerWhenNoneIsNamed) {
  for (const auto& [state, type] : {std::pair{Stable, Offer}, std::pair{HaveLocalOffer, Offer},
                                    std::pair{HaveRemoteOffer, Answer}, std::pair{HaveLocalPranswer, Answer}}) {
    Stage stage{state};
    stage.peer.set_local();
    EXPECT_EQ(stage.peer.negotiation.local_description()->type, type);
  }
  Stage stage{HaveRemotePranswer};
  EXPECT_EQ(stage.peer.negotiation.set_local_description().error().name, ErrorName::InvalidStateError);
}

TEST(Glare, LetsThePolitePeerAnswerAfterAnImplicitRollback) {
  TestPeer polite{'A'};
  TestPeer impolite{'B'};
  polite.negotiation.want_data();
  impolite.negotiation.want_data();
  const Changes own = polite.set_local();
  impolite.set_local();
  const Changes rolled = polite.set_remote(impolite);
  EXPECT_THAT(rolled.states, ElementsAre(Stable, HaveRemoteOffer));
  EXPECT_FALSE(rolled.transport_dropped);
  EXPECT_FALSE(polite.negotiation.pending_local_description());
  const Changes answered = polite.set_local();
  // What was gathered for the first offer serves the answer.
  EXPECT_FALSE(answered.local_ice || answered.gather);
  EXPECT_EQ(answered.ice_role, IceRole::Controlled);
  const Changes done = impolite.set_remote(polite);
  EXPECT_EQ(done.remote->ice, own.local_ice);
  EXPECT_EQ(done.ice_role, IceRole::Controlling);
  EXPECT_FALSE(polite.negotiation.negotiation_needed());
}

TEST(Glare, KeepsTheOfferWhenTheCollidingOneIsBad) {
  Stage stage{HaveLocalOffer};
  const auto before = stage.peer.negotiation.local_description();
  const Error error = stage.peer.refusal({.type = Offer, .sdp = "v=0\r\n"});
  EXPECT_EQ(error.detail, ErrorDetail::SdpSyntaxError);
  EXPECT_EQ(stage.peer.negotiation.signaling_state(), HaveLocalOffer);
  EXPECT_EQ(stage.peer.negotiation.local_description(), before);
}

TEST(Glare, AfterARestartGivesBackTheFormerCredentials) {
  TestPeer polite{'A'};
  TestPeer impolite{'B'};
  polite.negotiation.want_data();
  const Exchange first = exchange(polite, impolite);
  polite.negotiation.restart_ice();
  EXPECT_TRUE(polite.set_local().local_ice_restart);
  impolite.set_local();
  const Changes rolled = polite.set_remote(impolite);
  EXPECT_THAT(rolled.states, ElementsAre(Stable, HaveRemoteOffer));
  EXPECT_EQ(rolled.local_ice, first.offered.local_ice);
  EXPECT_TRUE(rolled.local_ice_rollback);
  EXPECT_FALSE(rolled.local_ice_restart || rolled.gather);
  ASSERT_TRUE(rolled.remote);
  EXPECT_EQ(rolled.remote->ice, first.answered.local_ice);
  EXPECT_EQ(rolled.dtls_role, first.completed.dtls_role);
  EXPECT_EQ(rolled.ice_role, first.completed.ice_role);
  EXPECT_FALSE(polite.set_local().local_ice);
  EXPECT_FALSE(impolite.set_remote(polite).remote->ice_restart);
  EXPECT_TRUE(polite.negotiation.negotiation_needed()) << "the restart is still owed";
}

TEST(Glare, OfTwoRestartsRenewsBothSides) {
  TestPeer polite{'A'};
  TestPeer impolite{'B'};
  polite.negotiation.want_data();
  const Exchange first = exchange(polite, impolite);
  polite.negotiation.restart_ice();
  impolite.negotiation.restart_ice();
  polite.set_local();
  impolite.set_local();
  polite.set_remote(impolite);
  const Changes answered = polite.set_local();
  EXPECT_TRUE(answered.local_ice_restart && answered.remote->ice_restart);
  EXPECT_NE(answered.local_ice, first.offered.local_ice);
  EXPECT_TRUE(impolite.set_remote(polite).remote->ice_restart);
  EXPECT_FALSE(polite.negotiation.negotiation_needed() || impolite.negotiation.negotiation_needed());
}

TEST(Rollback, OfARemoteOfferForgetsIt) {
  Stage stage{HaveRemoteOffer};
  EXPECT_TRUE(stage.peer.negotiation.can_trickle().has_value());
  const auto changes = stage.peer.negotiation.set_remote_description({.type = Rollback, .sdp = "ignored"});
  ASSERT_TRUE(changes);
  EXPECT_THAT(changes->states, ElementsAre(Stable));
  EXPECT_TRUE(changes->update_negotiation_needed);
  EXPECT_FALSE(stage.peer.negotiation.remote_description());
  EXPECT_FALSE(stage.peer.negotiation.can_trickle());
  EXPECT_FALSE(stage.peer.negotiation.data_mid());
}

TEST(Rollback, ThenOfferingAgainKeepsCredentialsAndCandidates) {
  TestPeer peer{'A'};
  peer.negotiation.want_data();
  const Changes first = peer.set_local();
  peer.negotiation.add_local_candidate("candidate:1 1 udp 1 192.0.2.1 5000 typ host", first.local_ice->ufrag);
  EXPECT_THAT(peer.set_local(Rollback).states, ElementsAre(Stable));
  const Changes second = peer.set_local();
  EXPECT_FALSE(second.local_ice || second.gather);
  EXPECT_THAT(peer.local_sdp(), testing::HasSubstr("192.0.2.1 5000 typ host"));
}

TEST(Rollback, IsRepeatable) {
  Stage stage{HaveLocalOffer};
  EXPECT_TRUE(stage.peer.negotiation.set_local_description(Rollback));
  EXPECT_EQ(stage.peer.negotiation.set_local_description(Rollback).error().name, ErrorName::InvalidStateError);
  exchange(stage.peer, stage.other);
}

TEST(LastCreated, IsUsedWhenNoTextIsGiven) {
  TestPeer peer{'A'};
  peer.negotiation.want_data();
  const auto offer = peer.negotiation.create_offer();
  peer.set_local(Offer);
  EXPECT_EQ(peer.local_sdp(), offer->sdp);
}

TEST(LastCreated, IsMadeAnewWhenItIsOutdated) {
  TestPeer peer{'A'};
  const auto offer = peer.negotiation.create_offer();
  peer.negotiation.want_data();
  EXPECT_TRUE(peer.set_local().gather);
  EXPECT_NE(peer.local_sdp(), offer->sdp);
}

}  // namespace
}  // namespace linnet::jsep
