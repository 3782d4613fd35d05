#include <gmock/gmock.h>

#include <algorithm>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(Session, ConnectsAndOpensAChannelOnBothSides) {
  Rig rig;
  const ChannelId id = rig.connect();
  EXPECT_TRUE(rig.a.open(id));
  ASSERT_THAT(rig.b.announced, SizeIs(1));
  EXPECT_TRUE(rig.b.open(rig.remote()));
  EXPECT_EQ(rig.b.session->label(rig.remote()), "chat");
  EXPECT_TRUE(rig.a.connected());
  EXPECT_TRUE(rig.b.connected());
  EXPECT_EQ(rig.a.session->id(id), rig.b.session->id(rig.remote()));
  EXPECT_EQ(rig.a.session->sctp_transport_state(), SctpTransportState::Connected);
  EXPECT_EQ(rig.a.session->dtls_transport_state(), DtlsTransportState::Connected);
}

TEST(Session, ConnectsWithinSixRoundTripsOnAnIdealLink) {
  for (const Duration latency : {10ms, 100ms}) {
    Rig rig{7, {.latency = latency}};
    const ChannelId id = rig.a.session->create_data_channel(rig.now(), "fast").value();
    const TimePoint begin = rig.now();
    rig.negotiate(rig.a, rig.b);
    ASSERT_EQ(rig.run_until([&] { return rig.a.open(id) && !rig.b.announced.empty(); }, 10s), sim::Stop::Done);
    const Duration rtt = 2 * (latency + sim::LinkOptions{}.latency);
    EXPECT_LE(rig.now() - begin, 6 * rtt + 5ms) << (rig.now() - begin) / 1ms;
  }
}

TEST(Session, TellsEveryStateChangeOnceAndInOrder) {
  Rig rig;
  rig.connect();
  std::vector<PeerConnectionState> states;
  for (const auto& e : rig.a.all<Session::ConnectionStateChange>()) states.push_back(e.state);
  EXPECT_THAT(states, ElementsAre(PeerConnectionState::Connecting, PeerConnectionState::Connected));
  std::vector<SignalingState> signaling;
  for (const auto& e : rig.a.all<Session::SignalingStateChange>()) signaling.push_back(e.state);
  EXPECT_THAT(signaling, ElementsAre(SignalingState::HaveLocalOffer, SignalingState::Stable));
  std::vector<DtlsTransportState> dtls;
  for (const auto& e : rig.a.all<Session::DtlsStateChange>()) dtls.push_back(e.state);
  EXPECT_THAT(dtls, ElementsAre(DtlsTransportState::Connecting, DtlsTransportState::Connected));
}

TEST(Session, TellsCandidatesThenAnEmptyOneThenNone) {
  Rig rig;
  rig.connect();
  rig.run_for(1s);
  const auto found = rig.a.all<Session::IceCandidateFound>();
  ASSERT_GE(found.size(), 3U);
  EXPECT_TRUE(found.front().candidate->candidate.starts_with("candidate:"));
  EXPECT_EQ(found.front().candidate->address, "192.0.2.1");
  EXPECT_EQ(found[found.size() - 2].candidate->candidate, "");
  EXPECT_FALSE(found.back().candidate);
  EXPECT_EQ(rig.a.session->ice_gathering_state(), IceGatheringState::Complete);
}

TEST(Session, FailsInBoundedTimeWhenThePeerVanishes) {
  Rig rig;
  rig.connect();
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  EXPECT_EQ(rig.run_until([&] { return rig.a.session->connection_state() == PeerConnectionState::Disconnected; }, 20s),
            sim::Stop::Done);
  EXPECT_EQ(rig.run_until([&] { return rig.a.session->connection_state() == PeerConnectionState::Failed; }, 60s),
            sim::Stop::Done);
}

