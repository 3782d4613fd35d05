#include <gtest/gtest.h>

#include "base/machine.hpp"
#include "dtls/testing/driver.hpp"

// Connection against OpenSSL's own DTLS.

namespace {
std::chrono::microseconds openssl_clock = std::chrono::seconds{1'790'000'000};
}  // namespace

// Takes the place of the C library's function for the whole test program: OpenSSL's DTLS timer reads it. So the
// peer lives in virtual time, too.
extern "C" int gettimeofday(timeval* out, void*) noexcept {
  out->tv_sec = openssl_clock.count() / 1'000'000;
  out->tv_usec = openssl_clock.count() % 1'000'000;
  return 0;
}

void linnet::dtls::testing::move_openssl_clock(std::chrono::microseconds by) { openssl_clock += by; }

namespace linnet::dtls::testing {
namespace {

static_assert(PipeMachine<Connection>);

struct Case {
  const char* ciphers;
  const char* expected;
  bool rsa;
};

class Interop : public ::testing::TestWithParam<std::tuple<Role, Case>> {};

TEST_P(Interop, ConnectsAndCarriesDataInBothDirections) {
  const auto& [role, c] = GetParam();
  AgainstOpenSsl test{role,
                      {.ciphers = c.ciphers},
                      c.rsa && role == Role::Server ? rsa_certificate() : fresh_certificate(),
                      c.rsa && role == Role::Client ? rsa_certificate() : fresh_certificate()};
  ASSERT_TRUE(test.connect());
  EXPECT_EQ(test.end.connected, 1);
  EXPECT_EQ(test.end.connection.cipher(), c.expected);
  EXPECT_EQ(test.end.connection.version(), "FEFD");
  EXPECT_EQ(test.end.connection.next_timeout(), never);
  // What Wireshark reads: OpenSSL writes the same line.
  ASSERT_EQ(test.peer.key_log().size(), 1U);
  EXPECT_EQ(test.end.key_log.poll(), test.peer.key_log().front());
  EXPECT_EQ(test.end.key_log.poll(), std::nullopt);
  for (const std::size_t size : {1U, 100U, 1'200U, 16'384U}) {
    const Bytes there(size, std::byte{0x5A});
    test.peer.handle(test.end.seal(there));
    ASSERT_FALSE(test.peer.received().empty());
    EXPECT_EQ(test.peer.received().back(), there);
    const Bytes back(size, std::byte{0xA5});
    test.peer.send(back);
    ASSERT_TRUE(test.exchange());
    ASSERT_FALSE(test.end.received.empty());
    EXPECT_EQ(test.end.received.back(), back);
  }
  EXPECT_EQ(test.end.connection.statistics().records_invalid, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    AllSuites, Interop,
    ::testing::Combine(
        ::testing::Values(Role::Client, Role::Server),
        ::testing::Values(Case{"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", false},
                          Case{"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", false},
                          Case{"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", false},
                          Case{"ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true},
                          Case{"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", true},
                          Case{"ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", true})));

class BothRoles : public ::testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Roles, BothRoles, ::testing::Values(Role::Client, Role::Server));

TEST_P(BothRoles, ExportsTheSameKeysAsOpenSsl) {
  AgainstOpenSsl test{GetParam(), {}};
  ASSERT_TRUE(test.connect());
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  std::array<std::byte, 60> ours{};
  std::array<std::byte, 60> theirs{};
  ASSERT_TRUE(test.end.connection.export_keying_material(label, ours));
  ASSERT_EQ(SSL_export_keying_material(test.peer.native(), reinterpret_cast<unsigned char*>(theirs.data()),
                                       theirs.size(), label.data(), label.size(), nullptr, 0, 0),
            1);
  EXPECT_EQ(ours, theirs);
  const Bytes context = bytes("context");
  ASSERT_TRUE(test.end.connection.export_keying_material(label, context, ours));
  ASSERT_EQ(SSL_export_keying_material(test.peer.native(), reinterpret_cast<unsigned char*>(theirs.data()),
                                       theirs.size(), label.data(), label.size(),
                                       reinterpret_cast<const unsigned char*>(context.data()), context.size(), 1),
            1);
  EXPECT_EQ(ours, theirs);
}

TEST_P(BothRoles, NegotiatesAnSrtpProfileAndTheExtendedMasterSecret) {
  AgainstOpenSsl test{GetParam(), {}};
  ASSERT_TRUE(test.connect());
  // The server chooses by its own order.
  EXPECT_EQ(test.end.connection.srtp_profile(),
            GetParam() == Role::Server ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_HMAC_SHA1_80");
  EXPECT_EQ(SSL_get_extms_support(test.peer.native()), 1);
}

TEST_P(BothRoles, RefusesACertificateOfAnotherFingerprint) {
  AgainstOpenSsl test{GetParam(), {}};
  test.end.connection.set_remote_fingerprints({fresh_certificate().fingerprint()});
  EXPECT_FALSE(test.connect());
  ASSERT_TRUE(test.end.error);
  EXPECT_EQ(test.end.error->detail, ErrorDetail::FingerprintFailure);
  EXPECT_EQ(test.end.error->sent_alert, 42U);
  EXPECT_EQ(test.end.connection.state(), DtlsTransportState::Failed);
  EXPECT_TRUE(test.peer.failed());  // it got our alert
  EXPECT_EQ(test.end.connection.next_timeout(), never);
  EXPECT_EQ(test.end.connected, 0);
}

/// Handshakes share their settings, and so would a cache of sessions: one that was verified for another peer must never
/// stand in for a handshake.
struct OldSession : ::testing::Test {
  void SetUp() override {
    AgainstOpenSsl first{Role::Server, {}, fresh_certificate(), old};
    ASSERT_TRUE(first.connect());
    // A copy: the end of the connection makes its own session worthless.
    session = SSL_SESSION_dup(SSL_get0_session(first.peer.native()));
    ASSERT_NE(session, nullptr);
    // We give sessions no names; an attacker may.
    unsigned int size = 0;
    (void)SSL_SESSION_get_id(session, &size);
    EXPECT_EQ(size, 0U);
    EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
    const std::array<unsigned char, 32> name{1, 2, 3};
    ASSERT_EQ(SSL_SESSION_set1_id(session, name.data(), name.size()), 1);
  }
  void TearDown() override { SSL_SESSION_free(session); }
  /// The ClientHello's session_id.
  static std::size_t offered(const Bytes& hello) { return std::to_integer<std::size_t>(hello.at(13 + 12 + 2 + 32)); }

  crypto::Certificate old = fresh_certificate();
  SSL_SESSION* session = nullptr;
};

TEST_F(OldSession, OfferedWithAnotherCertificateDrawsAWholeHandshake) {
  const crypto::Certificate another = fresh_certificate();
  AgainstOpenSsl test{Role::Server, {}, fresh_certificate(), another};
  ASSERT_EQ(SSL_set_session(test.peer.native(), session), 1);
  std::size_t id = 0;
  test.to_end = [&](Bytes& packet) {
    if (id == 0) id = offered(packet);
    return true;
  };
  ASSERT_TRUE(test.connect());
  EXPECT_EQ(id, 32U) << "it was offered";
  EXPECT_EQ(SSL_session_reused(test.peer.native()), 0);
  EXPECT_TRUE(crypto::matches(std::vector{another.fingerprint()}, test.end.connection.remote_certificate()));
}

TEST_F(OldSession, DoesNotStandForTheCertificateThatItWasMadeWith) {
  AgainstOpenSsl test{Role::Server, {}, fresh_certificate(), fresh_certificate()};
  test.end.connection.set_remote_fingerprints({old.fingerprint()});
  ASSERT_EQ(SSL_set_session(test.peer.native(), session), 1);
  EXPECT_FALSE(test.connect());
  ASSERT_TRUE(test.end.error);
  EXPECT_EQ(test.end.error->detail, ErrorDetail::FingerprintFailure);
  EXPECT_EQ(test.end.connected, 0);
}

TEST(Interop, OurOwnHelloOffersNoSession) {
  for (int i = 0; i < 2; ++i) {
    AgainstOpenSsl test{Role::Client, {}};
    std::optional<std::size_t> id;
    test.to_peer = [&](Bytes& packet) {
      if (!id) id = OldSession::offered(packet);
      return true;
    };
    ASSERT_TRUE(test.connect());
    EXPECT_EQ(id, 0U);
    EXPECT_EQ(SSL_session_reused(test.peer.native()), 0);
  }
}

TEST_P(BothRoles, RefusesAPeerWithoutACertificate) {
  AgainstOpenSsl bare{GetParam(), {}};
  SSL_certs_clear(bare.peer.native());
  EXPECT_FALSE(bare.connect());
  EXPECT_EQ(bare.end.connected, 0);
  EXPECT_FALSE(bare.end.connection.connected());
}

TEST_P(BothRoles, RefusesCiphersWithoutAuthenticatedEncryption) {
  AgainstOpenSsl test{GetParam(), {.ciphers = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA"}};
  EXPECT_FALSE(test.connect());
  EXPECT_EQ(test.end.connected, 0);
}

TEST_P(BothRoles, SendsNothingLargerThanTheMtu) {
  AgainstOpenSsl test{GetParam(), {}};
  test.to_peer = [](Bytes& packet) {
    EXPECT_LE(packet.size(), 1'200U);
    return true;
  };
  ASSERT_TRUE(test.connect());
}

TEST_P(BothRoles, LosesEachDatagramOfOursInTurnAndConnects) {
  for (int lost = 0; lost < 6; ++lost) {
    AgainstOpenSsl test{GetParam(), {}};
    int index = 0;
    test.to_peer = [&](Bytes&) { return index++ != lost; };
    EXPECT_TRUE(test.connect()) << "lost datagram " << lost;
    // Only a server's last flight has to wait until OpenSSL repeats its own, after 1 s.
    if (GetParam() == Role::Client) {
      EXPECT_LT(test.now, TimePoint{} + 200ms);
    }
  }
}

TEST_P(BothRoles, LosesEachDatagramOfThePeerInTurnAndConnects) {
  for (int lost = 0; lost < 10; ++lost) {
    AgainstOpenSsl test{GetParam(), {.mtu = 400}};
    int index = 0;
    test.to_end = [&](Bytes&) { return index++ != lost; };
    EXPECT_TRUE(test.connect()) << "lost datagram " << lost;
    EXPECT_LE(test.now, TimePoint{} + 2s);
  }
}

TEST_P(BothRoles, IsNotDisturbedByDuplicates) {
  AgainstOpenSsl test{GetParam(), {}};
  test.to_peer = [&](Bytes& packet) {
    test.peer.handle(packet);
    return true;
  };
  test.to_end = [&](Bytes& packet) {
    test.end.handle(test.now, packet);
    return true;
  };
  EXPECT_TRUE(test.connect());
}

TEST_P(BothRoles, ClosesWithCloseNotify) {
  AgainstOpenSsl test{GetParam(), {}};
  ASSERT_TRUE(test.connect());
  test.end.connection.close(test.now);
  while (test.exchange()) {
  }
  EXPECT_TRUE(test.peer.got_close_notify());
  EXPECT_EQ(test.end.connection.state(), DtlsTransportState::Closed);
  EXPECT_EQ(test.end.closed, 0);
  EXPECT_FALSE(test.end.poll(test.now));
}

TEST_P(BothRoles, AnswersCloseNotifyOnce) {
  AgainstOpenSsl test{GetParam(), {}};
  ASSERT_TRUE(test.connect());
  test.peer.shut_down();
  int packets = 0;
  test.to_peer = [&](Bytes&) { return ++packets > 0; };
  while (test.exchange()) {
  }
  EXPECT_EQ(test.end.closed, 1);
  EXPECT_EQ(packets, 1);
  EXPECT_EQ(test.end.connection.state(), DtlsTransportState::Closed);
  EXPECT_TRUE(test.peer.got_close_notify());
}

TEST(Interop, AnswersAHelloVerifyRequest) {
  AgainstOpenSsl test{Role::Client, {.cookie = true}};
  EXPECT_TRUE(test.connect());
  EXPECT_EQ(test.now, TimePoint{});
}

TEST(Interop, AnswersARepeatedFinishedWithItsLastFlight) {
  AgainstOpenSsl test{Role::Server, {}};
  test.to_peer = [&](Bytes&) { return !test.end.connection.connected() || test.now > TimePoint{}; };
  ASSERT_TRUE(test.connect());
  EXPECT_EQ(test.now, TimePoint{} + 1s);  // OpenSSL's timer
  EXPECT_EQ(test.end.connection.statistics().flights_resent, 1U);
  const Bytes data = bytes("after");
  test.peer.handle(test.end.seal(data));
  ASSERT_FALSE(test.peer.received().empty());
  EXPECT_EQ(test.peer.received().back(), data);
}

TEST(Interop, AcceptsPeersWithSmallDatagrams) {
  AgainstOpenSsl test{Role::Server, {.mtu = 256}};
  EXPECT_TRUE(test.connect());
  AgainstOpenSsl other{Role::Client, {.mtu = 256}};
  EXPECT_TRUE(other.connect());
}

TEST(Interop, UsesP384WhenThePeerAsks) {
  // Certificates of RSA: one of P-256 would be refused by such a peer.
  AgainstOpenSsl test{Role::Client, {.groups = "P-384"}, rsa_certificate(), rsa_certificate()};
  EXPECT_TRUE(test.connect());
  EXPECT_EQ(test.now, TimePoint{});
}

}  // namespace
}  // namespace linnet::dtls::testing
