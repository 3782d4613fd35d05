#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/base64.hpp"
#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;

template <class S>
std::vector<S> all_of(const StatsReport& report) {
  std::vector<S> out;
  for (const auto& stats : report | std::views::values) {
    if (const S* s = std::get_if<S>(&stats)) out.push_back(*s);
  }
  return out;
}

template <class S>
S with_id(const StatsReport& report, const std::string& id) {
  return std::get<S>(report.at(id));
}

CandidatePairStats selected(const StatsReport& report) {
  return with_id<CandidatePairStats>(report, with_id<TransportStats>(report, "T0").selected_candidate_pair_id.value());
}

DataChannelStats channel(const StatsReport& report, std::string_view label) {
  for (const auto& c : all_of<DataChannelStats>(report)) {
    if (c.label == label) return c;
  }
  throw std::runtime_error{"no such channel"};
}

TEST(SessionStats, CountTheMessagesAndBytesOfAChannelEachWay) {
  Rig rig;
  const ChannelId id = rig.connect({.protocol = "p"});
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "12345"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "67"));
  ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), std::span<const std::byte>{pattern(100)}));
  ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), ""));
  ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), "x"));
  rig.run_for(1s);
  const auto a = channel(rig.a.session->get_stats(rig.now()), "chat");
  EXPECT_EQ(std::tuple(a.messages_sent, a.bytes_sent, a.messages_received, a.bytes_received), std::tuple(2, 7, 3, 101));
  EXPECT_EQ(a.protocol, "p");
  EXPECT_EQ(a.data_channel_identifier, rig.a.session->id(id));
  EXPECT_EQ(a.state, DataChannelState::Open);
  const auto b = channel(rig.b.session->get_stats(rig.now()), "chat");
  EXPECT_EQ(std::tuple(b.messages_sent, b.bytes_sent, b.messages_received, b.bytes_received), std::tuple(3, 101, 2, 7));
  EXPECT_EQ(b.data_channel_identifier, rig.a.session->id(id));
}

TEST(SessionStats, CountTheChannelsThatOpenedAndThoseOfThemThatClosed) {
  Rig rig;
  const ChannelId early = rig.a.session->create_data_channel(rig.now(), "closed before it opened").value();
  rig.a.session->close_channel(rig.now(), early);
  const ChannelId id = rig.connect();
  (void)rig.a.session->create_data_channel(rig.now(), "second").value();
  (void)rig.b.session->create_data_channel(rig.now(), "third").value();
  rig.run_for(1s);
  rig.a.session->close_channel(rig.now(), id);
  rig.run_for(1s);
  for (const Peer* peer : {&rig.a, &rig.b}) {
    const auto stats = with_id<PeerConnectionStats>(peer->session->get_stats(rig.now()), "P");
    EXPECT_EQ(stats.data_channels_opened, 3U) << peer->name;
    EXPECT_EQ(stats.data_channels_closed, 1U) << peer->name;
  }
}

TEST(SessionStats, NameNothingThatTheyDoNotHaveAlsoDuringAnIceRestart) {
  Rig rig;
  rig.connect();
  const auto expect_whole = [&](const char* when) {
    for (const Peer* peer : {&rig.a, &rig.b}) {
      const StatsReport report = peer->session->get_stats(rig.now());
      const auto pair = with_id<TransportStats>(report, "T0").selected_candidate_pair_id;
      ASSERT_TRUE(pair) << peer->name << ' ' << when;
      EXPECT_TRUE(report.contains(*pair)) << peer->name << ' ' << when;
      for (const auto& each : all_of<CandidatePairStats>(report)) {
        ASSERT_TRUE(report.contains(each.local_candidate_id)) << peer->name << ' ' << when;
        ASSERT_TRUE(report.contains(each.remote_candidate_id)) << peer->name << ' ' << when;
        EXPECT_FALSE(with_id<IceCandidateStats>(report, each.local_candidate_id).username_fragment.empty()) << when;
        EXPECT_FALSE(with_id<IceCandidateStats>(report, each.remote_candidate_id).username_fragment.empty()) << when;
      }
    }
  };
  expect_whole("before");
  const auto ufrag = [&] { return with_id<TransportStats>(rig.a.session->get_stats(rig.now()), "T0"); };
  const auto before = ufrag().ice_local_username_fragment;
  rig.a.session->restart_ice(rig.now());
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  EXPECT_NE(ufrag().ice_local_username_fragment, before);
  expect_whole("offered");
  {
    const StatsReport report = rig.a.session->get_stats(rig.now());
    const auto old = with_id<IceCandidateStats>(report, selected(report).local_candidate_id);
    EXPECT_EQ(old.username_fragment, before);
  }
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), *rig.a.session->local_description()));
  expect_whole("heard");
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.a.session->set_remote_description(rig.now(), *rig.b.session->local_description()));
  expect_whole("answered");
  rig.run_for(5s);
  expect_whole("over");
}

