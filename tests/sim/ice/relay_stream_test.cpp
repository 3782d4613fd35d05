#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "base/stream_framing.hpp"
#include "ice/agent.hpp"
#include "sim/turn_server.hpp"

// An agent whose TURN server is reached by a stream: the test is the owner that opens it.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;

const Endpoint server_at{IpAddress::v4({198, 51, 100, 1}), 5'349};
const Endpoint relayed{IpAddress::v4({198, 51, 100, 1}), 50'001};
const Endpoint socket_at{IpAddress::v4({10, 0, 0, 1}), 4'000};

class IceRelayStream : public testing::Test {
 protected:
  IceRelayStream()
      : server({.bind = [](const Endpoint&) { return std::optional{relayed}; },
                .close = [](const Endpoint&) {},
                .send =
                    [this](const Endpoint& from, const Endpoint&, std::span<const std::byte> bytes) {
                      if (from == server_at) to_agent.emplace_back(bytes.begin(), bytes.end());
                    }},
               server_at) {}

  void gather(std::string_view url = "turns:198.51.100.1", IceTransportPolicy policy = IceTransportPolicy::All) {
    Options options;
    options.policy = policy;
    Server turn = *parse_server_url(url);
    turn.username = "user";
    turn.credential = "secret";
    options.servers = {turn};
    options.first_stream = 513;
    agent.emplace(std::move(options), random);
    agent->gather(now);
    agent->add_socket(now, {.local = socket_at});
    agent->sockets_done(now);
    drain();
  }
  void drain() {
    do {
      while (auto event = agent->poll_event()) {
        if (const auto* connect = std::get_if<Connect>(&*event)) connects.push_back(*connect);
        if (const auto* disconnect = std::get_if<Disconnect>(&*event)) disconnects.push_back(disconnect->path);
        if (const auto* candidate = std::get_if<LocalCandidate>(&*event)) candidates.push_back(candidate->candidate);
        if (const auto* error = std::get_if<CandidateError>(&*event)) errors.push_back(*error);
      }
      batch.clear();
      (void)agent->poll_transmit(now, batch);
      for (const auto& run : batch.runs()) {
        ASSERT_EQ(run.path, connects.back().path);
        for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
          const auto bytes = run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at));
          EXPECT_TRUE(frame_edges(Framing::Stun, bytes)) << "no stream could carry it";
          server.handle(now, {.at = now, .from = socket_at, .to = server_at, .bytes = {bytes.begin(), bytes.end()}});
        }
      }
      while (!to_agent.empty()) {
        auto bytes = std::move(to_agent.front());
        to_agent.pop_front();
        agent->handle_datagram({.at = now, .path = connects.back().path, .bytes = bytes});
      }
    } while (!batch.empty());
  }
  void wait(Duration time) {
    const TimePoint end = now + time;
    while (agent->next_timeout() <= end) {
      now = std::max(now, agent->next_timeout());
      agent->handle_timeout(now);
      drain();
    }
    now = end;
  }

  SeededGenerator random{1};
  TimePoint now = TimePoint{} + 1h;
  std::deque<std::vector<std::byte>> to_agent;
  sim::TurnServer server;
  std::optional<Agent> agent;
  DatagramBatch batch;
  std::vector<Connect> connects;
  std::vector<Path> disconnects;
  std::vector<Candidate> candidates;
  std::vector<CandidateError> errors;
};

TEST_F(IceRelayStream, IsAskedForByNameAndThenAllocatesOverIt) {
  gather();
  ASSERT_EQ(connects.size(), 1U);
  const Connect& connect = connects.front();
  EXPECT_EQ(connect.path, (Path{{IpAddress{}, 513}, server_at, Protocol::Tls}));
  EXPECT_EQ(connect.server_name, "198.51.100.1");
  EXPECT_EQ(connect.framing, Framing::Stun);
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Gathering);
  agent->connected(now, connect.path);
  drain();
  ASSERT_EQ(candidates.size(), 2U) << "host and relay; a mapping of TCP is none of UDP";
  EXPECT_EQ(candidates.back().type, IceCandidateType::Relay);
  EXPECT_EQ(candidates.back().protocol, Protocol::Udp);
  EXPECT_EQ(candidates.back().relay_protocol, Protocol::Tls);
  EXPECT_EQ(candidates.back().endpoint(), relayed);
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
}

