#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/ice/agents.hpp"
#include "sim/ice/scripted_peer.hpp"
#include "sim/turn_server.hpp"

// What comes from somebody else, or comes again: STUN and TURN, to an agent with and without a relay.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;
using Bytes = std::vector<std::byte>;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint mallory{v4(198, 51, 100, 66), 6'666};

stun::Class class_of(const Bytes& bytes) {
  const auto message = stun::MessageView::parse(bytes);
  return message ? message->message_class() : stun::Class::Indication;
}

/// Two agents that listen to Mallory, who hears all that they say and says it again.
struct Eavesdropped {
  Eavesdropped() {
    peers.world.filter = [this](auto& node, std::span<std::byte> bytes) {
      auto& said = &node.machine == &peers.a.agent ? by_a : by_b;
      if (said.size() < 1'000) said.emplace_back(bytes.begin(), bytes.end());
      return !deaf;
    };
    peers.connect();
    EXPECT_EQ(peers.run_until([&] { return peers.completed() && peers.agree(); }, 10s), Stop::Done);
    path = *peers.a.agent.selected();
  }
  void say_to_a(Bytes bytes, const Endpoint& from) {
    peers.a.agent.handle_datagram(
        {.at = peers.now(), .path = {.local = path.local, .remote = from}, .bytes = std::span{bytes}});
  }
  SeededGenerator random{1};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
  std::vector<Bytes> by_a, by_b;
  bool deaf = false;
  Path path;
};

TEST(Replay, OfChecksFromElsewhereIsAnsweredAndMovesNothing) {
  Eavesdropped rig;
  rig.peers.run_for(6s);
  const auto heard = rig.by_b;  // With USE-CANDIDATE's answer, consent and all.
  for (int again = 0; again < 20; ++again) {
    for (const Bytes& bytes : heard) {
      if (class_of(bytes) == stun::Class::Request) rig.say_to_a(bytes, mallory);
    }
    rig.peers.run_for(1s);
  }
  EXPECT_EQ(rig.peers.a.agent.selected(), rig.path);
  EXPECT_TRUE(rig.peers.up());
  EXPECT_EQ(rig.peers.a.selections, 1U);
  EXPECT_LE(rig.peers.a.agent.pairs().size(), 4U);
}

TEST(Replay, OfANominationFromElsewhereMovesNothing) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.add_candidate(2, 1'000);
  peer.nominate(path);
  ASSERT_TRUE(peer.answer(path));
  Path elsewhere = path;
  elsewhere.remote = mallory;
  // The bytes are the peer's own; only the answers to our checks cannot be had from it.
  for (int i = 0; i < 20; ++i) {
    (void)peer.check(elsewhere, {.use_candidate = true, .nomination = 1'000});
    peer.run_for(200ms);
    EXPECT_EQ(peer.agent.selected(), path);
  }
  EXPECT_FALSE(peer.agent.is_valid(elsewhere)) << "data from there would be taken";
}

TEST(Replay, OfAnswersIsNoConsent) {
  Eavesdropped rig;
  rig.peers.run_for(30s);
  std::vector<Bytes> answers = rig.by_b;
  std::erase_if(answers, [](const Bytes& bytes) { return class_of(bytes) != stun::Class::Success; });
  ASSERT_GT(answers.size(), 3U);
  rig.deaf = true;
  // Every answer that there ever was, as it was and with the number of the question that is open now.
  const auto unexpected = rig.peers.a.agent.statistics().unexpected;
  const auto unauthenticated = rig.peers.a.agent.statistics().unauthenticated;
  for (int second = 0; second < 60; ++second) {
    rig.by_a.clear();
    rig.peers.run_for(1s);
    if (rig.peers.a.agent.state() == IceConnectionState::Failed) break;
    for (const Bytes& old : answers) {
      rig.say_to_a(old, rig.path.remote);
      for (const Bytes& asked : rig.by_a) {
        if (class_of(asked) != stun::Class::Request) continue;
        Bytes forged = old;
        std::copy_n(asked.begin() + 8, 12, forged.begin() + 8);
        // Its fingerprint is no secret, and need not be there: what is left is the integrity.
        forged.resize(forged.size() - 8);
        store_be(forged.data() + 2, static_cast<std::uint16_t>(forged.size() - stun::header_size));
        rig.say_to_a(forged, rig.path.remote);
      }
    }
  }
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Failed) << "Mallory can keep consent alive";
  EXPECT_GT(rig.peers.a.agent.statistics().unexpected, unexpected);
  EXPECT_GT(rig.peers.a.agent.statistics().unauthenticated, unauthenticated);
}

TEST(Answers, ToConsentFromElsewhereAreNone) {
  Eavesdropped rig;
  // What B answers arrives, but from another address.
  std::vector<Bytes> late;
  rig.peers.world.filter = [&](auto& node, std::span<std::byte> bytes) {
    if (&node.machine == &rig.peers.a.agent) return true;
    const Bytes copy{bytes.begin(), bytes.end()};
    if (class_of(copy) == stun::Class::Success) late.push_back(copy);
    return class_of(copy) != stun::Class::Success;
  };
  for (int i = 0; i < 60 && rig.peers.a.agent.state() != IceConnectionState::Failed; ++i) {
    rig.peers.run_for(1s);
    for (const Bytes& bytes : std::exchange(late, {})) rig.say_to_a(bytes, mallory);
  }
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Failed);
}

TEST(Answers, ToCheckFromElsewhereFailThatPairAndNoOther) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.add_candidate(2, 1'000);
  const Path other = peer.add_candidate(3, 2'000);
  Path elsewhere = path;
  elsewhere.remote = mallory;
  ASSERT_TRUE(peer.answer(path, {}, elsewhere));
  EXPECT_EQ(peer.pair(path)->state, PairState::Failed);
  EXPECT_EQ(peer.pair(elsewhere), nullptr);
  peer.nominate(other);
  ASSERT_TRUE(peer.answer(other));
  EXPECT_EQ(peer.agent.selected(), other);
}

TEST(Indications, OfNobodyAreCountedOrIgnored) {
  Eavesdropped rig;
  const auto state = rig.peers.a.states.size();
  const auto before = rig.peers.a.agent.statistics();
  for (const stun::Method method : {stun::Method::Binding, stun::Method::Data, stun::Method::Send}) {
    Bytes bytes(200);
    stun::MessageBuilder message{bytes, stun::Class::Indication, method, {}};
    message.xor_address(stun::AttributeType::XorPeerAddress, rig.path.remote);
    message.text(stun::AttributeType::Data, "wolf in a sheep's clothing");
    bytes.resize(message.fingerprint().finish());
    for (const Endpoint& from : {mallory, rig.path.remote}) rig.say_to_a(bytes, from);
  }
  // ChannelData, though there is no relay.
  rig.say_to_a({std::byte{0x40}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{20}}, mallory);
  rig.peers.run_for(100ms);
  EXPECT_EQ(rig.peers.a.agent.statistics().unexpected, before.unexpected + 4);
  EXPECT_EQ(rig.peers.a.agent.statistics().malformed, before.malformed + 1);
  EXPECT_EQ(rig.peers.a.states.size(), state);
  EXPECT_EQ(rig.peers.a.agent.pairs().size(), 1U);
}

// --- Names -------------------------------------------------------------------------------------------------------

TEST(Names, ThatALiarAnswersForLeaveThePeerToBeFoundByItsChecks) {
  SeededGenerator random{1};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
  sim::Host& liar = network.add_host("liar", v4(10, 0, 0, 66));
  (void)liar.bind({v4(10, 0, 0, 66), 49'152});
  peers.b.hide = true;
  peers.server_names["host-0.local"] = {v4(10, 0, 0, 66), v4(224, 0, 0, 251), v4(127, 0, 0, 1)};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree() && peers.up(); }, 5s), Stop::Done) << peers.describe();
  EXPECT_EQ(peers.a.agent.selected()->remote.address, v4(10, 0, 0, 2));
}

TEST(Names, WithTwoAnswersAreTriedAtBothAddresses) {
  SeededGenerator random{1};
  sim::Network network{random};
  // Nobody reaches A that it has not spoken to: the right answer is needed.
  sim::Nat& nat = network.add_nat(v4(203, 0, 113, 1), {});
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1), &nat), network.add_host("b", v4(203, 0, 113, 2)),
               random};
  peers.b.hide = true;
  peers.server_names["host-0.local"] = {v4(203, 0, 113, 66), v4(203, 0, 113, 2)};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree() && peers.up(); }, 5s), Stop::Done) << peers.describe();
  EXPECT_EQ(peers.a.agent.selected()->remote.address, v4(203, 0, 113, 2));
}

