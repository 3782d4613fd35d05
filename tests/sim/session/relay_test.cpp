#include <gtest/gtest.h>

#include <string>

#include "sim/seed_trace.hpp"
#include "sim/seeds.hpp"
#include "sim/session/meeting.hpp"
#include "sim/turn_server.hpp"

// Whole connections through a TURN server.
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

const Endpoint turn_at{IpAddress::v4({198, 51, 100, 1}), 3478};

NatOptions symmetric() { return {.mapping = NatBehavior::AddressAndPortDependent, .ports = PortAllocation::Random}; }
Meeting::PeerOptions with_turn(IceTransportPolicy policy = IceTransportPolicy::All) {
  Meeting::PeerOptions out;
  out.configuration = {.ice_servers = {{.urls = {"turn:198.51.100.1"}, .username = "user", .credential = "secret"}},
                       .ice_transport_policy = policy};
  return out;
}

struct RelayedCall {
  explicit RelayedCall(std::uint64_t seed, Meeting::PeerOptions a, Meeting::PeerOptions b, LinkOptions access = {})
      : luck(seed),
        network(luck),
        turn(network.add_host("turn", turn_at.address), turn_at),
        meeting(network,
                network.add_host("A", IpAddress::v4({10, 0, 0, 1}),
                                 &network.add_nat(IpAddress::v4({203, 0, 113, 1}), symmetric()), access),
                network.add_host("B", IpAddress::v4({10, 0, 0, 2}),
                                 &network.add_nat(IpAddress::v4({203, 0, 113, 2}), symmetric()), access),
                seed, std::move(a), std::move(b)) {
    meeting.on_event = [this](Meeting::Peer& peer, Session::Event& event) {
      const auto* ready = std::get_if<Session::ChannelMessageReady>(&event);
      while (ready != nullptr && peer.session->receive(ready->channel)) ++received;
    };
  }
  [[nodiscard]] Stop open() {
    channel = meeting.a.session->create_data_channel(meeting.now(), "x").value();
    return meeting.run_until(
        [&] {
          return meeting.a.session->ready_state(channel) == DataChannelState::Open && !meeting.b.announced.empty();
        },
        60s);
  }
  [[nodiscard]] Stop send(int messages, std::size_t size, Duration limit) {
    const std::size_t goal = received + static_cast<std::size_t>(messages);
    int left = messages;
    return meeting.run_until(
        [&] {
          while (left > 0 && meeting.a.session->send(meeting.now(), channel, std::string(size, 'x'))) --left;
          return received == goal;
        },
        limit);
  }
  SeededGenerator luck;
  Network network;
  TurnServer turn;
  Meeting meeting;
  ChannelId channel{};
  std::size_t received = 0;
};

