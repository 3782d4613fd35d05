#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/bytes.hpp"
#include "ice/priority.hpp"
#include "sim/ice/agents.hpp"
#include "sim/seed_trace.hpp"

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }

Options active_only(bool udp = false) { return {.udp = udp, .tcp = IceTcp::Active}; }
Options passive_too(bool udp = false) { return {.udp = udp, .tcp = IceTcp::ActivePassive}; }

/// Two agents that streams connect; b listens.
struct Rig {
  explicit Rig(std::uint64_t seed = 1, Options options_a = active_only(), Options options_b = passive_too(),
               sim::StreamOptions stream_options = {})
      : random(seed),
        network(random),
        host_a(network.add_host("a", v4(10, 0, 0, 1))),
        host_b(network.add_host("b", v4(10, 0, 0, 2))),
        streams(network, random, stream_options),
        peers(network, host_a, host_b, random, std::move(options_a), std::move(options_b)) {
    peers.world.streams = &streams;
    peers.a.tcp_listens = peers.a.agent.options().tcp == IceTcp::ActivePassive;
    peers.b.tcp_listens = peers.b.agent.options().tcp == IceTcp::ActivePassive;
  }
  [[nodiscard]] bool connect(Duration limit = 10s) {
    peers.connect();
    return peers.run_until([&] { return peers.agree(); }, limit) == Stop::Done;
  }
  /// Somebody else's host, which connects to where b listens.
  Path intrude(sim::Host& stranger) {
    const Path path{{stranger.addresses().front(), ++number}, listener(), Protocol::Tcp};
    streams.connect(stranger, path, Framing::Rfc4571);
    return path;
  }
  [[nodiscard]] Endpoint listener() const {
    for (const Candidate& c : peers.b.candidates)
      if (c.tcp_type == IceTcpCandidateType::Passive) return *c.endpoint();
    return {};
  }
  [[nodiscard]] static const CandidatePair* pair(const Agent& agent, const Path& path) {
    const auto found = std::ranges::find(agent.pairs(), path, &CandidatePair::path);
    return found == agent.pairs().end() ? nullptr : &*found;
  }

  SeededGenerator random;
  sim::Network network;
  sim::Host& host_a;
  sim::Host& host_b;
  sim::Streams streams;
  Agents peers;
  std::uint16_t number = 0;
};

TEST(IceTcp, ActiveMeetsPassiveWhereUdpDoesNotGetThrough) {
  Rig rig;
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  const Path a = *rig.peers.a.agent.selected();
  const Path b = *rig.peers.b.agent.selected();
  EXPECT_EQ(a.protocol, Protocol::Tcp);
  EXPECT_EQ(b.protocol, Protocol::Tcp);
  EXPECT_EQ(a.local.address, v4(10, 0, 0, 1));
  EXPECT_EQ(a.remote, rig.listener());
  EXPECT_EQ(b.local, rig.listener());
  EXPECT_EQ(b.remote.address, v4(10, 0, 0, 1));
  const auto seen_by_a = rig.peers.a.agent.selected_pair();
  EXPECT_EQ(seen_by_a->local.tcp_type, IceTcpCandidateType::Active);
  EXPECT_EQ(seen_by_a->remote.tcp_type, IceTcpCandidateType::Passive);
  const auto seen_by_b = rig.peers.b.agent.selected_pair();
  EXPECT_EQ(seen_by_b->local.tcp_type, IceTcpCandidateType::Passive);
  EXPECT_EQ(seen_by_b->remote.type, IceCandidateType::Prflx);
  EXPECT_EQ(seen_by_b->remote.tcp_type, IceTcpCandidateType::Active);
  EXPECT_EQ(rig.streams.attempts(), 1U);
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 1s), Stop::Done);
}

