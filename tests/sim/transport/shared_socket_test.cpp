#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "ice/agent.hpp"
#include "sim/turn_server.hpp"
#include "transport/socket_demux.hpp"

// Agents that share one UDP socket, and the TURN server that sees one client in all of them.
namespace linnet::transport {
namespace {

using namespace std::chrono_literals;

const Endpoint server_at{IpAddress::v4({198, 51, 100, 1}), 3'478};
const Endpoint relayed{IpAddress::v4({198, 51, 100, 1}), 50'001};
const Endpoint socket_at{IpAddress::v4({10, 0, 0, 1}), 4'000};
const Endpoint seen_as{IpAddress::v4({203, 0, 113, 1}), 4'000};

class SharedSocket : public testing::Test {
 protected:
  struct Session {
    explicit Session(SharedSocket& world) : member(world.demux.add()), agent(world.options(), world.random) {}
    MemberId member;
    ice::Agent agent;
    std::vector<IceCandidateType> found;
  };

  static ice::Options options() {
    ice::Options out;
    ice::Server turn = *ice::parse_server_url("turn:198.51.100.1");
    turn.username = "user";
    turn.credential = "secret";
    out.servers = {*ice::parse_server_url("stun:198.51.100.1"), turn};
    return out;
  }
  SharedSocket()
      : server({.bind = [](const Endpoint&) { return std::optional{relayed}; },
                .close = [](const Endpoint&) {},
                .send =
                    [this](const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes) {
                      if (from == server_at && to == seen_as) arriving.emplace_back(bytes.begin(), bytes.end());
                    }},
               server_at) {}

  void gather(Session& session) {
    session.agent.gather(now);
    session.agent.add_socket(now, {.local = socket_at});
    session.agent.sockets_done(now);
    pump();
  }
  void pump() {
    for (bool any = true; any;) {
      any = false;
      for (Session* session : {&first, &second}) any |= transmit(*session);
      for (; !arriving.empty(); arriving.pop_front(), any = true) {
        const Datagram datagram{.at = now, .path = {socket_at, server_at}, .bytes = arriving.front()};
        const auto whose = demux.route(datagram);
        for (Session* session : {&first, &second})
          if (whose == session->member) session->agent.handle_datagram(datagram);
      }
    }
  }
  bool transmit(Session& session) {
    while (auto event = session.agent.poll_event())
      if (const auto* local = std::get_if<ice::LocalCandidate>(&*event)) session.found.push_back(local->candidate.type);
    batch.clear();
    (void)session.agent.poll_transmit(now, batch);
    for (const DatagramBatch::Run& run : batch.runs()) {
      if (!demux.may_send(now, session.member, run)) continue;
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
        const auto bytes = run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at));
        server.handle(now, {.at = now, .from = seen_as, .to = server_at, .bytes = {bytes.begin(), bytes.end()}});
      }
    }
    return !batch.empty();
  }
  void wait(Duration time) {
    const TimePoint end = now + time;
    const auto next = [&] {
      return std::min(std::as_const(first.agent).next_timeout(), std::as_const(second.agent).next_timeout());
    };
    while (next() <= end) {
      now = std::max(now, next());
      for (Session* session : {&first, &second}) session->agent.handle_timeout(now);
      pump();
    }
    now = end;
  }
  static bool has(const Session& session, IceCandidateType type) {
    return std::ranges::find(session.found, type) != session.found.end();
  }

  SeededGenerator random{1};
  TimePoint now{1s};
  sim::TurnServer server;
  SocketDemux demux;
  Session first{*this};
  Session second{*this};
  DatagramBatch batch{65'536};
  std::deque<std::vector<std::byte>> arriving;
};

TEST_F(SharedSocket, TheSecondOneAtATurnServerLeavesTheFirstOnesAllocationAlone) {
  gather(first);
  wait(1s);
  ASSERT_TRUE(has(first, IceCandidateType::Relay));
  // Before the first one has sent anything by its relay, and long after it was last heard of.
  for (const Duration later : {0s, 300s}) {
    wait(later);
    second.agent.restart(now);
    gather(second);
    wait(60s);
    EXPECT_FALSE(has(second, IceCandidateType::Relay));
    EXPECT_EQ(server.counts.given_back, 0U);
    EXPECT_EQ(server.counts.allocations, 1U);
    EXPECT_EQ(server.allocations(now), 1U);
  }
}

TEST_F(SharedSocket, TheSecondOneAtATurnServerLearnsItsAddressThere) {
  gather(first);
  wait(1s);
  second.agent.set_servers({*ice::parse_server_url("stun:198.51.100.1")});
  gather(second);
  wait(1s);
  EXPECT_TRUE(has(second, IceCandidateType::Srflx));
}

TEST_F(SharedSocket, WhenTheFirstOneHasLeftTheSecondOneHasARelay) {
  gather(first);
  wait(1s);
  first.agent.close(now);
  pump();
  demux.remove(first.member);
  gather(second);
  wait(1s);
  EXPECT_TRUE(has(second, IceCandidateType::Relay));
  EXPECT_EQ(server.counts.given_back, 1U);
}

}  // namespace
}  // namespace linnet::transport
