// Relay-only connections through coturn, the TURN server that most of the world runs: UDP, TCP and TLS.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/testing_pair.hpp"
#include "crypto/testing/tls_server.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

/// A port that neither TCP nor UDP uses at this moment.
std::uint16_t free_port() {
  asio::io_context io;
  for (;;) {
    asio::ip::tcp::acceptor tcp{io, {asio::ip::address_v4::loopback(), 0}};
    const auto port = tcp.local_endpoint().port();
    asio::ip::udp::socket udp{io};
    boost::system::error_code error;
    udp.open(asio::ip::udp::v4());
    udp.bind({asio::ip::address_v4::loopback(), port}, error);
    if (!error) return port;
  }
}

/// turnserver in the foreground of a child process, with files of its own.
class Coturn {
 public:
  Coturn() : port(free_port()), tls_port(free_port()) {
    std::string name = (std::filesystem::temp_directory_path() / "linnet-coturn-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const auto issued = authority.issue({.addresses = {"127.0.0.1"}});
    write("cert.pem", [&](std::FILE* out) { PEM_write_X509(out, issued.certificate.get()); });
    write("key.pem",
          [&](std::FILE* out) { PEM_write_PrivateKey(out, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    const auto file = [this](const char* f) { return (folder_ / f).string(); };
    const std::vector<std::string> arguments{LINNET_COTURN,
                                             "-n",
                                             "--listening-ip=127.0.0.1",
                                             "--relay-ip=127.0.0.1",
                                             "--allow-loopback-peers",
                                             "--listening-port=" + std::to_string(port),
                                             "--tls-listening-port=" + std::to_string(tls_port),
                                             "--cert=" + file("cert.pem"),
                                             "--pkey=" + file("key.pem"),
                                             "--lt-cred-mech",
                                             "--user=alice:secret",
                                             "--realm=linnet.test",
                                             "--no-dtls",
                                             "--no-cli",
                                             "--verbose",
                                             "--userdb=" + file("turndb"),
                                             "--pidfile=" + file("pid"),
                                             "--log-file=stdout",
                                             "--simple-log"};
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const std::string log = file("log");
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // when ctest ends us
      if (std::freopen(log.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(126);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  Coturn(const Coturn&) = delete;
  Coturn& operator=(const Coturn&) = delete;
  ~Coturn() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Whether both of its ports answer.
  [[nodiscard]] bool is_up() const {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (answers(port) && answers(tls_port)) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }
  [[nodiscard]] std::string log() const {
    std::ifstream in{folder_ / "log"};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  crypto::testing::Authority authority;
  std::uint16_t port;
  std::uint16_t tls_port;

 private:
  template <class Write>
  void write(const char* name, Write put) const {
    std::FILE* const out = std::fopen((folder_ / name).c_str(), "w");
    put(out);
    std::fclose(out);
  }
  static bool answers(std::uint16_t port) {
    asio::io_context io;
    asio::ip::tcp::socket socket{io};
    boost::system::error_code error;
    socket.connect({asio::ip::address_v4::loopback(), port}, error);
    return !error;
  }

  std::filesystem::path folder_;
  pid_t child_ = 0;
};

class CoturnTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = new Coturn;
    ASSERT_TRUE(server->is_up()) << server->log();
  }
  static void TearDownTestSuite() {
    if (::testing::UnitTest::GetInstance()->current_test_suite()->Failed()) {
      const std::string log = server->log();
      constexpr std::size_t shown = 8'000;
      ADD_FAILURE() << log.substr(log.size() - std::min(log.size(), shown));
    }
    delete server;
    server = nullptr;
  }
  static std::string url(std::string_view protocol) {
    if (protocol == "tls") return "turns:127.0.0.1:" + std::to_string(server->tls_port);
    return "turn:127.0.0.1:" + std::to_string(server->port) + "?transport=" + std::string{protocol};
  }
  static Configuration relay_only(std::string_view protocol, std::string password = "secret") {
    return {.ice_servers = {{.urls = {url(protocol)}, .username = "alice", .credential = std::move(password)}},
            .ice_transport_policy = IceTransportPolicy::Relay};
  }
  static Tuning loopback() {
    Tuning tuning;
    tuning.ice_loopback_only = true;
    tuning.tls_ca_file = server->authority.file();
    return tuning;
  }
  static awaitable<void> carry(linnet::testing::Pair& pair, std::size_t size) {
    auto out = pair.a->create_data_channel("file");
    auto in = (co_await pair.b->on_data_channel.next()).channel;
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](DataChannel channel, std::size_t left) -> awaitable<void> {
          std::vector<std::byte> piece(16'384, std::byte{7});
          while (left != 0) {
            piece.resize(std::min(left, piece.size()));
            co_await channel.writable();
            channel.send(std::span<const std::byte>{piece});
            left -= piece.size();
          }
        }(out, size),
        [](std::exception_ptr error) {
          if (error) std::rethrow_exception(error);
        });
    std::size_t got = 0;
    while (got < size) {
      auto message = co_await in.receive();
      if (!message) break;
      got += message->data.size();
    }
    EXPECT_EQ(got, size);
  }
  static awaitable<void> expect_relayed(PeerConnection& connection, std::string_view protocol) {
    const StatsReport report = co_await connection.get_stats();
    unsigned locals = 0;
    for (const auto& [id, stats] : report) {
      const auto* candidate = std::get_if<IceCandidateStats>(&stats);
      if (candidate == nullptr || candidate->remote) continue;
      ++locals;
      EXPECT_EQ(candidate->candidate_type, IceCandidateType::Relay);
      EXPECT_EQ(candidate->relay_protocol, std::string{protocol});
      EXPECT_EQ(candidate->url, url(protocol));
    }
    EXPECT_GE(locals, 1U);
    // The pair in use, over whatever its packets go.
    const auto& transport = std::get<TransportStats>(report.at("T0"));
    if (!transport.selected_candidate_pair_id) throw std::runtime_error{"no pair is selected"};
    const auto& pair = std::get<CandidatePairStats>(report.at(*transport.selected_candidate_pair_id));
    EXPECT_EQ(pair.state, CandidatePairState::Succeeded);
    EXPECT_TRUE(pair.nominated);
    const auto& local = std::get<IceCandidateStats>(report.at(pair.local_candidate_id));
    EXPECT_EQ(local.relay_protocol, std::string{protocol});
    EXPECT_EQ(local.url, url(protocol));
    EXPECT_EQ(local.protocol, "udp") << "between the servers";
    EXPECT_FALSE(std::get<IceCandidateStats>(report.at(pair.remote_candidate_id)).url);
    EXPECT_GE(pair.consent_requests_sent, 1U);
    EXPECT_GE(pair.requests_sent, 1U);
    EXPECT_GE(pair.responses_received, 2U) << "a check and a consent check";
    if (!pair.current_round_trip_time) throw std::runtime_error{"no round trip"};
    EXPECT_GT(*pair.current_round_trip_time, 0.0);
    EXPECT_GE(pair.total_round_trip_time, *pair.current_round_trip_time);
    EXPECT_GT(pair.packets_sent, 0U);
    EXPECT_GT(pair.packets_received, 0U);
  }
  /// Consent is asked for and given at least once.
  static awaitable<void> consent(PeerConnection& connection) {
    for (;;) {
      const StatsReport report = co_await connection.get_stats();
      for (const auto& [id, stats] : report) {
        const auto* pair = std::get_if<CandidatePairStats>(&stats);
        if (pair != nullptr && pair->consent_requests_sent != 0 && pair->responses_received >= 2) co_return;
      }
      asio::steady_timer soon{co_await asio::this_coro::executor, 20ms};
      co_await soon.async_wait(asio::use_awaitable);
    }
  }

  static Coturn* server;
};
Coturn* CoturnTest::server = nullptr;

struct Protocols {
  const char* a;
  const char* b;
};
class CoturnPairs : public CoturnTest, public ::testing::WithParamInterface<Protocols> {};

TEST_P(CoturnPairs, CarryDataThroughTheRelayAlone) {
  asio::io_context io;
  Tuning tuning = loopback();
  tuning.ice_consent_interval = 200ms;
  linnet::testing::Pair pair{io.get_executor(), tuning, relay_only(GetParam().a), relay_only(GetParam().b)};
  std::vector<std::string> errors;
  pair.a->on_ice_candidate_error = [&](const IceCandidateErrorEvent& e) { errors.push_back(e.error_text); };
  pair.b->on_ice_candidate_error = [&](const IceCandidateErrorEvent& e) { errors.push_back(e.error_text); };
  linnet::testing::run(io, carry(pair, 4'000'000), 20s);
  EXPECT_TRUE(errors.empty()) << errors.front();
  linnet::testing::run(io, consent(*pair.a));
  linnet::testing::run(io, consent(*pair.b));
  linnet::testing::run(io, expect_relayed(*pair.a, GetParam().a));
  linnet::testing::run(io, expect_relayed(*pair.b, GetParam().b));
  pair.a->close();
  pair.b->close();
  io.run_for(2s);
}
INSTANTIATE_TEST_SUITE_P(Protocols, CoturnPairs,
                         ::testing::Values(Protocols{"udp", "udp"}, Protocols{"tcp", "tcp"}, Protocols{"tls", "tls"},
                                           Protocols{"udp", "tls"}, Protocols{"tcp", "udp"}),
                         [](const auto& test) { return std::string{test.param.a} + "_" + test.param.b; });

TEST_F(CoturnTest, RefusesAWrongPasswordAndTheErrorSaysSo) {
  for (const char* protocol : {"udp", "tcp", "tls"}) {
    asio::io_context io;
    PeerConnection connection{io.get_executor(), relay_only(protocol, "guess"), loopback()};
    auto channel = connection.create_data_channel("x");
    linnet::testing::run(
        io,
        [](PeerConnection& c) -> awaitable<void> {
          co_await c.set_local_description();
          const auto error = co_await c.on_ice_candidate_error.next();
          EXPECT_EQ(error.error_code, 401);
          EXPECT_NE(error.error_text.find("password"), std::string::npos) << error.error_text;
        }(connection),
        20s);
  }
}

TEST_F(CoturnTest, AServerWithoutATrustedCertificateIsNotUsed) {
  asio::io_context io;
  Tuning tuning = loopback();
  tuning.tls_ca_file.clear();
  PeerConnection connection{io.get_executor(), relay_only("tls"), tuning};
  auto channel = connection.create_data_channel("x");
  linnet::testing::run(
      io,
      [](PeerConnection& c) -> awaitable<void> {
        co_await c.set_local_description();
        const auto error = co_await c.on_ice_candidate_error.next();
        EXPECT_EQ(error.error_code, 701);
        EXPECT_NE(error.error_text.find("certificate"), std::string::npos) << error.error_text;
      }(connection),
      20s);
}

TEST_F(CoturnTest, ClosingGivesTheAllocationBack) {
  asio::io_context io;
  linnet::testing::Pair pair{io.get_executor(), loopback(), relay_only("udp"), relay_only("udp")};
  linnet::testing::run(io, carry(pair, 1'000), 30s);
  const auto given_back = [this] {
    const std::string log = server->log();
    unsigned count = 0;
    for (std::size_t at = 0; (at = log.find("lifetime=0", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const unsigned before = given_back();
  pair.a->close();
  pair.b->close();
  for (int i = 0; i < 50 && given_back() < before + 2; ++i) {
    io.run_for(100ms);
    std::this_thread::sleep_for(50ms);  // The server's log.
  }
  EXPECT_GE(given_back(), before + 2) << server->log();
}

}  // namespace
}  // namespace linnet