TEST(IceTcp, CandidatesAreWrittenAsRfc6544HasThem) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  ASSERT_EQ(rig.peers.a.candidates.size(), 1U);
  const Candidate& active = rig.peers.a.candidates.front();
  EXPECT_NE(to_string(active).find(" 1 tcp "), std::string::npos);
  EXPECT_NE(to_string(active).find(" 10.0.0.1 9 typ host tcptype active"), std::string::npos) << to_string(active);
  ASSERT_EQ(rig.peers.b.candidates.size(), 2U);
  const Candidate& passive = rig.peers.b.candidates.back();
  EXPECT_NE(to_string(passive).find(" typ host tcptype passive"), std::string::npos) << to_string(passive);
  EXPECT_NE(passive.foundation, rig.peers.b.candidates.front().foundation);
  // Section 4.2: the direction is in the upper three bits of the local preference.
  EXPECT_EQ((active.priority >> 21U) & 7U, 6U);
  EXPECT_EQ((passive.priority >> 21U) & 7U, 4U);
  EXPECT_LT(active.priority, candidate_priority(IceCandidateType::Srflx, 0));
  EXPECT_GT(active.priority, candidate_priority(IceCandidateType::Relay, 65'535));
}

TEST(IceTcp, WorksWithEitherSideInControlAndWithBothListening) {
  for (const std::uint64_t seed : sim::seeds(30)) {
    const sim::SeedTrace trace{seed};
    Rig rig{seed, seed % 2 == 0 ? passive_too() : active_only(), seed % 3 == 0 ? active_only() : passive_too()};
    const bool possible = rig.peers.a.tcp_listens || rig.peers.b.tcp_listens;
    ASSERT_EQ(rig.connect(5s), possible) << rig.peers.describe();
    if (!possible) continue;
    rig.peers.run_for(100ms);
    // Both speak of one and the same connection: what one says there, the other hears.
    const auto before = rig.peers.b.agent.selected_pair()->pair.statistics.requests_received;
    const auto at_a = rig.peers.a.agent.selected();
    const auto at_b = rig.peers.b.agent.selected();
    const bool a_opened = at_a->local.address == at_b->remote.address && at_a->remote == at_b->local;
    const bool b_opened = at_b->local.address == at_a->remote.address && at_b->remote == at_a->local;
    EXPECT_TRUE(a_opened || b_opened) << to_string(*at_a) << " and " << to_string(*at_b);
    rig.peers.run_for(20s);
    EXPECT_GT(rig.peers.b.agent.selected_pair()->pair.statistics.requests_received, before);
    EXPECT_TRUE(rig.peers.agree());
  }
}

TEST(IceTcp, UdpIsPreferredWhereItWorks) {
  Rig rig{1, active_only(true), passive_too(true)};
  ASSERT_TRUE(rig.connect());
  rig.peers.run_for(30s);
  EXPECT_EQ(rig.peers.a.agent.selected()->protocol, Protocol::Udp);
  EXPECT_EQ(rig.peers.b.agent.selected()->protocol, Protocol::Udp);
}

TEST(IceTcp, TakesOverWhenUdpIsLost) {
  Rig rig{1, active_only(true), passive_too(true)};
  rig.peers.world.filter = [](auto&, std::span<std::byte>) { return false; };
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  EXPECT_EQ(rig.peers.a.agent.selected()->protocol, Protocol::Tcp);
}

TEST(IceTcp, ThePeerMayBeBehindANat) {
  Rig rig;
  rig.streams.outside[&rig.host_a] = v4(203, 0, 113, 7);
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  EXPECT_EQ(rig.peers.b.agent.selected()->remote.address, v4(203, 0, 113, 7));
  EXPECT_EQ(rig.peers.b.agent.selected_pair()->remote.type, IceCandidateType::Prflx);
}

TEST(IceTcp, ARequestOnAStreamIsSentOnce) {
  Rig rig{1, active_only(), passive_too(), {.latency = 3s}};
  ASSERT_TRUE(rig.connect(30s)) << rig.peers.describe();
  // The check, and the one that nominates.
  EXPECT_EQ(rig.peers.a.agent.selected_pair()->pair.statistics.requests_sent, 2U);
}

TEST(IceTcp, WhatCannotBeReachedDelaysNothing) {
  Rig rig;
  rig.streams.passes = [](const sim::Host&, const Endpoint& to) { return to.address != v4(10, 0, 0, 99); };
  rig.peers.connect();
  for (const char* text : {"candidate:x 1 tcp 2000000000 10.0.0.99 5000 typ host tcptype passive",
                           "candidate:y 1 tcp 1900000000 10.0.0.2 1 typ host tcptype passive"})
    ASSERT_TRUE(rig.peers.a.agent.add_remote_candidate(rig.peers.now(), *parse_candidate(text)));
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.up(); }, 200ms), Stop::Done) << rig.peers.describe();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 3s), Stop::Done) << rig.peers.describe();
  EXPECT_EQ(rig.peers.a.agent.selected()->remote, rig.listener());
  rig.peers.run_for(60s);
  EXPECT_EQ(rig.streams.paths(rig.host_a).size(), 1U) << "the others are given up";
}