// --- Of a TURN server --------------------------------------------------------------------------------------------

const Endpoint turn_at{v4(198, 51, 100, 1), 3'478};

/// A has a relay, and nothing else; the server's words are heard by Mallory.
struct Relayed {
  Relayed() {
    peers.connect();
    EXPECT_EQ(peers.run_until([&] { return peers.completed() && peers.agree(); }, 30s), Stop::Done) << peers.describe();
  }
  static Options options() {
    Options out;
    out.policy = IceTransportPolicy::Relay;
    Server server = *parse_server_url("turn:198.51.100.1");
    server.username = "user";
    server.credential = "secret";
    out.servers = {server};
    return out;
  }
  void say_to_a(Bytes bytes, const Endpoint& from) {
    peers.a.agent.handle_datagram(
        {.at = peers.now(), .path = {.local = turn.table().begin()->first, .remote = from}, .bytes = std::span{bytes}});
  }
  [[nodiscard]] std::optional<Datagram> unwrap(Bytes& bytes, const Endpoint& from) {
    return peers.a.agent.unwrap(
        {.at = peers.now(), .path = {.local = turn.table().begin()->first, .remote = from}, .bytes = std::span{bytes}});
  }
  SeededGenerator random{1};
  sim::Network network{random};
  sim::Host& server_host = network.add_host("turn", turn_at.address);
  sim::TurnServer turn{server_host, turn_at};
  Agents peers{network, network.add_host("a", v4(203, 0, 113, 1)), network.add_host("b", v4(203, 0, 113, 2)), random,
               options()};
};

Bytes data_from(const Endpoint& peer) {
  Bytes bytes(200);
  stun::MessageBuilder message{bytes, stun::Class::Indication, stun::Method::Data, {}};
  message.xor_address(stun::AttributeType::XorPeerAddress, peer).text(stun::AttributeType::Data, "hello");
  bytes.resize(message.finish());
  return bytes;
}

TEST(TurnForgery, DataIsTakenFromTheServerOnlyAndOfPermittedPeersOnly) {
  Relayed rig;
  const Endpoint b = rig.peers.a.agent.selected()->remote;
  const auto before = rig.peers.a.agent.relay_statistics();
  Bytes bytes = data_from(b);
  ASSERT_TRUE(rig.unwrap(bytes, turn_at)) << "as it should be";
  bytes = data_from(b);
  const auto as_it_came = rig.unwrap(bytes, mallory);
  ASSERT_TRUE(as_it_came) << "it is not the server's: nothing is unwrapped";
  EXPECT_EQ(as_it_came->path.remote, mallory);
  bytes = data_from(mallory);
  EXPECT_FALSE(rig.unwrap(bytes, turn_at));
  EXPECT_EQ(rig.peers.a.agent.relay_statistics().unexpected, before.unexpected + 1);
  // A channel that nobody has bound.
  bytes = {std::byte{0x4F}, std::byte{0xFF}, std::byte{0},   std::byte{4},
           std::byte{20},   std::byte{254},  std::byte{253}, std::byte{0}};
  EXPECT_FALSE(rig.unwrap(bytes, turn_at));
  EXPECT_EQ(rig.peers.a.agent.relay_statistics().unexpected, before.unexpected + 2);
  bytes[3] = std::byte{200};  // Longer than the datagram.
  EXPECT_FALSE(rig.unwrap(bytes, turn_at));
  EXPECT_EQ(rig.peers.a.agent.relay_statistics().malformed, before.malformed + 1);
  EXPECT_TRUE(rig.peers.up());
}

TEST(Discarded, PacketsAreThoseOfThePairInUseAlsoOverARelay) {
  Relayed rig;
  Agent& a = rig.peers.a.agent;
  a.note_discarded({.local = rig.turn.table().begin()->first, .remote = turn_at}, 3, 300);
  EXPECT_EQ(a.selected_pair()->pair.statistics.packets_discarded, 3U);
  EXPECT_EQ(a.selected_pair()->pair.statistics.bytes_discarded, 300U);
  Agent& b = rig.peers.b.agent;
  b.note_discarded(*b.selected(), 2, 200);
  EXPECT_EQ(b.selected_pair()->pair.statistics.packets_discarded, 2U);
  // Of nobody's path: there is nothing to note.
  b.note_discarded({.local = b.selected()->local, .remote = mallory}, 2, 200);
  EXPECT_EQ(b.selected_pair()->pair.statistics.packets_discarded, 2U);
}

TEST(TurnForgery, NobodyElseEndsAnAllocation) {
  Relayed rig;
  const std::array ends{stun::Class::Success, stun::Class::Error};
  for (const stun::Class kind : ends) {
    for (const stun::Method method : {stun::Method::Refresh, stun::Method::Allocate, stun::Method::CreatePermission}) {
      for (const Endpoint& from : {mallory, turn_at}) {
        Bytes bytes(300);
        stun::MessageBuilder message{bytes, kind, method, stun::TransactionId::random(rig.random)};
        if (kind == stun::Class::Error)
          message.error_code(stun::ErrorCode::AllocationMismatch);
        else
          message.u32(stun::AttributeType::Lifetime, 0);
        message.integrity(stun::long_term_key("user", "example.org", "secret"));
        bytes.resize(message.fingerprint().finish());
        rig.say_to_a(bytes, from);
      }
    }
  }
  rig.peers.run_for(30s);
  EXPECT_TRUE(rig.peers.up());
  EXPECT_EQ(rig.turn.counts.allocations, 1U);
  EXPECT_TRUE(rig.peers.a.errors.empty());
}

}  // namespace
}  // namespace linnet::ice
