#include "transport/transport.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "sim/network.hpp"
#include "sim/world.hpp"
#include "transport/demux.hpp"

namespace linnet::transport {
namespace {

using namespace std::chrono_literals;
using ::testing::SizeIs;

static_assert(PathMachine<Transport>);

std::vector<std::byte> first_byte(int value) { return {static_cast<std::byte>(value), std::byte{0}}; }

TEST(Demux, TellsProtocolsByTheFirstByteAsRfc7983) {
  EXPECT_EQ(kind_of({}), PacketKind::Unknown);
  EXPECT_EQ(kind_of(first_byte(0)), PacketKind::Stun);
  EXPECT_EQ(kind_of(first_byte(3)), PacketKind::Stun);
  EXPECT_EQ(kind_of(first_byte(4)), PacketKind::Unknown);
  EXPECT_EQ(kind_of(first_byte(16)), PacketKind::Zrtp);
  EXPECT_EQ(kind_of(first_byte(20)), PacketKind::Dtls);
  EXPECT_EQ(kind_of(first_byte(63)), PacketKind::Dtls);
  EXPECT_EQ(kind_of(first_byte(64)), PacketKind::TurnChannel);
  EXPECT_EQ(kind_of(first_byte(127)), PacketKind::Quic);
  EXPECT_EQ(kind_of(first_byte(128)), PacketKind::Rtp);
  EXPECT_EQ(kind_of(first_byte(191)), PacketKind::Rtp);
  EXPECT_EQ(kind_of(first_byte(192)), PacketKind::Quic);
}

struct End {
  End(sim::Host& on, std::uint64_t seed, Options options = {}) : host(on), generator(seed) {
    options.dtls.context = crypto::LibraryContext::seeded(generator);
    options.dtls.certificate = crypto::Certificate::generate(options.dtls.context, generator,
                                                             std::chrono::sys_days{std::chrono::year{2026} / 1 / 1})
                                   .value();
    certificate = options.dtls.certificate;
    transport.emplace(options, generator);
  }
  sim::Host& host;
  SeededGenerator generator;
  crypto::Certificate certificate;
  std::optional<Transport> transport;
  bool dtls_connected = false;
  bool sctp_connected = false;
  bool finished = false;
  std::optional<TimePoint> connected_at;
};

class TransportTest : public ::testing::Test {
 protected:
  void build(Options a = {}, Options b = {}) {
    a_.emplace(network_.add_host("a", *IpAddress::parse("192.0.2.1")), 11, a);
    b_.emplace(network_.add_host("b", *IpAddress::parse("192.0.2.2")), 12, b);
    world_.add(*a_->transport, a_->host).on_event = [this](Transport::Event& e) { on_event(*a_, *b_, e); };
    world_.add(*b_->transport, b_->host).on_event = [this](Transport::Event& e) { on_event(*b_, *a_, e); };
    world_.on_sent = [this](auto&, const DatagramBatch& batch) {
      for (const auto& run : batch.runs()) largest_ = std::max(largest_, run.segment_size);
    };
  }
  void ice(End& self, End& other, IceRole role) {
    ice::Agent& agent = self.transport->ice();
    agent.set_role(world_.now(), role);
    agent.gather(world_.now());
    (void)agent.set_remote(world_.now(), {.credentials = other.transport->ice().local_credentials()});
    self.transport->update(world_.now());
  }
  void start(End& self, End& other, dtls::Role role) {
    self.transport->start(world_.now(), {.role = role, .fingerprints = {other.certificate.fingerprint()}});
  }
  bool connect() {
    ice(*a_, *b_, IceRole::Controlling);
    ice(*b_, *a_, IceRole::Controlled);
    start(*a_, *b_, dtls::Role::Client);
    start(*b_, *a_, dtls::Role::Server);
    return wait_connected();
  }
  bool wait_connected() {
    return world_.run_until([&] { return a_->sctp_connected && b_->sctp_connected; }, 20s) == sim::Stop::Done;
  }
  void on_event(End& self, End& other, Transport::Event& event) {
    if (std::holds_alternative<Transport::Finished>(event)) self.finished = true;
    if (auto* d = std::get_if<dtls::Connection::Event>(&event)) {
      self.dtls_connected = self.dtls_connected || std::holds_alternative<dtls::Connection::Connected>(*d);
    }
    if (auto* s = std::get_if<sctp::Event>(&event)) {
      self.sctp_connected = self.sctp_connected || std::holds_alternative<sctp::Connected>(*s);
    }
    auto* i = std::get_if<ice::Event>(&event);
    if (!i) return;
    if (std::holds_alternative<ice::NeedSockets>(*i)) {
      const auto local = self.host.bind({self.host.addresses().front(), 0});
      self.transport->ice().add_socket(world_.now(), {.local = *local});
      self.transport->ice().sockets_done(world_.now());
    } else if (auto* c = std::get_if<ice::LocalCandidate>(i)) {
      (void)other.transport->ice().add_remote_candidate(world_.now(), c->candidate);
    }
    self.transport->update(world_.now());
    other.transport->update(world_.now());
  }
  Path path_to_a() const {
    return {.local = a_->transport->ice().selected()->local, .remote = a_->transport->ice().selected()->remote};
  }