TEST_F(IceRelayStream, ThatCannotBeOpenedIsAnError) {
  gather("turn:198.51.100.1:5349?transport=tcp");
  ASSERT_EQ(connects.size(), 1U);
  EXPECT_EQ(connects.front().path.protocol, Protocol::Tcp);
  EXPECT_TRUE(connects.front().server_name.empty());
  agent->disconnected(now, connects.front().path, "Connection refused");
  drain();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().error_code, 701);
  EXPECT_EQ(errors.front().error_text, "Connection refused");
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
}

TEST_F(IceRelayStream, ThatIsNeverAnsweredForTimesOut) {
  gather();
  wait(30s);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(disconnects.size(), 1U);
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
  agent->connected(now, connects.front().path);
  drain();
  EXPECT_EQ(candidates.size(), 1U) << "too late";
}

TEST_F(IceRelayStream, ThatOpensAndSaysNothingTimesOut) {
  server.script.dead = true;
  gather();
  agent->connected(now, connects.front().path);
  drain();
  wait(10s);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().error_code, 701);
  EXPECT_EQ(disconnects, std::vector{connects.front().path});
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
}

TEST_F(IceRelayStream, ThatFallsSilentInTheMiddleOfACallIsLeft) {
  gather();
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_EQ(candidates.size(), 2U);
  server.script.dead = true;
  wait(11min);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().error_code, 701);
  ASSERT_FALSE(disconnects.empty());
  EXPECT_EQ(disconnects.front(), connects.front().path);
  EXPECT_EQ(agent->local_candidates().size(), 1U) << "the host candidate is not harmed";
  const std::size_t before = connects.size();
  wait(10min);
  EXPECT_LE(connects.size(), before + 11) << "it is looked for once a minute at most";
  EXPECT_EQ(errors.size(), 1U) << "that it is gone is known";
}

