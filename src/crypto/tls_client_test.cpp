#include "crypto/tls_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/testing/tls_server.hpp"

namespace linnet::crypto {
namespace {

using testing::Authority;
using testing::TlsServer;
using namespace std::chrono_literals;

class TlsClientTest : public ::testing::Test {
 protected:
  /// Lets both talk until nothing is left to say, in pieces of `piece` bytes.
  static void talk(TlsClient& client, TlsServer& server, std::size_t piece = 65'536) {
    std::vector<std::byte> buffer(piece);
    for (bool more = true; more;) {
      more = false;
      while (const std::size_t n = client.take(buffer)) {
        server.feed(std::span{buffer}.first(n));
        more = true;
      }
      while (const std::size_t n = server.take(buffer)) {
        client.feed(std::span{buffer}.first(n));
        more = true;
      }
    }
  }
  [[nodiscard]] TlsClient client(const std::string& name) const { return {*trust, name, now}; }

  const std::chrono::sys_seconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  Authority authority;
  Result<TlsTrust> trust = TlsTrust::load(authority.file());
};

TEST_F(TlsClientTest, CarriesBytesBothWaysHoweverTheyAreCut) {
  for (const std::size_t piece : {1U, 100U, 65'536U}) {
    TlsServer server{authority.issue({.names = {"turn.example"}})};
    TlsClient tls = client("turn.example");
    talk(tls, server, piece);
    ASSERT_EQ(tls.state(), TlsClient::State::Connected) << tls.failure();
    EXPECT_EQ(server.asked_for(), "turn.example");
    tls.write(as_bytes("hello"));
    talk(tls, server, piece);
    EXPECT_EQ(server.received(), "hello");
    server.write(std::string(40'000, 'x'));
    std::string got;
    std::vector<std::byte> buffer(piece);
    std::vector<std::byte> plain(1'000);
    while (const std::size_t n = server.take(buffer)) {
      tls.feed(std::span{buffer}.first(n));
      while (const std::size_t m = tls.read(plain)) got += as_text(std::span{plain}.first(m));
    }
    EXPECT_EQ(got, std::string(40'000, 'x'));
  }
}

TEST_F(TlsClientTest, TakesACertificateForAnAddressAndSendsNoNameThen) {
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    TlsServer server{authority.issue({.addresses = {address}})};
    TlsClient tls = client(address);
    talk(tls, server);
    EXPECT_EQ(tls.state(), TlsClient::State::Connected) << tls.failure();
    EXPECT_EQ(server.asked_for(), "");
  }
}

TEST_F(TlsClientTest, RefusesWhatDoesNotProveWhoTheServerIs) {
  struct Case {
    const char* what;
    Authority::Subject subject;
    const char* name;
    const char* failure;
  };
  const std::vector<Case> cases{
      {"another name", {.names = {"other.example"}}, "turn.example", "hostname mismatch"},
      {"only a common name", {.common_name = "turn.example", .names = {}}, "turn.example", "hostname mismatch"},
      {"a wildcard for part of a label", {.names = {"t*.example"}}, "turn.example", "hostname mismatch"},
      {"another address", {.addresses = {"192.0.2.2"}}, "192.0.2.1", "IP address mismatch"},
      {"an address as a name", {.names = {"192.0.2.1"}}, "192.0.2.1", "IP address mismatch"},
      {"expired", {.names = {"turn.example"}, .from = -48h, .to = -24h}, "turn.example", "expired"},
      {"not yet valid", {.names = {"turn.example"}, .from = 24h, .to = 48h}, "turn.example", "not yet valid"},
  };
  for (const Case& c : cases) {
    TlsServer server{authority.issue(c.subject)};
    TlsClient tls = client(c.name);
    talk(tls, server);
    EXPECT_EQ(tls.state(), TlsClient::State::Failed) << c.what;
    EXPECT_NE(tls.failure().find(c.failure), std::string::npos) << c.what << ": " << tls.failure();
    EXPECT_NE(tls.failure().find(c.name), std::string::npos) << tls.failure();
    tls.write(as_bytes("secret"));
    talk(tls, server);
    EXPECT_EQ(server.received(), "") << c.what;
  }
}

TEST_F(TlsClientTest, RefusesAnAuthorityThatNobodyKnows) {
  const Authority stranger;
  TlsServer server{stranger.issue({.names = {"turn.example"}})};
  TlsClient tls = client("turn.example");
  talk(tls, server);
  EXPECT_EQ(tls.state(), TlsClient::State::Failed);
  EXPECT_NE(tls.failure().find("certificate of turn.example is refused"), std::string::npos) << tls.failure();
}

TEST_F(TlsClientTest, RefusesToTalkToNobodyInParticular) { EXPECT_EQ(client("").state(), TlsClient::State::Failed); }

TEST_F(TlsClientTest, FailsOnWhatIsNotTls) {
  TlsClient tls = client("turn.example");
  tls.feed(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(tls.state(), TlsClient::State::Failed);
  EXPECT_NE(tls.failure().find("turn.example"), std::string::npos);
}

TEST_F(TlsClientTest, TellsThatTheServerHasEnded) {
  TlsServer server{authority.issue({.names = {"turn.example"}})};
  TlsClient tls = client("turn.example");
  talk(tls, server);
  server.write("last words");
  server.close();
  std::vector<std::byte> buffer(65'536);
  while (const std::size_t n = server.take(buffer)) tls.feed(std::span{buffer}.first(n));
  EXPECT_EQ(tls.read(buffer), 10U);
  EXPECT_EQ(tls.read(buffer), 0U);
  EXPECT_EQ(tls.state(), TlsClient::State::Ended);
}

TEST_F(TlsClientTest, FailsOnAForgedRecord) {
  TlsServer server{authority.issue({.names = {"turn.example"}})};
  TlsClient tls = client("turn.example");
  talk(tls, server);
  server.write("hello");
  std::vector<std::byte> buffer(65'536);
  const std::size_t n = server.take(buffer);
  ASSERT_GT(n, 20U);
  buffer[n - 1] ^= std::byte{1};
  tls.feed(std::span{buffer}.first(n));
  EXPECT_EQ(tls.read(buffer), 0U);
  EXPECT_EQ(tls.state(), TlsClient::State::Failed);
}

TEST(TlsTrust, NamesTheFileThatItCannotRead) {
  const auto trust = TlsTrust::load("/nowhere/ca.pem");
  ASSERT_FALSE(trust);
  EXPECT_NE(trust.error().message.find("/nowhere/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace linnet::crypto