TEST(IceTcp, AStreamThatStopsInTheMiddleOfAFrameFailsAlone) {
  Rig rig;
  rig.host_b.add_address(v4(10, 0, 1, 2));
  bool stopped = false;
  rig.streams.arriving = [&](const sim::Host& from, const Path&) -> std::optional<std::size_t> {
    if (&from != &rig.host_a || std::exchange(stopped, true)) return std::nullopt;
    return 30;
  };
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 10s), Stop::Done) << rig.peers.describe();
  EXPECT_TRUE(stopped);
}

TEST(IceTcp, AStreamThatBreaksIsMadeAnew) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  const Path old = *rig.peers.a.agent.selected();
  rig.streams.reset(rig.host_a, old);
  rig.peers.run_for(1s);
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree() && rig.peers.up(); }, 5s), Stop::Done)
      << rig.peers.describe();
  EXPECT_EQ(std::ranges::count(rig.peers.a.states, IceConnectionState::Failed), 0);
  EXPECT_EQ(std::ranges::count(rig.peers.b.states, IceConnectionState::Failed), 0);
  EXPECT_NE(*rig.peers.a.agent.selected(), old);
  EXPECT_EQ(rig.streams.paths(rig.host_a).size(), 1U);
  rig.peers.restart();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree() && rig.peers.up(); }, 5s), Stop::Done)
      << rig.peers.describe();
  EXPECT_NE(*rig.peers.a.agent.selected(), old);
  EXPECT_EQ(rig.streams.paths(rig.host_a).size(), 1U);
}

TEST(IceTcp, AnotherPathTakesOverWhenAStreamBreaks) {
  Options patient = active_only();
  patient.relay_nomination_delay = 30s;
  Rig rig{1, patient};
  rig.host_b.add_address(v4(10, 0, 1, 2)).add_address(v4(10, 0, 2, 2));
  // The best pair is pending, so that two others are valid and none is nominated.
  rig.streams.passes = [](const sim::Host&, const Endpoint& to) { return to.address != v4(10, 0, 0, 2); };
  rig.peers.connect();
  rig.peers.run_for(3s);
  ASSERT_EQ(rig.streams.paths(rig.host_a).size(), 2U) << rig.peers.describe();
  const auto before = rig.peers.a.agent.selected();
  ASSERT_TRUE(before);
  rig.streams.reset(rig.host_a, *before);
  rig.peers.run_for(1s);
  ASSERT_TRUE(rig.peers.a.agent.selected());
  EXPECT_NE(rig.peers.a.agent.selected(), before);
  EXPECT_TRUE(rig.peers.up()) << rig.peers.describe();
}

TEST(IceTcp, ARestartMovesToANewStreamWhileTheOldOneCarriesOn) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  const Path old = *rig.peers.a.agent.selected();
  rig.peers.restart();
  EXPECT_EQ(rig.peers.a.agent.selected(), old);
  ASSERT_EQ(rig.peers.run_until(
                [&] {
                  return rig.peers.agree() && rig.peers.a.agent.selected() != old &&
                         rig.streams.paths(rig.host_a).size() == 1;
                },
                5s),
            Stop::Done)
      << rig.peers.describe();
  EXPECT_TRUE(rig.peers.up());
  for (const auto state : rig.peers.a.states) EXPECT_NE(state, IceConnectionState::Disconnected);
}

TEST(IceTcp, ConsentIsCheckedOnTheStream) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  rig.peers.run_for(60s);
  EXPECT_TRUE(rig.peers.up());
  EXPECT_GT(rig.peers.a.agent.selected_pair()->pair.statistics.consent_requests_sent, 8U);
  // The peer's program hangs: the connection is there and nothing comes.
  rig.streams.stop_after(rig.host_b, *rig.peers.b.agent.selected(), 0);
  rig.peers.run_for(15s);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Disconnected);
  rig.peers.run_for(30s);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Failed);
}

