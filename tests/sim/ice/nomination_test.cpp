#include <gtest/gtest.h>

#include "sim/ice/scripted_peer.hpp"

// Peers that nominate in other ways than we do: aggressively (RFC 5245 section 8.1.1.2), or again and again, with
// libwebrtc's NOMINATION.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;

/// Three pairs, in the order in which the peer would like them least.
class Nomination : public testing::Test {
 protected:
  Nomination() { peer.describe(); }
  void all_answered() {
    for (const Path& path : {low, middle, high}) ASSERT_TRUE(peer.answer(path));
  }
  ScriptedPeer peer;
  const Path low = peer.add_candidate(2, 1'000);
  const Path middle = peer.add_candidate(3, 2'000);
  const Path high = peer.add_candidate(4, 3'000);
};

TEST_F(Nomination, OfEveryPairSelectsTheBestOneAndKeepsIt) {
  for (const Path& path : {low, middle, high}) peer.nominate(path);
  EXPECT_FALSE(peer.agent.selected());
  EXPECT_TRUE(peer.answer(middle));
  EXPECT_EQ(peer.agent.selected(), middle);
  EXPECT_TRUE(peer.agent.selected_pair()->pair.nominated);
  EXPECT_TRUE(peer.answer(high));
  EXPECT_EQ(peer.agent.selected(), high);
  EXPECT_TRUE(peer.agent.selected_pair()->pair.nominated);
  // Such a peer says so in each check, and never stops.
  for (const Path& path : {low, middle, high, middle, low}) {
    peer.nominate(path);
    (void)peer.answer(path);
    EXPECT_EQ(peer.agent.selected(), high);
    peer.run_for(100ms);
    (void)peer.answer(path);
    EXPECT_EQ(peer.agent.selected(), high);
  }
  EXPECT_EQ(peer.agent.selected_pair_changes(), 2U);
}

TEST_F(Nomination, OfPairsThatHaveAnsweredSelectsTheBestOneInAnyOrder) {
  all_answered();
  peer.nominate(middle);
  EXPECT_EQ(peer.agent.selected(), middle);
  peer.nominate(low);
  EXPECT_EQ(peer.agent.selected(), middle);
  peer.nominate(high);
  EXPECT_EQ(peer.agent.selected(), high);
  peer.nominate(middle);
  EXPECT_EQ(peer.agent.selected(), high);
}

TEST_F(Nomination, LeavesBetterPairsThatWereAskedForOnTheirWay) {
  for (const Path& path : {low, middle, high}) peer.nominate(path);
  peer.run_for(200ms);
  ASSERT_TRUE(peer.lose(high));
  ASSERT_TRUE(peer.lose(low));
  ASSERT_TRUE(peer.answer(middle));
  EXPECT_EQ(peer.pair(low)->state, PairState::Failed);  // Not worth a check any more.
  EXPECT_EQ(peer.pair(high)->state, PairState::InProgress);
  peer.run_for(1s);
  EXPECT_FALSE(peer.answer(low));
  EXPECT_TRUE(peer.answer(high));  // Asked again.
  EXPECT_EQ(peer.agent.selected(), high);
}

TEST(NominationWhilePaced, LeavesBetterPairsThatWereAskedForInTheirQueue) {
  ScriptedPeer peer{{.burst = 1}};
  peer.describe();
  const Path low = peer.add_candidate(2, 1'000);
  const Path lowest = peer.add_candidate(3, 500);
  const Path high = peer.add_candidate(4, 3'000);
  for (const Path& path : {lowest, high, low}) peer.nominate(path);
  EXPECT_EQ(peer.pair(high)->state, PairState::Waiting);
  ASSERT_TRUE(peer.answer(low));
  EXPECT_EQ(peer.agent.selected(), low);
  EXPECT_EQ(peer.pair(lowest), nullptr);
  peer.run_for(200ms);
  EXPECT_FALSE(peer.answer(lowest));
  EXPECT_TRUE(peer.answer(high));
  EXPECT_EQ(peer.agent.selected(), high);
}

TEST_F(Nomination, WithTheHighestNumberWinsWhateverThePairIsWorth) {
  all_answered();
  peer.nominate(high, 1);
  EXPECT_EQ(peer.agent.selected(), high);
  peer.nominate(low, 2);
  EXPECT_EQ(peer.agent.selected(), low);
  peer.nominate(middle, 3);
  EXPECT_EQ(peer.agent.selected(), middle);
  peer.nominate(high, 1);  // Late.
  peer.nominate(low, 2);
  EXPECT_EQ(peer.agent.selected(), middle);
  peer.nominate(middle, 1);  // Late, and takes nothing back.
  peer.nominate(low, 2);
  EXPECT_EQ(peer.agent.selected(), middle);
  peer.nominate(high);  // A check without a number says nothing new.
  EXPECT_EQ(peer.agent.selected(), middle);
}

TEST_F(Nomination, WithTheHighestNumberWinsThoughItsPairIsTheLastToAnswer) {
  peer.nominate(low, 2);
  peer.nominate(high, 1);
  peer.run_for(200ms);
  ASSERT_TRUE(peer.lose(low));
  ASSERT_TRUE(peer.answer(high));
  EXPECT_EQ(peer.agent.selected(), high);
  peer.run_for(1s);
  EXPECT_TRUE(peer.answer(low));
  EXPECT_EQ(peer.agent.selected(), low);
}

TEST(NominationBeforeTheDescription, IsRememberedWithItsNumber) {
  ScriptedPeer peer;
  const Path one = peer.path_from(2);
  const Path other = peer.path_from(3);
  (void)peer.check(one, {});
  peer.nominate(other, 1);
  peer.nominate(one, 2);
  EXPECT_TRUE(peer.agent.pairs().empty());
  peer.describe();
  EXPECT_TRUE(peer.answer(one));
  EXPECT_EQ(peer.agent.selected(), one);
  (void)peer.answer(other);
  EXPECT_EQ(peer.agent.selected(), one);
}

TEST(FullTable, GivesThePairOfAReflexiveCandidateBackToItsBaseNotToTheListenerOnTheSamePort) {
  ScriptedPeer peer{{.tcp = IceTcp::ActivePassive, .max_local_candidates = 4}};
  const TimePoint now{};
  peer.describe();
  const Path used = peer.add_candidate(2, 2'000);
  const Endpoint socket = used.local;
  // With udp_mux_port and tcp_mux_port alike; the listener comes first.
  peer.agent.remove_socket(now, socket);
  peer.agent.add_socket(now, {.local = socket, .protocol = Protocol::Tcp});
  peer.agent.add_socket(now, {.local = socket});
  peer.run_for(100ms);
  peer.nominate(used);
  ASSERT_TRUE(peer.answer(used));
  const Path other = peer.path_from(3);
  (void)peer.check(other, {});
  peer.run_for(100ms);
  ASSERT_TRUE(peer.answer(other, {}, {}, Endpoint{IpAddress::v4({203, 0, 113, 7}), 7'000}));
  const auto local_of_other = [&] {
    const auto all = peer.agent.local_candidates();
    return std::ranges::find(all, peer.pair(other)->local, &KnownCandidate::id)->candidate;
  };
  ASSERT_EQ(local_of_other().type, IceCandidateType::Prflx);
  ASSERT_EQ(peer.agent.local_candidates().size(), 4U) << "host, listener, active, reflexive";
  peer.agent.add_socket(now, {.local = {IpAddress::v4({10, 0, 0, 9}), 4'000}});
  EXPECT_EQ(peer.agent.local_candidates().size(), 4U);
  EXPECT_EQ(local_of_other().type, IceCandidateType::Host);
  EXPECT_EQ(local_of_other().protocol, Protocol::Udp);
}

}  // namespace
}  // namespace linnet::ice
