#include "dtls/connection.hpp"

#include <gtest/gtest.h>

#include "dtls/testing/couple.hpp"

// Two Connections against each other in virtual time.
namespace linnet::dtls::testing {
namespace {

TEST(Connection, ConnectsInTwoRoundTrips) {
  Couple pair;
  pair.connect();
  EXPECT_EQ(pair.now, TimePoint{} + 40ms);
  EXPECT_EQ(pair.client.connection.statistics().flights_resent, 0U);
  EXPECT_EQ(pair.client.connection.remote_certificate().size(), pair.server.certificate().der().size());
  EXPECT_EQ(pair.client.connection.role(), Role::Client);
  EXPECT_EQ(pair.client.connection.cipher(), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(pair.client.connection.srtp_profile(), "SRTP_AEAD_AES_128_GCM");
  EXPECT_EQ(pair.client.connection.next_timeout(), never);
  EXPECT_EQ(pair.server.connection.next_timeout(), never);
}

// What OpenSSL needs once for a library context is shared by all its handshakes; certificates and checks are not.
TEST(Connection, HandshakesSideBySideKnowTheirOwnCertificates) {
  Couple right{1};
  Couple wrong{3};
  right.trust();
  wrong.client.connection.set_remote_fingerprints({right.server.certificate().fingerprint()});
  wrong.server.connection.set_remote_fingerprints({wrong.client.certificate().fingerprint()});
  right.start();
  wrong.start();
  for (int step = 0; step < 10; ++step) {
    right.run(10ms);
    wrong.run(10ms);
  }
  EXPECT_TRUE(right.client.connection.connected() && right.server.connection.connected());
  EXPECT_FALSE(wrong.client.connection.connected());
  ASSERT_TRUE(wrong.client.error.has_value());
  EXPECT_EQ(wrong.client.error->detail, ErrorDetail::FingerprintFailure);
  EXPECT_TRUE(std::ranges::equal(right.client.connection.remote_certificate(), right.server.certificate().der()));
  EXPECT_TRUE(std::ranges::equal(wrong.client.connection.remote_certificate(), wrong.server.certificate().der()));
}

TEST(Connection, RepeatsTheFirstFlightSoonWhenTheServerWasNotReady) {
  Couple pair;
  pair.trust();
  pair.client.connection.start(pair.now, Role::Client);
  pair.path = [&](End&, Bytes&) { return pair.now > TimePoint{}; };
  pair.server.connection.start(pair.now, Role::Server);
  EXPECT_TRUE(pair.run());
  EXPECT_LT(pair.now, TimePoint{} + 200ms);
}

TEST(Connection, KeepsWhatCameBeforeTheStart) {
  Couple pair;
  pair.trust();
  pair.client.connection.start(pair.now, Role::Client);
  EXPECT_FALSE(pair.run(50ms));
  EXPECT_EQ(pair.server.connection.state(), DtlsTransportState::New);
  pair.server.connection.start(pair.now, Role::Server);
  EXPECT_TRUE(pair.run());
  EXPECT_EQ(pair.client.connection.statistics().flights_resent, 0U);
}

TEST(Connection, BoundsWhatCameBeforeTheStart) {
  End end{1};
  for (int i = 0; i < 100; ++i) end.handle(TimePoint{}, Bytes(1'000));
  EXPECT_EQ(end.connection.statistics().early_dropped, 68U);
  End big{1};
  for (int i = 0; i < 10; ++i) big.handle(TimePoint{}, Bytes(60'000));
  EXPECT_EQ(big.connection.statistics().early_dropped, 9U);
}

TEST(Connection, ConnectsWhicheverDatagramIsLost) {
  for (int lost = 0; lost < 8; ++lost) {
    Couple pair{static_cast<std::uint64_t>(lost) + 10};
    int index = 0;
    pair.path = [&](End&, Bytes&) { return index++ != lost; };
    pair.connect();
    EXPECT_LT(pair.now, TimePoint{} + 400ms) << "lost datagram " << lost;
  }
}

TEST(Connection, ConnectsOverHostilePaths) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Couple pair{seed, {.mtu = seed % 3 == 0 ? std::size_t{300} : std::size_t{1'200}}};
    SeededGenerator random{seed};
    pair.path = [&](End& to, Bytes& packet) {
      if (random.below(10) < 3) pair.send(to, packet, std::chrono::milliseconds{random.below(300)});  // late duplicate
      if (random.below(10) < 1) {
        Bytes bad = packet;
        bad.resize(random.below(bad.size()) + 1);
        pair.send(to, bad);  // truncated copy
        Bytes junk(random.below(100));
        random.fill(junk);
        pair.send(to, junk);
      }
      if (random.below(10) < 3) return false;
      pair.send(to, packet, std::chrono::milliseconds{random.below(100)});
      return false;
    };
    pair.trust();
    pair.start();
    EXPECT_TRUE(pair.run()) << "seed " << seed;
    EXPECT_FALSE(pair.client.error || pair.server.error) << "seed " << seed;
    EXPECT_EQ(pair.client.connected, 1);
    EXPECT_EQ(pair.server.connected, 1);
  }
}

TEST(Connection, GivesUpAfterTheTotalTimeout) {
  Couple pair;
  pair.trust();
  pair.client.connection.start(pair.now, Role::Client);
  std::size_t packets = 0;
  pair.path = [&](End&, Bytes&) { return ++packets == 0; };
  EXPECT_FALSE(pair.run(60s));
  ASSERT_TRUE(pair.client.error);
  EXPECT_EQ(pair.client.error->detail, ErrorDetail::DtlsFailure);
  EXPECT_EQ(pair.now, TimePoint{} + 30s);
  EXPECT_GT(packets, 25U);
  EXPECT_LT(packets, 40U);
}

TEST(Connection, WaitsForTheFingerprintAndKeepsDataMeanwhile) {
  Couple pair;
  pair.server.connection.set_remote_fingerprints({pair.client.certificate().fingerprint()});
  pair.start();
  EXPECT_FALSE(pair.run(5s));
  ASSERT_TRUE(pair.server.connection.connected());
  EXPECT_EQ(pair.client.connection.state(), DtlsTransportState::Connecting);
  EXPECT_EQ(pair.client.connection.next_timeout(), never);
  for (int i = 0; i < 100; ++i) pair.client.handle(pair.now, pair.server.seal(bytes("early")));
  EXPECT_TRUE(pair.client.received.empty());
  EXPECT_TRUE(pair.client.connection.take_early_data().empty());
  EXPECT_EQ(pair.client.connection.statistics().early_dropped, 68U);
  std::array<std::byte, 20> keys;
  EXPECT_FALSE(pair.client.connection.export_keying_material("label", keys));
  EXPECT_TRUE(pair.client.seal(bytes("no")).empty());
  pair.client.connection.set_remote_fingerprints({pair.server.certificate().fingerprint()});
  pair.client.poll_events();
  EXPECT_EQ(pair.client.connected, 1);
  ASSERT_EQ(pair.client.received.size(), 32U);
  EXPECT_EQ(pair.client.received[0], bytes("early"));
}

TEST(Connection, FailsWhenALateFingerprintDoesNotMatch) {
  Couple pair;
  pair.server.connection.set_remote_fingerprints({pair.client.certificate().fingerprint()});
  pair.start();
  EXPECT_FALSE(pair.run(5s));
  pair.client.connection.set_remote_fingerprints({pair.client.certificate().fingerprint()});
  pair.run(1s);
  ASSERT_TRUE(pair.client.error);
  EXPECT_EQ(pair.client.error->detail, ErrorDetail::FingerprintFailure);
  ASSERT_TRUE(pair.server.error);
  EXPECT_EQ(pair.server.error->received_alert, 42U);
}

TEST(Connection, KeepsDataThatOvertakesTheFinished) {
  Couple pair;
  pair.trust();
  pair.path = [&](End& to, Bytes& packet) {
    // The server's last flight is late; its data is not.
    if (&to == &pair.client && pair.server.connection.connected()) {
      pair.send(to, pair.server.seal(bytes("first")), 10ms);
      pair.send(to, packet, 50ms);
      return false;
    }
    return true;
  };
  pair.start();
  EXPECT_TRUE(pair.run());
  ASSERT_FALSE(pair.client.received.empty());
  EXPECT_EQ(pair.client.received[0], bytes("first"));
}

TEST(Connection, ClosesBothEnds) {
  Couple pair;
  pair.connect();
  pair.client.connection.close(pair.now);
  EXPECT_TRUE(pair.client.seal(bytes("x")).empty());
  pair.run(1s);
  EXPECT_EQ(pair.server.closed, 1);
  EXPECT_EQ(pair.client.closed, 0);
  EXPECT_EQ(pair.server.connection.state(), DtlsTransportState::Closed);
  EXPECT_FALSE(pair.client.poll(pair.now));
  EXPECT_FALSE(pair.server.poll(pair.now));
}

TEST(Connection, ClosesDuringTheHandshake) {
  Couple pair;
  pair.trust();
  pair.start();
  pair.pump();
  pair.client.connection.close(pair.now);
  EXPECT_EQ(pair.client.connection.next_timeout(), never);
  pair.run(60s);
  EXPECT_EQ(pair.client.connected, 0);
  ASSERT_TRUE(pair.server.error);
}

TEST(Connection, SealsOnlyWhatFits) {
  Couple pair;
  std::array<std::byte, 100> record{};
  EXPECT_EQ(pair.client.connection.seal(record, 10), 0U);
  pair.connect();
  EXPECT_EQ(pair.client.connection.seal(record, 64), 0U);
  EXPECT_EQ(pair.client.connection.seal(record, 63), 100U);
  Bytes large(17'000);
  EXPECT_EQ(pair.client.connection.seal(large, 16'385), 0U);
}

TEST(Connection, RepeatsItselfByteForByteWithSeededKeys) {
  std::vector<std::vector<Bytes>> runs;
  for (int i = 0; i < 2; ++i) {
    SeededGenerator random{42};
    Options options{.context = crypto::LibraryContext::seeded(random)};
    const auto make = [&] {
      return crypto::Certificate::generate(options.context, random, std::chrono::sys_seconds{1'790'000'000s}).value();
    };
    End client{1, make(), options};
    End server{2, make(), options};
    client.connection.start(TimePoint{}, Role::Client);
    server.connection.start(TimePoint{}, Role::Server);
    auto& sent = runs.emplace_back();
    for (int round = 0; round < 3; ++round) {
      for (auto& packet : client.poll_all(TimePoint{})) server.handle(TimePoint{}, sent.emplace_back(packet));
      for (auto& packet : server.poll_all(TimePoint{})) client.handle(TimePoint{}, sent.emplace_back(packet));
    }
    client.connection.set_remote_fingerprints({server.certificate().fingerprint()});
    EXPECT_TRUE(client.connection.connected());
  }
  EXPECT_GE(runs[0].size(), 4U);
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace linnet::dtls::testing
