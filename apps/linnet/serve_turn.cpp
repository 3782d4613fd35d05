#include "serve_turn.hpp"

#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <new>
#include <utility>
#include <vector>

namespace linnet::app {
namespace {

std::string turn_url(const std::string& url) {
  const auto colon = url.find(':');
  const auto scheme = url.substr(0, colon);
  const bool fits = (scheme == "turn" || scheme == "turns") && colon + 1 < url.size() && url[colon + 1] != '/' &&
                    url.find('@') == std::string::npos;
  return fits ? std::string{}
              : "'" + url + "' is no TURN server: turn:HOST, turns:HOST:PORT or turn:HOST?transport=tcp";
}

/// "MIN-MAX".
std::string read_ports(const std::string& text, TurnOptions& options) {
  const char* const end = text.data() + text.size();
  const auto low = std::from_chars(text.data(), end, options.relay_port_min);
  if (low.ec == std::errc{} && low.ptr != end && *low.ptr == '-') {
    const auto high = std::from_chars(low.ptr + 1, end, options.relay_port_max);
    if (high.ec == std::errc{} && high.ptr == end && options.relay_port_min != 0 &&
        options.relay_port_min <= options.relay_port_max)
      return {};
  }
  return "'" + text + "' is no range of ports, as 50000-50999";
}

/// From the file, else the environment: a command line is there for every user of the machine to read.
Result<std::string> read_secret(const std::string& file) {
  if (file.empty()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment.
    const char* value = std::getenv("LINNET_TURN_SECRET");
    return std::string{value ? value : ""};
  }
  std::ifstream in{file, std::ios::binary};
  std::string secret;
  if (!in || !std::getline(in, secret))
    return fail(ErrorName::NotFoundError, "there is no secret in " + file + ": its first line is it");
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) return fail(ErrorName::NotFoundError, "the first line of " + file + " is empty");
  return secret;
}

std::string random_secret() {
  std::array<unsigned char, 20> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) throw std::bad_alloc{};
  std::string out;
  for (const auto byte : random) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace

void add_turn_arguments(CLI::App& serve, TurnOptions& options) {
  serve
      .add_option_function<std::string>(
          "--stun-turn", [&options](const std::string& what) { options.embedded = what == "embedded"; },
          "'embedded': a small STUN and TURN server in this process, for demos and networks of your own (coturn is for "
          "production); 'none'")
      ->check(CLI::IsMember({"embedded", "none"}))
      ->take_last();
  serve.add_option("--stun-turn-port", options.port, "UDP and TCP port of the embedded server, 0 for a free one")
      ->capture_default_str();
  auto* port =
      serve.add_option("--stun-turn-alternate-port", options.alternate_port,
                       "A second port of the embedded server, 0 for a free one: with it `linnet doctor` can say "
                       "how a NAT filters (RFC 5780)");
  serve
      .add_option(
          "--stun-turn-alternate-ip", options.alternate_address,
          "A second address of this machine for the embedded server: with it `linnet doctor` can say all about a "
          "NAT")
      ->needs(port)
      ->type_name("ADDRESS");
  serve
      .add_option_function<std::string>(
          "--turn-relay-ports",
          [&options](const std::string& text) {
            if (const auto wrong = read_ports(text, options); !wrong.empty())
              throw CLI::ValidationError("--turn-relay-ports", wrong);
          },
          "Ports of the embedded server's relays (default: any)")
      ->type_name("MIN-MAX");
  serve.add_flag("--turn-allow-private", options.allow_private,
                 "Let relays reach the server and the network that it is in, which is denied otherwise");
  serve
      .add_option("--turn-relay-rate", options.relay_rate,
                  "Megabits per second that one relay of the embedded server carries, each way; 0: as many as come")
      ->capture_default_str()
      ->type_name("MBIT")
      ->check(CLI::Range(0, 100'000));
  serve.add_option("--turn-external-ip", options.external,
                   "What peers see of the embedded server's relays, behind a 1:1 NAT");
  auto* url =
      serve
          .add_option(
              "--turn-url", options.urls,
              "A TURN server that shares a secret with us (coturn: use-auth-secret); may be given more than once")
          ->check(turn_url);
  serve
      .add_option("--turn-secret-file", options.secret_file,
                  "File whose first line is the secret of the --turn-url servers (or the environment's "
                  "LINNET_TURN_SECRET)")
      ->needs(url)
      ->check(CLI::ExistingFile);
  serve.add_option("--turn-ttl", options.lifetime, "Seconds that a peer's TURN credentials last; renewed in time")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::Range(2, 7 * 24 * 3'600));
}

Result<> IceService::start(const boost::asio::any_io_executor& executor, const TurnOptions& options,
                           const std::string& bind, signaling::ServerOptions& server) {
  const std::chrono::seconds lifetime{options.lifetime};
  if (!options.urls.empty()) {
    auto secret = read_secret(options.secret_file);
    if (!secret) return std::unexpected(std::move(secret).error());
    if (secret->empty())
      return fail(ErrorName::TypeError,
                  "--turn-url needs the secret of that server: --turn-secret-file FILE or LINNET_TURN_SECRET");
    server.turn.push_back({.urls = options.urls, .secret = std::move(*secret), .lifetime = lifetime});
  }
  if (!options.embedded) return {};
  const auto secret = random_secret();
  embedded_ = std::make_unique<StunTurnServer>(
      executor, StunTurnServerOptions{.bind_address = bind,
                                      .port = options.port,
                                      .alternate_port = options.alternate_port,
                                      .alternate_address = options.alternate_address,
                                      .relay_port_min = options.relay_port_min,
                                      .relay_port_max = options.relay_port_max,
                                      .external_address = options.external,
                                      .secret = secret,
                                      .allow_private_peers = options.allow_private,
                                      .allow_loopback_peers = options.allow_private && is_loopback(bind),
                                      .max_allocations = options.max_relays,
                                      .max_bytes_per_second = std::uint64_t{options.relay_rate} * 1'000'000 / 8,
                                      .max_connections = options.max_connections});
  if (auto started = embedded_->start(); !started) {
    started.error().message += " (--stun-turn-port PORT)";
    return started;
  }
  // On loopback only there is no other name for it.
  const auto host = !is_loopback(bind)                    ? std::string{"{host}"}
                    : bind.find(':') != std::string::npos ? '[' + bind + ']'
                                                          : bind;
  const auto at = host + ':' + std::to_string(embedded_->port());
  server.ice_servers.push_back({.urls = {"stun:" + at}});
  server.turn.push_back({.urls = {"turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"},
                         .secret = secret,
                         .lifetime = lifetime});
  return {};
}

void IceService::stop() {
  if (embedded_) embedded_->stop();
}

}  // namespace linnet::app
