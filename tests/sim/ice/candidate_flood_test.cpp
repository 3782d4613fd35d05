#include <gtest/gtest.h>

#include <string>

#include "sim/allocations.hpp"
#include "sim/ice/agents.hpp"
#include "sim/ice/scripted_peer.hpp"

// A peer that tells of ten thousand candidates, of which one is right. Bounded: memory, pairs, checks and look-ups; and
// whoever is really there is found, for who has proved to be the peer comes before what is only told.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::live_bytes;
using sim::Stop;

constexpr unsigned many = 10'000;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }

enum class Kind : std::uint8_t { Host, Relayed, Tcp, Named, Duplicate };

/// The one of that number, with a foundation of its own. Nobody is there.
std::string nobody(Kind kind, unsigned i, std::uint32_t priority) {
  const std::string address =
      kind == Kind::Duplicate ? "192.0.2.1" : "198.51." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1);
  const std::string at = kind == Kind::Named ? "nobody-" + std::to_string(i) + ".local" : address;
  std::string text = "candidate:f" + std::to_string(i) + (kind == Kind::Tcp ? " 1 tcp " : " 1 udp ") +
                     std::to_string(priority) + ' ' + at + " 9000 typ ";
  text += kind == Kind::Relayed ? "relay raddr 0.0.0.0 rport 0" : "host";
  if (kind == Kind::Tcp) text += " tcptype passive";
  return text;
}

struct Case {
  const char* name;
  Kind kind;
  bool before_description = false;  ///< Told before the peer's credentials, as the lines of a description are.
  bool better = false;              ///< Than the right one, by what they claim.
  bool right_one_last = false;
};

class TenThousandCandidates : public testing::TestWithParam<Case> {
 protected:
  SeededGenerator random_{1};
  sim::Network network_{random_};
  Agents peers_{network_, network_.add_host("a", v4(10, 0, 0, 1)), network_.add_host("b", v4(10, 0, 0, 2)), random_};

  void flood() {
    const Case& c = GetParam();
    for (unsigned i = 0; i < many; ++i) {
      const auto candidate = parse_candidate(nobody(c.kind, i, c.better ? 2'147'000'000U + i : 1'000U + i));
      ASSERT_TRUE(candidate);
      (void)peers_.a.agent.add_remote_candidate(peers_.now(), *candidate);
    }
  }
};

TEST_P(TenThousandCandidates, LeaveTheRightOneItsWayAndBindLittle) {
  const Case& c = GetParam();
  const std::int64_t before = live_bytes();
  if (c.before_description) {
    flood();
    peers_.connect();
  } else if (c.right_one_last) {
    // Candidates of B take longer than the flood.
    peers_.signaling_delay = 20ms;
    peers_.connect();
    peers_.run_for(19ms);
    flood();
  } else {
    peers_.connect();
    peers_.run_for(21ms);
    flood();
  }
  EXPECT_LT(live_bytes() - before, std::int64_t{1} << 20);
  const Options& options = peers_.a.agent.options();
  EXPECT_LE(peers_.a.agent.pairs().size(), options.max_pairs);
  EXPECT_LE(peers_.a.agent.remote_candidates().size(), options.max_remote_candidates);
  const TimePoint begin = peers_.now();
  ASSERT_EQ(peers_.run_until([&] { return peers_.up() && peers_.agree(); }, 30s), Stop::Done) << peers_.describe();
  EXPECT_EQ(peers_.a.agent.selected()->remote.address, v4(10, 0, 0, 2));
  EXPECT_LT(peers_.now() - begin, 5s);
  peers_.run_for(60s);
  EXPECT_TRUE(peers_.up());
  EXPECT_LE(peers_.a.lookups, options.max_lookups + 62);
  std::uint64_t checks = 0;
  for (const CandidatePair& pair : peers_.a.agent.pairs()) checks += pair.statistics.requests_sent;
  EXPECT_LE(checks, options.max_pairs * options.max_sends);
  if (c.kind == Kind::Duplicate) {
    EXPECT_LE(peers_.a.agent.remote_candidates().size(), 3U);
  } else if (c.kind != Kind::Tcp) {
    EXPECT_GE(peers_.a.agent.statistics().candidates_dropped, many - options.max_remote_candidates - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TenThousandCandidates,
                         testing::Values(Case{"OfHostsInTheDescription", Kind::Host, true},
                                         Case{"OfBetterHostsInTheDescription", Kind::Host, true, true},
                                         Case{"OfHostsAfterIt", Kind::Host},
                                         Case{"OfBetterHostsAfterIt", Kind::Host, false, true},
                                         Case{"OfHostsBeforeIt", Kind::Host, false, false, true},
                                         Case{"OfBetterHostsBeforeIt", Kind::Host, false, true, true},
                                         Case{"OfRelays", Kind::Relayed, false, false, true},
                                         Case{"OfNamesInTheDescription", Kind::Named, true, true},
                                         Case{"OfNames", Kind::Named, false, true, true},
                                         Case{"OfStreams", Kind::Tcp, false, true},
                                         Case{"ThatAreOne", Kind::Duplicate, true, true}),
                         [](const auto& test) { return test.param.name; });

/// Nobody reaches us before we have spoken to them: then what counts is what the right one claims to be.
TEST(ManyCandidates, AreNoHindranceToOneThatIsBetterAndComesLast) {
  SeededGenerator random{1};
  sim::Network network{random};
  sim::Nat& nat = network.add_nat(v4(203, 0, 113, 1), {});
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1), &nat), network.add_host("b", v4(203, 0, 113, 2)),
               random};
  peers.connect();
  peers.run_for(19ms);
  for (unsigned i = 0; i < many; ++i) {
    (void)peers.a.agent.add_remote_candidate(peers.now(), *parse_candidate(nobody(Kind::Host, i, 1'000U + i)));
  }
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 30s), Stop::Done) << peers.describe();
  EXPECT_EQ(peers.a.agent.selected()->remote.address, v4(203, 0, 113, 2));
}

/// The number of a peer's addresses that it proves to be at is bounded as well, and the path in use is not harmed.
TEST(ManyCandidates, ThatThePeerSpeaksFromBindLittle) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.add_candidate(2, 1'000);
  peer.nominate(path);
  ASSERT_TRUE(peer.answer(path));
  ASSERT_EQ(peer.agent.selected(), path);
  const std::int64_t before = live_bytes();
  for (unsigned i = 0; i < many; ++i) {
    Path from = path;
    from.remote = {v4(198, 51, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250 + 1)), 7'000};
    (void)peer.check(from, {});
    if (i % 100 == 0) peer.run_for(100ms);
  }
  EXPECT_LT(live_bytes() - before, std::int64_t{1} << 20);
  EXPECT_LE(peer.agent.pairs().size(), peer.agent.options().max_pairs);
  EXPECT_LE(peer.agent.remote_candidates().size(), peer.agent.options().max_remote_candidates);
  EXPECT_EQ(peer.agent.selected(), path);
}

}  // namespace
}  // namespace linnet::ice