TEST(Session, FailsAndDeliversNothingWhenTheFingerprintIsWrong) {
  Rig rig;
  const ChannelId id = rig.a.session->create_data_channel(rig.now(), "x").value();
  (void)rig.a.session->set_local_description(rig.now());
  SessionDescription offer = *rig.a.session->local_description();
  const std::size_t at = offer.sdp.find("a=fingerprint:sha-256 ") + 22;
  offer.sdp[at] = offer.sdp[at] == 'A' ? 'B' : 'A';
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), offer));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  EXPECT_EQ(rig.run_until([&] { return rig.b.session->connection_state() == PeerConnectionState::Failed; }, 20s),
            sim::Stop::Done);
  const auto changes = rig.b.all<Session::DtlsStateChange>();
  ASSERT_EQ(changes.back().state, DtlsTransportState::Failed);
  EXPECT_EQ(changes.back().error->detail, ErrorDetail::FingerprintFailure);
  rig.run_for(5s);
  EXPECT_FALSE(rig.a.open(id));
  EXPECT_TRUE(rig.b.announced.empty());
}

TEST(Session, SendsTheSameBytesForTheSameSeed) {
  const auto run = [] {
    Rig rig{42};
    std::vector<std::byte> bytes;
    rig.world.on_sent = [&](auto&, const DatagramBatch& batch) {
      for (const auto& r : batch.runs()) bytes.insert(bytes.end(), r.bytes.begin(), r.bytes.end());
    };
    const ChannelId id = rig.connect();
    (void)rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(10'000)});
    rig.run_for(2s);
    rig.a.session->close(rig.now());
    rig.run_for(5s);
    return bytes;
  };
  const auto first = run();
  EXPECT_GT(first.size(), 10'000U);
  EXPECT_TRUE(first == run());
}

TEST(Session, ShowsWhatHappenedInItsStatistics) {
  Rig rig;
  const ChannelId id = rig.connect();
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "12345"));
  rig.run_for(1s);
  const StatsReport report = rig.a.session->get_stats(rig.now());
  std::set<std::string_view> types;
  for (const auto& [key, stats] : report) types.insert(type_of(stats));
  EXPECT_THAT(types, ::testing::IsSupersetOf({"peer-connection", "transport", "candidate-pair", "local-candidate",
                                              "remote-candidate", "certificate", "data-channel"}));
  const auto& transport = std::get<TransportStats>(report.at("T0"));
  EXPECT_GT(transport.bytes_sent, 0U);
  EXPECT_EQ(transport.tls_version, "FEFD");
  EXPECT_EQ(transport.dtls_state, DtlsTransportState::Connected);
  ASSERT_TRUE(transport.selected_candidate_pair_id);
  const auto& pair = std::get<CandidatePairStats>(report.at(*transport.selected_candidate_pair_id));
  EXPECT_TRUE(report.contains(pair.local_candidate_id));
  EXPECT_TRUE(report.contains(pair.remote_candidate_id));
  EXPECT_TRUE(report.contains(*transport.remote_certificate_id));
  const auto channel = std::ranges::find_if(report, [](const auto& e) { return type_of(e.second) == "data-channel"; });
  EXPECT_EQ(std::get<DataChannelStats>(channel->second).bytes_sent, 5U);
  EXPECT_EQ(std::get<DataChannelStats>(channel->second).messages_sent, 1U);
}

TEST(Session, IgnoresGarbageOnEveryPort) {
  Rig rig;
  const ChannelId id = rig.connect();
  SeededGenerator noise{99};
  const Path path{.local = rig.a.session->selected_path()->local, .remote = rig.a.session->selected_path()->remote};
  for (int i = 0; i < 5'000; ++i) {
    std::vector<std::byte> bytes(noise.below(1'300));
    noise.fill(bytes);
    rig.a.session->handle_datagram({.at = rig.now(), .path = path, .bytes = bytes});
  }
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "still here"));
  rig.run_for(1s);
  EXPECT_EQ(rig.b.received[rig.remote()].at(0).text(), "still here");
}

}  // namespace
}  // namespace linnet::session::testing