TEST_F(IceRelayStream, ThatEndsTakesItsCandidateAndPairsAlong) {
  gather("turns:198.51.100.1", IceTransportPolicy::Relay);
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_TRUE(agent->set_remote(now, {.credentials = {"abcd", "abcdefghijklmnopqrstuvwx"}}));
  agent->set_role(now, IceRole::Controlling);
  ASSERT_TRUE(
      agent->add_remote_candidate(now, *parse_candidate("candidate:1 1 udp 2122260223 192.0.2.7 6000 typ host")));
  drain();
  ASSERT_EQ(agent->pairs().size(), 1U);
  EXPECT_EQ(agent->pairs().front().path, (Path{relayed, {IpAddress::v4({192, 0, 2, 7}), 6'000}}));
  agent->disconnected(now, connects.front().path, "reset");
  drain();
  EXPECT_TRUE(agent->pairs().empty());
  EXPECT_TRUE(agent->local_candidates().empty());
  ASSERT_EQ(errors.size(), 1U);
}

TEST_F(IceRelayStream, ThatBreaksIsOpenedAnewUntilTheServerIsThereAgain) {
  gather();
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_EQ(candidates.size(), 2U);
  server.restart();
  agent->disconnected(now, connects.front().path, "reset");
  drain();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(agent->local_candidates().size(), 1U);
  wait(1s);
  ASSERT_EQ(connects.size(), 2U);
  EXPECT_NE(connects.back().path, connects.front().path);
  agent->disconnected(now, connects.back().path, "Connection refused");
  drain();
  wait(900ms);
  EXPECT_EQ(connects.size(), 2U) << "not at once";
  wait(1'100ms);
  ASSERT_EQ(connects.size(), 3U);
  agent->connected(now, connects.back().path);
  drain();
  EXPECT_EQ(errors.size(), 1U) << "that it is gone is known";
  ASSERT_EQ(candidates.size(), 3U);
  EXPECT_EQ(candidates.back().type, IceCandidateType::Relay);
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
  wait(5min);
  EXPECT_EQ(connects.size(), 3U);
}

TEST_F(IceRelayStream, ThatBreaksAgainAndAgainIsOpenedLessAndLessOftenUnderNumbersOfItsOwn) {
  gather();
  const auto breaks = [&] {
    agent->connected(now, connects.back().path);
    drain();
    ASSERT_EQ(candidates.back().type, IceCandidateType::Relay);
    server.restart();
    agent->disconnected(now, connects.back().path, "reset");
    drain();
  };
  const TimePoint begin = now;
  const auto break_until = [&](std::size_t times) {
    while (connects.size() < times && !HasFailure()) {
      breaks();
      const std::size_t opened = connects.size();
      while (connects.size() == opened) wait(agent->next_timeout() - now);
    }
  };
  break_until(10);
  EXPECT_GE(now - begin, 2min);
  break_until(600);
  EXPECT_GE(now - begin, 4h);
  EXPECT_LE(now - begin, 11h);
  for (const Connect& connect : connects) {
    EXPECT_GE(connect.path.local.port, 513);
    EXPECT_LT(connect.path.local.port, 513 + 256) << "those are peers'";
  }
  agent->connected(now, connects.back().path);
  drain();
  wait(1h);
  const TimePoint again = now;
  const std::size_t opened = connects.size();
  server.restart();
  agent->disconnected(now, connects.back().path, "reset");
  drain();
  wait(1s);
  EXPECT_EQ(connects.size(), opened + 1) << "it is as good as new";
  EXPECT_LE(now - again, 1s);
}

TEST_F(IceRelayStream, IsLeftWithTheNetworkAndOpenedAnewFromTheNextOne) {
  gather();
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_EQ(candidates.size(), 2U);
  agent->remove_socket(now, socket_at);
  drain();
  EXPECT_EQ(disconnects, std::vector{connects.front().path});
  EXPECT_TRUE(agent->local_candidates().empty());
  EXPECT_TRUE(errors.empty());
  server.restart();
  wait(5s);
  EXPECT_EQ(connects.size(), 1U);
  agent->add_socket(now, {.local = {IpAddress::v4({10, 9, 9, 9}), 4'000}});
  drain();
  wait(1s);
  ASSERT_EQ(connects.size(), 2U);
  agent->connected(now, connects.back().path);
  drain();
  EXPECT_EQ(candidates.back().type, IceCandidateType::Relay);
}

TEST_F(IceRelayStream, IsOpenedAnewFromANetworkThatWasThereAlready) {
  gather();
  agent->add_socket(now, {.local = {IpAddress::v4({10, 9, 9, 9}), 4'000}});
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_EQ(connects.size(), 1U) << "one does for both";
  agent->remove_socket(now, socket_at);
  drain();
  server.restart();
  wait(1s);
  ASSERT_EQ(connects.size(), 2U);
  agent->connected(now, connects.back().path);
  drain();
  EXPECT_EQ(candidates.back().type, IceCandidateType::Relay);
  EXPECT_EQ(agent->gathering_state(), IceGatheringState::Complete);
}

TEST_F(IceRelayStream, AServerThatPointsElsewhereGetsAStreamOfItsOwn) {
  const Endpoint other{IpAddress::v4({198, 51, 100, 2}), 5'350};
  server.script.alternate = other;
  gather();
  agent->connected(now, connects.front().path);
  drain();
  ASSERT_EQ(connects.size(), 2U);
  ASSERT_EQ(disconnects.size(), 1U);
  EXPECT_EQ(disconnects.front(), connects.front().path);
  EXPECT_EQ(connects.back().path.remote, other);
  EXPECT_NE(connects.back().path.local, connects.front().path.local);
}

}  // namespace
}  // namespace linnet::ice