TEST(IceTcp, AFloodOfCandidatesMakesUsKnockAtFewDoors) {
  Rig rig;
  rig.streams.passes = [](const sim::Host&, const Endpoint& to) { return to.address == v4(10, 0, 0, 2); };
  rig.peers.connect();
  rig.peers.run_for(25ms);
  std::size_t most = 0;
  for (unsigned i = 0; i < 10'000; ++i) {
    const std::string text = "candidate:f" + std::to_string(i) + " 1 tcp " + std::to_string(2'000'000'000U - i) +
                             " 192.0.2." + std::to_string(i % 250) + ' ' + std::to_string(1'000 + i) +
                             " typ host tcptype passive";
    (void)rig.peers.a.agent.add_remote_candidate(rig.peers.now(), *parse_candidate(text));
    if (i % 100 == 0) rig.peers.run_for(100ms);
    most = std::max(most, rig.streams.size());
  }
  rig.peers.run_for(120s);
  // All in a row, and then one at a time for the 130 s that this takes.
  const Options& options = rig.peers.a.agent.options();
  EXPECT_LE(rig.peers.a.connects, options.max_connects + static_cast<std::size_t>(130s / options.connect_interval) + 1);
  EXPECT_LE(most, rig.peers.a.agent.options().max_streams + 1);
}

TEST(IceTcp, RoamingWithoutEndWearsNothingOut) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  IpAddress at = v4(10, 0, 0, 1);
  for (int i = 0; i < 100; ++i) {
    const IpAddress next = v4(10, 1, static_cast<std::uint8_t>(i), 1);
    rig.peers.network_goes(rig.peers.a, at);
    rig.peers.network_comes(rig.peers.a, next);
    const auto moved = [&] { return rig.peers.agree() && rig.peers.a.agent.selected()->local.address == next; };
    ASSERT_EQ(rig.peers.run_until(moved, 20s), Stop::Done) << i << '\n' << rig.peers.describe();
    rig.peers.run_for(10s);
    at = next;
  }
}

TEST(IceTcp, StrangersAtTheListenerAreShownTheDoor) {
  Rig rig;
  sim::Host& stranger = rig.network.add_host("stranger", v4(10, 0, 0, 66));
  rig.peers.b.agent.set_role(rig.peers.now(), IceRole::Controlled);
  rig.peers.b.agent.gather(rig.peers.now());
  rig.peers.run_for(30ms);
  std::vector<Path> paths;
  for (int i = 0; i < 100; ++i) paths.push_back(rig.intrude(stranger));
  rig.peers.run_for(100ms);
  const std::size_t most = rig.peers.b.agent.options().max_streams;
  EXPECT_EQ(rig.streams.paths(rig.host_b).size(), most);
  // They say nothing, nonsense, a check with the wrong password, or 64 KiB of it.
  std::vector<std::byte> frame(65'537, std::byte{0xFF});
  rig.streams.send_bytes(stranger, paths.back(), frame);
  rig.streams.send_bytes(stranger, paths[90], as_bytes(std::string_view{"\0\5hello\0", 8}));
  // The peer gets in all the same.
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  rig.peers.run_for(12s);
  EXPECT_EQ(rig.streams.paths(rig.host_b).size(), 1U);
  EXPECT_TRUE(rig.peers.up());
}

TEST(IceTcp, SaysAndTriesNothingWhereItIsNotAllowedTo) {
  struct Case {
    const char* what;
    Options options;
    std::size_t candidates;
  };
  const Case cases[] = {
      {"relay only", {.policy = IceTransportPolicy::Relay, .udp = false, .tcp = IceTcp::ActivePassive}, 0},
      {"off", {.udp = false}, 0},
      {"lite never connects", {.lite = true, .udp = false, .tcp = IceTcp::ActivePassive}, 1},
      {"lite and active", {.lite = true, .udp = false, .tcp = IceTcp::Active}, 0}};
  for (const Case& c : cases) {
    Rig rig{1, c.options, passive_too()};
    rig.peers.a.tcp_listens = true;
    (void)rig.connect(3s);
    EXPECT_EQ(rig.peers.a.candidates.size(), c.candidates) << c.what;
    EXPECT_EQ(rig.peers.a.connects, 0U) << c.what;
  }
}

TEST(IceTcp, ALitePeerIsReachedAtItsListener) {
  Rig rig{1, active_only(), {.lite = true, .udp = false, .tcp = IceTcp::ActivePassive}};
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  EXPECT_EQ(rig.peers.b.agent.selected()->protocol, Protocol::Tcp);
}

TEST(IceTcp, AnAddressThatGoesAwayTakesItsStreamsAlong) {
  Rig rig;
  ASSERT_TRUE(rig.connect());
  rig.peers.a.agent.remove_socket(rig.peers.now(), rig.host_a.sockets().front());
  rig.peers.run_for(100ms);
  EXPECT_EQ(rig.streams.paths(rig.host_a).size(), 0U);
  EXPECT_EQ(rig.peers.a.agent.local_candidates().size(), 0U);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Disconnected);
  rig.peers.run_for(31s);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Failed);
}

}  // namespace
}  // namespace linnet::ice
