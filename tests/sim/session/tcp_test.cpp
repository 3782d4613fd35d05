#include <gtest/gtest.h>

#include <string>

#include "sim/seed_trace.hpp"
#include "sim/seeds.hpp"
#include "sim/session/meeting.hpp"

// Sessions that only streams connect (RFC 6544).
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

struct TcpCall {
  explicit TcpCall(std::uint64_t seed, StreamOptions options = {})
      : luck(seed),
        network(luck),
        streams(network, luck, options),
        host_a(network.add_host("A", IpAddress::v4({10, 0, 0, 1}))),
        host_b(network.add_host("B", IpAddress::v4({10, 0, 0, 2}))),
        m(network, host_a, host_b, seed, {.configuration = {}, .tuning = tuning()},
          {.configuration = {}, .tuning = tuning()}) {
    m.world.streams = &streams;
    (seed % 2 == 0 ? m.a : m.b).listens = true;
    if (seed % 3 == 0) m.a.listens = m.b.listens = true;
    m.on_event = [this](Meeting::Peer& peer, Session::Event& event) {
      const auto* const ready = std::get_if<Session::ChannelMessageReady>(&event);
      while (ready != nullptr) {
        const auto message = peer.session->receive(ready->channel);
        if (!message) break;
        ++received;
        bytes += message->data.size();
      }
    };
    const DataChannelInit init{.negotiated = true, .id = 1};
    channel = m.a.session->create_data_channel(m.now(), "x", init).value();
    (void)m.b.session->create_data_channel(m.now(), "x", init).value();
    m.b.polite = true;
    m.a.polite = false;
  }
  static Tuning tuning() {
    Tuning tuning;
    tuning.ice_udp = false;
    tuning.ice_tcp = IceTcp::ActivePassive;
    return tuning;
  }
  [[nodiscard]] Stop open(Duration limit = 20s) {
    return m.run_until([&] { return m.a.session->ready_state(channel) == DataChannelState::Open; }, limit);
  }

  SeededGenerator luck;
  Network network;
  Streams streams;
  Host& host_a;
  Host& host_b;
  Meeting m;
  ChannelId channel{};
  std::size_t received = 0;
  std::size_t bytes = 0;
};

TEST(SessionOverTcp, CarriesLargeMessagesHoweverTheStreamIsCut) {
  for (const std::uint64_t seed : seeds(12)) {
    const SeedTrace trace{seed};
    TcpCall call{seed, {.latency = 20ms, .bits_per_second = 20'000'000, .segment = seed % 2 == 0 ? 17U : 9'000U}};
    ASSERT_EQ(call.open(), Stop::Done) << call.m.describe();
    for (int i = 0; i < 8; ++i)
      ASSERT_TRUE(call.m.a.session->send(call.m.now(), call.channel, std::string(250'000, 'x')));
    ASSERT_EQ(call.m.run_until([&] { return call.received == 8; }, 30s), Stop::Done) << call.m.describe();
    EXPECT_EQ(call.bytes, 2'000'000U);
    EXPECT_EQ(call.m.a.session->selected_path()->protocol, Protocol::Tcp);
    call.m.a.session->close(call.m.now());
    ASSERT_EQ(call.m.run_until([&] { return call.m.a.terminated; }, 20s), Stop::Done);
    call.m.b.session->close(call.m.now());
    ASSERT_EQ(call.m.run_until([&] { return call.m.b.terminated; }, 20s), Stop::Done);
    EXPECT_TRUE(call.streams.paths(call.host_a).empty()) << "a session that is over leaves streams behind";
    EXPECT_TRUE(call.streams.paths(call.host_b).empty());
  }
}

TEST(SessionOverTcp, StatisticsTellOfTheStream) {
  TcpCall call{2};
  ASSERT_EQ(call.open(), Stop::Done) << call.m.describe();
  ASSERT_TRUE(call.m.a.session->send(call.m.now(), call.channel, std::string(10'000, 'x')));
  ASSERT_EQ(call.m.run_until([&] { return call.received == 1; }, 10s), Stop::Done);
  call.m.run_for(12s);
  for (auto* const peer : {&call.m.a, &call.m.b}) {
    const StatsReport report = peer->session->get_stats(call.m.now());
    const auto& transport = std::get<TransportStats>(report.at("T0"));
    EXPECT_EQ(transport.selected_candidate_pair_changes, 1U);
    EXPECT_FALSE(transport.ice_local_username_fragment.empty());
    const auto& pair = std::get<CandidatePairStats>(report.at(transport.selected_candidate_pair_id.value()));
    EXPECT_EQ(pair.packets_sent, transport.packets_sent);
    EXPECT_EQ(pair.packets_received, transport.packets_received);
    EXPECT_EQ(pair.bytes_received, transport.bytes_received);
    EXPECT_TRUE(pair.last_packet_sent_timestamp && pair.last_packet_received_timestamp);
    EXPECT_GE(pair.consent_requests_sent, 1U);
    EXPECT_TRUE(pair.current_round_trip_time);
    const auto& local = std::get<IceCandidateStats>(report.at(pair.local_candidate_id));
    const auto& remote = std::get<IceCandidateStats>(report.at(pair.remote_candidate_id));
    EXPECT_EQ(local.protocol, "tcp");
    EXPECT_EQ(remote.protocol, "tcp");
    ASSERT_TRUE(local.tcp_type && remote.tcp_type);
    EXPECT_NE(local.tcp_type, remote.tcp_type) << "one connects, the other one waits";
    EXPECT_FALSE(local.relay_protocol || local.url);
  }
}

TEST(SessionOverTcp, AStreamThatBreaksIsMadeAnewWithAndWithoutARestartAndLosesNothing) {
  for (const std::uint64_t seed : seeds(12)) {
    const SeedTrace trace{seed};
    TcpCall call{seed};
    ASSERT_EQ(call.open(), Stop::Done) << call.m.describe();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(call.m.a.session->send(call.m.now(), call.channel, std::string(10'000, 'x')));
    call.m.run_for(15ms);
    // Broken in the middle of a frame.
    const auto paths = call.streams.paths(call.host_a);
    for (const Path& path : paths) call.streams.reset(call.host_a, path);
    // It is made anew in the same generation, or by a restart that the application asks for.
    if (seed % 2 == 0) call.m.a.session->restart_ice(call.m.now());
    ASSERT_EQ(call.m.run_until([&] { return call.received == 100; }, 60s), Stop::Done)
        << call.received << ' ' << call.m.describe();
    EXPECT_EQ(call.bytes, 1'000'000U);
    EXPECT_TRUE(call.m.a.connected());
  }
}

}  // namespace
}  // namespace linnet::sim
