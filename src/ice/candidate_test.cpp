#include "ice/candidate.hpp"

#include <gtest/gtest.h>

#include "ice/check_list.hpp"
#include "ice/pacer.hpp"
#include "ice/priority.hpp"
#include "ice/server.hpp"
#include "ice/stun_transaction.hpp"

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;

TEST(Candidate, ReadsWhatBrowsersWrite) {
  const auto c = parse_candidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.1 46154 typ srflx raddr 10.0.17.1 rport 46155 generation 0 "
      "ufrag EEtu network-id 3 network-cost 10");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->foundation, "842163049");
  EXPECT_EQ(c->priority, 1'677'729'535U);
  EXPECT_EQ(c->endpoint(), (Endpoint{IpAddress::v4({203, 0, 113, 1}), 46'154}));
  EXPECT_EQ(c->type, IceCandidateType::Srflx);
  EXPECT_EQ(c->related, (Endpoint{IpAddress::v4({10, 0, 17, 1}), 46'155}));
  EXPECT_EQ(c->ufrag, "EEtu");
  EXPECT_EQ(c->network_cost, 10U);
}

TEST(Candidate, WritesWhatItHasRead) {
  for (const std::string text :
       {"candidate:1 1 udp 2130706431 192.0.2.1 9 typ host",
        "candidate:a+/Z 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag abcd",
        "candidate:1 2 udp 0 2001:db8::1 65535 typ relay raddr 198.51.100.1 rport 1",
        "candidate:1 1 udp 1 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5 typ host network-id 1 network-cost 50 x y"}) {
    const auto c = parse_candidate(text);
    ASSERT_TRUE(c) << text;
    EXPECT_EQ(to_string(*c), text);
    EXPECT_EQ(parse_candidate("a=" + text + "\r\n"), c);
    EXPECT_EQ(parse_candidate(std::string_view{text}.substr(10)), c);
  }
}

TEST(Candidate, GivesTheW3cForm) {
  const auto w3c =
      to_w3c(*parse_candidate("candidate:7 1 UDP 5 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 8 ufrag abcd"), "0",
             std::uint16_t{0});
  EXPECT_EQ(w3c.sdp_mid, "0");
  EXPECT_EQ(w3c.protocol, "udp");
  EXPECT_EQ(w3c.address, "192.0.2.1");
  EXPECT_EQ(w3c.related_port, 8);
  EXPECT_EQ(w3c.username_fragment, "abcd");
}

TEST(Candidate, RefusesWhatIsNone) {
  for (const auto* const text :
       {"", "candidate:", "candidate:1 1 udp 1 192.0.2.1 9 host", "candidate:1 0 udp 1 192.0.2.1 9 typ host",
        "candidate:1 257 udp 1 192.0.2.1 9 typ host", "candidate:1 1 sctp 1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 9 typ host", "candidate:1 1 udp -1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2 9 typ host", "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ magic", "candidate:? 1 udp 1 192.0.2.1 9 typ host",
        "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host raddr nonsense!", "candidate:1 1 udp 1 192.0.2.1 9 typ host rport x",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host x y\nb=z", "candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag a:b"}) {
    EXPECT_FALSE(parse_candidate(text)) << text;
  }
  EXPECT_FALSE(parse_candidate("candidate:1 1 udp 1 192.0.2.1 9 typ host " + std::string(5'000, 'x')));
}

TEST(Priority, IsThatOfRfc8445) {
  EXPECT_EQ(candidate_priority(IceCandidateType::Host, 65'535), 2'130'706'431U);
  EXPECT_EQ(candidate_priority(IceCandidateType::Srflx, 65'535), 1'694'498'815U);
  EXPECT_GT(candidate_priority(IceCandidateType::Prflx, 0), candidate_priority(IceCandidateType::Srflx, 65'535));
  EXPECT_EQ(pair_priority(10, 3), (std::uint64_t{3} << 32U) + 20 + 1);
  EXPECT_EQ(pair_priority(3, 10), (std::uint64_t{3} << 32U) + 20);
}

TEST(ServerUrl, ReadsAllForms) {
  const auto server = parse_server_url("stun:stun.example.org");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->host, "stun.example.org");
  EXPECT_EQ(server->port, 3478);
  EXPECT_EQ(server->kind, Server::Kind::Stun);
  EXPECT_EQ(parse_server_url("stuns:example.org")->port, 5349);
  EXPECT_EQ(parse_server_url("STUN:[2001:db8::1]:99")->host, "2001:db8::1");
  EXPECT_EQ(parse_server_url("STUN:[2001:db8::1]:99")->port, 99);
  EXPECT_EQ(parse_server_url("turn:example.org?transport=tcp")->protocol, Protocol::Tcp);
  EXPECT_EQ(parse_server_url("turns:example.org:443?transport=tcp")->protocol, Protocol::Tls);
  EXPECT_EQ(parse_server_url("turn:192.0.2.1:3479?transport=udp")->kind, Server::Kind::Turn);
}

TEST(ServerUrl, RefusesOthersWithASyntaxError) {
  for (const auto* const url :
       {"", "stun", "stun:", "stun://example.org", "http:example.org", "stun:example.org?transport=udp",
        "turn:example.org?transport=sctp", "turn:example.org?", "stun:example.org:0", "stun:example.org:65536",
        "stun:example.org:", "stun:[::1", "stun:[192.0.2.1]", "stun:user@example.org", "stun:exa mple.org",
        "stun:[::1]x"}) {
    const auto server = parse_server_url(url);
    ASSERT_FALSE(server) << url;
    EXPECT_EQ(server.error().name, ErrorName::SyntaxError);
  }
}

CandidatePair pair(std::uint16_t port, std::uint32_t local, std::uint32_t remote) {
  CandidatePair p;
  p.path.remote.port = port;
  p.local_priority = local;
  p.remote_priority = remote;
  return p;
}

TEST(CheckList, ChecksTheBestFirstAndOneOfAFoundation) {
  CheckList list{100};
  list.set_role(IceRole::Controlling);
  const PairId low = list.add(pair(1, 10, 10), "1", "1")->id;
  const PairId frozen = list.add(pair(2, 30, 30), "1", "1")->id;
  const PairId high = list.add(pair(3, 20, 20), "2", "1")->id;
  EXPECT_EQ(list.find(frozen)->state, PairState::Frozen);
  CandidatePair* next = list.take_next();
  ASSERT_EQ(next->id, high);
  next->state = PairState::InProgress;
  next = list.take_next();
  ASSERT_EQ(next->id, low);
  next->state = PairState::InProgress;
  EXPECT_EQ(list.take_next(), nullptr);
  EXPECT_FALSE(list.has_next());
  list.find(low)->state = PairState::Succeeded;
  list.unfreeze(list.find(low)->foundation);
  ASSERT_EQ(list.take_next()->id, frozen);
}

TEST(CheckList, TriggeredChecksGoFirstAndInOrder) {
  CheckList list{100};
  list.set_role(IceRole::Controlling);
  const PairId a = list.add(pair(1, 10, 10), "1", "1")->id;
  const PairId b = list.add(pair(2, 30, 30), "2", "1")->id;
  list.trigger(*list.find(a));
  list.trigger(*list.find(a));
  list.trigger(*list.find(b), true);
  EXPECT_EQ(list.take_next()->id, b);
  EXPECT_EQ(list.take_next()->id, a);
}

TEST(CheckList, PrunesTheWorstWhenFull) {
  CheckList list{2};
  list.set_role(IceRole::Controlling);
  const PairId worst = list.add(pair(1, 10, 10), "1", "1")->id;
  ASSERT_TRUE(list.add(pair(2, 30, 30), "2", "1"));
  list.trigger(*list.find(worst));
  ASSERT_TRUE(list.add(pair(3, 20, 20), "3", "1"));
  EXPECT_EQ(list.find(worst), nullptr);
  EXPECT_EQ(list.add(pair(4, 5, 5), "4", "1"), nullptr);
  EXPECT_EQ(list.pairs().size(), 2U);
  ASSERT_NE(list.take_next(), nullptr);
}

TEST(CheckList, RolesTurnThePriorityRound) {
  CheckList list{2};
  list.set_role(IceRole::Controlling);
  const PairId id = list.add(pair(1, 20, 10), "1", "1")->id;
  EXPECT_EQ(list.find(id)->priority, pair_priority(20, 10));
  list.set_role(IceRole::Controlled);
  EXPECT_EQ(list.find(id)->priority, pair_priority(10, 20));
}

TEST(StunTransaction, IsSentSevenTimesAsRfc8489Says) {
  const TimePoint t0{1h};
  StunTransaction t{t0, 500ms, 7, 16};
  std::vector<Duration> sent{0ms};
  while (true) {
    const TimePoint now = t.next_timeout();
    const auto due = t.handle_timeout(now);
    if (due == StunTransaction::Due::GiveUp) {
      EXPECT_EQ(now - t0, 39'500ms);
      break;
    }
    ASSERT_EQ(due, StunTransaction::Due::Resend);
    sent.push_back(now - t0);
  }
  EXPECT_EQ(sent, (std::vector<Duration>{0ms, 500ms, 1'500ms, 3'500ms, 7'500ms, 15'500ms, 31'500ms}));
}

TEST(StunTransaction, IsNotSentAgainWhenCancelled) {
  const TimePoint t0{1h};
  StunTransaction t{t0, 500ms, 7, 16};
  t.cancel();
  EXPECT_EQ(t.handle_timeout(t0 + 500ms), StunTransaction::Due::Nothing);
  EXPECT_EQ(t.handle_timeout(t.next_timeout()), StunTransaction::Due::GiveUp);
}

TEST(Pacer, LetsAFewGoAtOnceAndThenOneEachInterval) {
  Pacer pacer{50ms, 3};
  TimePoint now{1h};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pacer.ready(now));
    pacer.spend(now);
  }
  EXPECT_FALSE(pacer.ready(now));
  EXPECT_EQ(pacer.next(), now + 50ms);
}

}  // namespace
}  // namespace linnet::ice