TEST(SessionRelay, CarriesDataBetweenSymmetricNats) {
  for (const std::uint64_t seed : seeds(12)) {
    const SeedTrace trace{seed};
    RelayedCall call{seed, with_turn(seed % 2 == 0 ? IceTransportPolicy::All : IceTransportPolicy::Relay), with_turn()};
    ASSERT_EQ(call.open(), Stop::Done) << call.meeting.describe();
    ASSERT_EQ(call.send(100, 10'000, 60s), Stop::Done) << call.meeting.describe();
    // Data goes the short way: only what was there before the channel took the long one.
    EXPECT_LT(call.turn.counts.send_indications, 60U);
    EXPECT_GT(call.turn.counts.channel_data, 0U);
    call.meeting.run_for(30min);
    EXPECT_TRUE(call.meeting.a.connected() && call.meeting.b.connected());
    ASSERT_EQ(call.send(1, 10, 10s), Stop::Done);
  }
}

TEST(SessionRelay, GrowsPacketsToWhatTheRelayedPathCarries) {
  RelayedCall call{1, with_turn(), with_turn(), {.mtu = 1'500, .header_bytes = 28}};
  ASSERT_EQ(call.open(), Stop::Done) << call.meeting.describe();
  ASSERT_EQ(call.send(400, 16'000, 120s), Stop::Done) << call.meeting.describe();
  const StatsReport report = call.meeting.a.session->get_stats(call.meeting.now());
  const auto& sctp = std::get<SctpTransportStats>(report.at("SCTP"));
  EXPECT_GT(sctp.mtu, 1'250U);
  EXPECT_LE(sctp.mtu, 1'500U - 28U - 4U) << "ChannelData's header takes its share";
}

TEST(SessionRelay, StatisticsTellOfTheRelay) {
  RelayedCall call{1, with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  ASSERT_EQ(call.open(), Stop::Done);
  ASSERT_EQ(call.send(10, 1'000, 10s), Stop::Done);
  const StatsReport report = call.meeting.a.session->get_stats(call.meeting.now());
  unsigned relays = 0;
  for (const auto& [id, stats] : report) {
    const auto* candidate = std::get_if<IceCandidateStats>(&stats);
    if (candidate == nullptr || candidate->remote) continue;
    ++relays;
    EXPECT_EQ(candidate->candidate_type, IceCandidateType::Relay);
    EXPECT_EQ(candidate->relay_protocol, "udp");
    EXPECT_EQ(candidate->url, "turn:198.51.100.1");
    EXPECT_EQ(candidate->address, "198.51.100.1");
    EXPECT_EQ(candidate->protocol, "udp");
    EXPECT_GT(candidate->port, 0U);
    EXPECT_GT(candidate->priority, 0U);
    EXPECT_FALSE(candidate->foundation.empty());
    EXPECT_FALSE(candidate->username_fragment.empty());
    EXPECT_FALSE(candidate->tcp_type);
    // Not even where we are related to is told.
    EXPECT_EQ(candidate->related_address, "0.0.0.0");
    EXPECT_EQ(candidate->related_port, 0U);
  }
  EXPECT_EQ(relays, 1U);
  const auto& transport = std::get<TransportStats>(report.at("T0"));
  ASSERT_TRUE(transport.selected_candidate_pair_id);
  const auto& pair = std::get<CandidatePairStats>(report.at(*transport.selected_candidate_pair_id));
  EXPECT_EQ(pair.state, CandidatePairState::Succeeded);
  EXPECT_GT(pair.bytes_sent, 10'000U);
  EXPECT_GE(pair.packets_received, 4U);
  EXPECT_TRUE(pair.current_round_trip_time);
  EXPECT_EQ(pair.bytes_sent, transport.bytes_sent);
  EXPECT_EQ(transport.selected_candidate_pair_changes, 1U);
  EXPECT_GT(pair.last_packet_sent_timestamp, 0);
  EXPECT_GT(pair.last_packet_received_timestamp, pair.last_packet_sent_timestamp.value() - 1'000);
  EXPECT_GT(pair.total_round_trip_time, 0);
  EXPECT_GE(pair.responses_received, 1U);
  EXPECT_GE(pair.requests_sent, 1U);
  const auto consents = pair.consent_requests_sent;
  call.meeting.run_for(30s);
  const StatsReport later = call.meeting.a.session->get_stats(call.meeting.now());
  const auto& now = std::get<CandidatePairStats>(later.at(pair.id));
  EXPECT_GE(now.consent_requests_sent, consents + 4);
  EXPECT_GT(now.responses_received, pair.responses_received);
  EXPECT_GT(now.total_round_trip_time, pair.total_round_trip_time);
}

TEST(SessionRelay, StatisticsTellWhereAServerSeesUsToo) {
  RelayedCall call{1, with_turn(), with_turn()};
  ASSERT_EQ(call.open(), Stop::Done);
  const StatsReport report = call.meeting.a.session->get_stats(call.meeting.now());
  unsigned seen = 0;
  for (const auto& [id, stats] : report) {
    const auto* candidate = std::get_if<IceCandidateStats>(&stats);
    if (candidate == nullptr || candidate->remote || candidate->candidate_type == IceCandidateType::Host) continue;
    // A peer-reflexive one is what the peer saw; no server told.
    const bool of_server = candidate->candidate_type != IceCandidateType::Prflx;
    EXPECT_EQ(candidate->url.has_value(), of_server);
    EXPECT_EQ(candidate->relay_protocol.has_value(), candidate->candidate_type == IceCandidateType::Relay);
    EXPECT_TRUE(candidate->related_address && candidate->related_port);
    if (candidate->candidate_type != IceCandidateType::Srflx) continue;
    ++seen;
    EXPECT_EQ(candidate->address, "203.0.113.1");
    EXPECT_EQ(candidate->related_address, "10.0.0.1");
  }
  EXPECT_EQ(seen, 1U);
}

TEST(SessionRelay, ClosingDeliversAndThenGivesTheAllocationsBack) {
  RelayedCall call{1, with_turn(), with_turn()};
  ASSERT_EQ(call.open(), Stop::Done);
  ASSERT_EQ(call.send(50, 10'000, 30s), Stop::Done);
  call.meeting.a.session->close(call.meeting.now());
  call.meeting.b.session->close(call.meeting.now());
  ASSERT_EQ(call.meeting.run_until([&] { return call.meeting.a.terminated && call.meeting.b.terminated; }, 60s),
            Stop::Done);
  call.meeting.run_for(1s);
  EXPECT_EQ(call.turn.counts.given_back, 2U);
  EXPECT_EQ(call.turn.allocations(call.meeting.now()), 0U);
}

TEST(SessionRelay, AServerThatDiesEndsTheConnectionClearly) {
  RelayedCall call{1, with_turn(), with_turn()};
  ASSERT_EQ(call.open(), Stop::Done);
  call.turn.script.dead = true;
  ASSERT_EQ(call.meeting.run_until([&] { return !call.meeting.a.failure.empty(); }, 120s), Stop::Done);
  EXPECT_EQ(call.meeting.a.session->connection_state(), PeerConnectionState::Failed);
  call.turn.script.dead = false;
  call.meeting.a.session->restart_ice(call.meeting.now());
  ASSERT_EQ(call.meeting.run_until([&] { return call.meeting.a.connected() && call.meeting.b.connected(); }, 120s),
            Stop::Done)
      << call.meeting.describe();
  ASSERT_EQ(call.send(5, 1'000, 60s), Stop::Done) << "data goes on where it stopped";
}

TEST(SessionRelay, ADirectPathIsTakenWhereThereIsOne) {
  SeededGenerator luck{1};
  Network network{luck};
  TurnServer turn{network.add_host("turn", turn_at.address, nullptr, {.latency = 1ms}), turn_at};
  Meeting meeting{network,
                  network.add_host("A", IpAddress::v4({203, 0, 113, 1}), nullptr, {.latency = 40ms}),
                  network.add_host("B", IpAddress::v4({203, 0, 113, 2}), nullptr, {.latency = 40ms}),
                  1,
                  with_turn(),
                  with_turn()};
  (void)meeting.a.session->create_data_channel(meeting.now(), "x");
  ASSERT_EQ(meeting.run_until([&] { return meeting.a.connected() && meeting.b.connected(); }, 30s), Stop::Done);
  meeting.run_for(5s);
  EXPECT_EQ(meeting.a.session->selected_path()->local.address, IpAddress::v4({203, 0, 113, 1}));
}

}  // namespace
}  // namespace linnet::sim