TEST(SessionStats, ShowBothCertificatesAsTheDescriptionsHaveThem) {
  Rig rig;
  rig.connect();
  const StatsReport a = rig.a.session->get_stats(rig.now());
  const StatsReport b = rig.b.session->get_stats(rig.now());
  const auto transport_a = with_id<TransportStats>(a, "T0");
  const auto transport_b = with_id<TransportStats>(b, "T0");
  const auto local = with_id<CertificateStats>(a, transport_a.local_certificate_id.value());
  const auto remote = with_id<CertificateStats>(a, transport_a.remote_certificate_id.value());
  EXPECT_TRUE(rig.a.session->local_description()->sdp.contains("a=fingerprint:sha-256 " + local.fingerprint + "\r\n"));
  EXPECT_TRUE(rig.b.session->local_description()->sdp.contains("a=fingerprint:sha-256 " + remote.fingerprint + "\r\n"));
  EXPECT_EQ(local.fingerprint_algorithm, "sha-256");
  EXPECT_EQ(remote.fingerprint_algorithm, "sha-256");
  ASSERT_THAT(rig.a.session->remote_certificates(), SizeIs(1));
  EXPECT_EQ(remote.base64_certificate, base64(rig.a.session->remote_certificates().front()));
  EXPECT_EQ(local.base64_certificate, base64(rig.b.session->remote_certificates().at(0)));
  EXPECT_EQ(with_id<CertificateStats>(b, transport_b.local_certificate_id.value()).base64_certificate,
            remote.base64_certificate);
}

TEST(SessionStats, DescribeTheCandidatesAsTheyWereTold) {
  Rig rig;
  rig.connect();
  const StatsReport report = rig.a.session->get_stats(rig.now());
  const auto path = rig.a.session->selected_path().value();
  const auto pair = selected(report);
  const auto expect_as_told = [](const IceCandidateStats& stats, const IceCandidate& told, const Endpoint& at) {
    EXPECT_EQ(stats.address, to_string(at.address));
    EXPECT_EQ(stats.port, at.port);
    EXPECT_EQ(stats.address, told.address);
    EXPECT_EQ(stats.port, told.port);
    EXPECT_EQ(stats.protocol, "udp");
    EXPECT_EQ(stats.candidate_type, IceCandidateType::Host);
    EXPECT_EQ(stats.priority, told.priority);
    EXPECT_GT(stats.priority, 0U);
    EXPECT_EQ(stats.foundation, told.foundation);
    EXPECT_EQ(stats.username_fragment, told.username_fragment);
    EXPECT_EQ(stats.transport_id, "T0");
  };
  const auto local = with_id<IceCandidateStats>(report, pair.local_candidate_id);
  const auto remote = with_id<IceCandidateStats>(report, pair.remote_candidate_id);
  EXPECT_FALSE(local.remote);
  EXPECT_TRUE(remote.remote);
  expect_as_told(local, *rig.a.all<Session::IceCandidateFound>().front().candidate, path.local);
  expect_as_told(remote, *rig.b.all<Session::IceCandidateFound>().front().candidate, path.remote);
}

/// What goes over the wire as STUN Binding requests and responses (RFC 8489 section 5) and as anything else.
struct Wire {
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  TimePoint last{};  ///< Of the packets.

  void count(TimePoint now, std::span<const std::byte> datagram) {
    const bool stun = datagram[0] < std::byte{4};
    requests += stun && datagram[0] == std::byte{0} && datagram[1] == std::byte{1} ? 1U : 0U;
    responses += stun && datagram[0] == std::byte{1} && datagram[1] == std::byte{1} ? 1U : 0U;
    packets += stun ? 0 : 1;
    bytes += stun ? 0 : datagram.size();
    if (!stun) last = now;
  }
};