  SeededGenerator random_{1};
  sim::Network network_{random_};
  sim::World<Transport> world_{network_};
  std::optional<End> a_;
  std::optional<End> b_;
  std::size_t largest_ = 0;
};

TEST_F(TransportTest, BringsUpEachLayerOnTheOneBelow) {
  build();
  EXPECT_TRUE(connect());
  EXPECT_TRUE(a_->dtls_connected);
  EXPECT_EQ(a_->transport->dtls().role(), dtls::Role::Client);
}

TEST_F(TransportTest, KeepsAFlightThatComesBeforeTheRoleIsKnown) {
  build();
  ice(*a_, *b_, IceRole::Controlling);
  ice(*b_, *a_, IceRole::Controlled);
  start(*a_, *b_, dtls::Role::Client);
  world_.run_for(90ms);  // ICE is up and a's ClientHello is here, before a would send it again.
  EXPECT_GT(b_->transport->statistics().packets_received, 0U);
  const TimePoint begin = world_.now();
  start(*b_, *a_, dtls::Role::Server);
  ASSERT_TRUE(wait_connected());
  // One more round trip of DTLS and two of SCTP, 40 ms each; a lost flight would have cost a timer on top.
  EXPECT_LE(world_.now() - begin, 125ms);
}

TEST_F(TransportTest, NeverSendsADatagramLargerThanTheMtu) {
  Options small;
  small.mtu = 700;
  small.max_mtu = 700;
  build(small, small);
  ASSERT_TRUE(connect());
  ASSERT_TRUE(
      a_->transport->sctp()->send(world_.now(), sctp::StreamId{0}, sctp::Ppid{53}, std::vector<std::byte>(100'000)));
  world_.run_for(2s);
  EXPECT_GT(largest_, 650U);
  EXPECT_LE(largest_, 700U);
}

TEST_F(TransportTest, SaysMoreWhenTheBatchIsFullAndGoesOnWhereItStopped) {
  build();
  ASSERT_TRUE(connect());
  ASSERT_TRUE(
      a_->transport->sctp()->send(world_.now(), sctp::StreamId{0}, sctp::Ppid{53}, std::vector<std::byte>(10'000)));
  DatagramBatch batch{3'000};
  EXPECT_EQ(a_->transport->poll_transmit(world_.now(), batch), Progress::More);
  EXPECT_FALSE(batch.empty());
  a_->host.send(batch);
  world_.run_for(2s);
  const auto message = b_->transport->sctp()->receive(sctp::StreamId{0});
  ASSERT_TRUE(message);
  EXPECT_EQ(message->payload.size(), 10'000U);
}

TEST_F(TransportTest, CountsAndDropsMediaAndWhatNobodyKnows) {
  build();
  ASSERT_TRUE(connect());
  for (const int first : {128, 150, 200, 5, 70}) {
    auto bytes = first_byte(first);
    a_->transport->handle_datagram({.at = world_.now(), .path = path_to_a(), .bytes = bytes});
  }
  EXPECT_EQ(a_->transport->statistics().media_dropped, 2U);
  EXPECT_EQ(a_->transport->statistics().unknown_dropped, 3U);
}

TEST_F(TransportTest, DropsDtlsFromAPathThatIceKnowsNothingOf) {
  build();
  ice(*a_, *b_, IceRole::Controlling);
  ice(*b_, *a_, IceRole::Controlled);
  world_.run_for(1s);
  auto bytes = first_byte(22);
  Path stranger = path_to_a();
  stranger.remote.port = 9;
  b_->transport->handle_datagram({.at = world_.now(), .path = stranger, .bytes = bytes});
  EXPECT_EQ(b_->transport->statistics().strangers, 1U);
  EXPECT_EQ(b_->transport->statistics().packets_received, 0U);
}

TEST_F(TransportTest, ClosesAfterEverythingWasDelivered) {
  build();
  ASSERT_TRUE(connect());
  ASSERT_TRUE(
      a_->transport->sctp()->send(world_.now(), sctp::StreamId{0}, sctp::Ppid{53}, std::vector<std::byte>(200'000)));
  a_->transport->close(world_.now());
  EXPECT_EQ(world_.run_until([&] { return a_->finished; }, 9s), sim::Stop::Done);
  world_.run_for(1s);
  EXPECT_EQ(b_->transport->sctp()->receive(sctp::StreamId{0})->payload.size(), 200'000U);
  EXPECT_EQ(b_->transport->dtls().state(), DtlsTransportState::Closed);
  EXPECT_EQ(a_->transport->next_timeout(), never);
}

TEST_F(TransportTest, GivesUpClosingTowardsAPeerThatTakesNothing) {
  build();
  ASSERT_TRUE(connect());
  b_->host.remove_address(*IpAddress::parse("192.0.2.2"));
  ASSERT_TRUE(
      a_->transport->sctp()->send(world_.now(), sctp::StreamId{0}, sctp::Ppid{53}, std::vector<std::byte>(200'000)));
  a_->transport->close(world_.now());
  EXPECT_EQ(world_.run_until([&] { return a_->finished; }, 21s), sim::Stop::Done);
}

TEST_F(TransportTest, IsFinishedAtOnceWhenItNeverConnected) {
  build();
  a_->transport->close(world_.now());
  world_.pump();
  EXPECT_TRUE(a_->finished);
  EXPECT_EQ(a_->transport->next_timeout(), never);
}

}  // namespace
}  // namespace linnet::transport