TEST(SessionStats, CountWhatWentOverAPairAndHowLongItTook) {
  // Consent is asked for three times as often by A, so that no two of its counters are the same.
  Rig rig{1, {.latency = 15ms}, {.ice_consent_interval = 2s}, {.ice_consent_interval = 6s}};
  Wire a, b;
  rig.world.on_sent = [&](auto& node, const DatagramBatch& batch) {
    Wire& from = &node.machine == rig.a.session.get() ? a : b;
    for (const auto& run : batch.runs()) {
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size)
        from.count(rig.now(), run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at)));
    }
  };
  const ChannelId id = rig.connect();
  for (int i = 0; i < 5; ++i) (void)rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(10'000)});
  rig.run_for(20s);
  const StatsReport report = rig.a.session->get_stats(rig.now());
  ASSERT_THAT(all_of<CandidatePairStats>(report), SizeIs(1));
  const auto pair = selected(report);
  EXPECT_EQ(pair.state, CandidatePairState::Succeeded);
  EXPECT_TRUE(pair.nominated);
  EXPECT_EQ(pair.transport_id, "T0");
  EXPECT_EQ(pair.packets_sent, a.packets);
  EXPECT_EQ(pair.packets_received, b.packets);
  EXPECT_EQ(pair.bytes_sent, a.bytes);
  EXPECT_EQ(pair.bytes_received, b.bytes);
  const auto at = [](TimePoint time) {
    return std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
  };
  EXPECT_NEAR(pair.last_packet_sent_timestamp.value(), at(a.last), 0.001);
  EXPECT_NEAR(pair.last_packet_received_timestamp.value(), at(b.last + 15ms + sim::LinkOptions{}.latency), 0.1);
  EXPECT_LT(pair.last_packet_sent_timestamp, pair.timestamp - 5'000) << "consent checks do not count";
  EXPECT_GT(a.bytes, b.bytes + 40'000);
  EXPECT_NE(a.packets, b.packets);
  EXPECT_EQ(pair.requests_sent + pair.consent_requests_sent, a.requests);
  EXPECT_EQ(pair.requests_received, b.requests);
  EXPECT_EQ(pair.responses_sent, a.responses);
  EXPECT_EQ(pair.responses_received, b.responses);
  EXPECT_GT(pair.requests_sent, 0U);
  EXPECT_GT(pair.consent_requests_sent, 0U);
  EXPECT_NE(a.requests, b.requests);
  const double rtt = pair.current_round_trip_time.value();
  EXPECT_NEAR(rtt, std::chrono::duration<double>(15ms + sim::LinkOptions{}.latency).count() * 2, 0.001);
  EXPECT_NEAR(pair.total_round_trip_time, rtt * static_cast<double>(pair.responses_received), 0.005);

  const auto transport = with_id<TransportStats>(report, "T0");
  EXPECT_EQ(transport.packets_sent, a.packets);
  EXPECT_EQ(transport.packets_received, b.packets);
  EXPECT_EQ(transport.bytes_sent, a.bytes);
  EXPECT_EQ(transport.bytes_received, b.bytes);
  EXPECT_EQ(transport.ice_role, IceRole::Controlling);
  EXPECT_EQ(with_id<TransportStats>(rig.b.session->get_stats(rig.now()), "T0").ice_role, IceRole::Controlled);
  EXPECT_EQ(transport.dtls_role, "server");
}

TEST(Session, KeepsTheBufferedAmountOfAChannelThatClosedWithMessagesUnsent) {
  Rig rig;
  const ChannelId id = rig.connect();
  const ChannelId sent = rig.a.session->create_data_channel(rig.now(), "all sent").value();
  rig.run_for(1s);
  ASSERT_TRUE(rig.a.session->send(rig.now(), sent, "short"));
  rig.run_for(1s);
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  rig.run_for(100ms);
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(200'000)}));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "the last"));
  rig.run_for(100ms);
  const std::size_t before = rig.a.session->buffered_amount(id);
  ASSERT_GT(before, 100'000U);
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  EXPECT_EQ(rig.a.session->buffered_amount(id), before);
  EXPECT_EQ(rig.a.session->buffered_amount(sent), 0U);
  rig.run_for(60s);
  EXPECT_EQ(rig.a.session->buffered_amount(id), before);
}

TEST(Session, KeepsTheBufferedAmountWhenTheAssociationFails) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{pattern(200'000)}));
  ASSERT_EQ(rig.run_until([&] { return rig.a.count<Session::ChannelClosed>() == 1; }, 300s), sim::Stop::Done);
  EXPECT_GT(rig.a.session->buffered_amount(id), 100'000U);
}

}  // namespace
}  // namespace linnet::session::testing
