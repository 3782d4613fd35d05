#include "linnet/stun_turn_server.hpp"

#include <algorithm>
#include <utility>

#include "io/interfaces.hpp"
#include "runtime/turn_host.hpp"

namespace linnet {
namespace {

using runtime::TurnHostOptions;

Result<std::vector<IpAddress>> addresses_of(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return fail(ErrorName::TypeError, "cannot listen on " + text + ": it is no IP address");
  if (address->is_multicast()) return fail(ErrorName::TypeError, "cannot listen on " + text + ": it is multicast");
  if (!address->is_unspecified()) return std::vector{*address};
  std::vector<IpAddress> out;
  for (const auto& each : io::host_addresses(io::interfaces(), {.ipv6 = address->is_v6(), .loopback = true}))
    if (!each.address.is_link_local()) out.push_back(each.address);
  if (out.empty()) return fail(ErrorName::NetworkError, "this machine has no address to listen on");
  return out;
}

Result<TurnHostOptions> checked(const StunTurnServerOptions& options) {
  const auto wrong = [](const char* what) { return fail(ErrorName::TypeError, what); };
  if (options.realm.empty() || options.realm.size() > 127) return wrong("a realm has 1 to 127 bytes");
  if ((options.relay_port_min == 0) != (options.relay_port_max == 0) || options.relay_port_min > options.relay_port_max)
    return wrong("the ports of relays are a range: the lowest, then the highest");
  for (const auto& user : options.users)
    if (user.name.empty() || user.name.size() > 508 || user.password.empty())
      return wrong("a user has a name of 1 to 508 bytes and a password");
  auto addresses = addresses_of(options.bind_address);
  if (!addresses) return std::unexpected(std::move(addresses).error());
  TurnHostOptions out{.addresses = std::move(*addresses),
                      .port = options.port,
                      .tcp = options.tcp,
                      .relay_port_min = options.relay_port_min,
                      .relay_port_max = options.relay_port_max,
                      .max_streams = options.max_connections,
                      .max_streams_per_address = options.max_connections_per_address};
  if (!options.external_address.empty()) {
    out.external = IpAddress::parse(options.external_address);
    if (!out.external || out.external->is_unspecified() || out.external->is_multicast())
      return fail(ErrorName::TypeError, options.external_address + " is no address that peers could reach");
  }
  out.alternate_port = options.alternate_port;
  if (!options.alternate_address.empty()) {
    out.alternate_address = IpAddress::parse(options.alternate_address);
    const auto fits = [&](const IpAddress& a) { return a.family() == out.alternate_address->family(); };
    if (!out.alternate_address || out.alternate_address->is_unspecified() || out.alternate_address->is_multicast())
      return fail(ErrorName::TypeError, options.alternate_address + " is no address to listen on");
    if (std::ranges::none_of(out.addresses, fits) ||
        std::ranges::all_of(out.addresses, [&](const IpAddress& a) { return a == out.alternate_address; }))
      return wrong("the second address is another one of the same family as the first");
    if (!options.alternate_port || out.external)
      return wrong("a second address needs a second port, and no NAT before it");
  }
  if (options.alternate_port && options.alternate_port == options.port && options.port != 0)
    return wrong("the second port is another one than the first");
  auto& server = out.server;
  server.realm = options.realm;
  for (const auto& user : options.users) server.users.push_back({.name = user.name, .password = user.password});
  server.secret = options.secret;
  server.peers = {.allow_private = options.allow_private_peers, .allow_loopback = options.allow_loopback_peers};
  server.ipv4 = std::ranges::any_of(out.addresses, &IpAddress::is_v4);
  server.ipv6 = std::ranges::any_of(out.addresses, &IpAddress::is_v6);
  server.max_allocations = options.max_allocations;
  server.max_allocations_per_user = options.max_allocations_per_user;
  server.max_allocations_per_address = options.max_allocations_per_address;
  server.max_bytes_per_second = options.max_bytes_per_second;
  return out;
}

}  // namespace

class StunTurnServer::Impl {
 public:
  Impl(Executor executor, StunTurnServerOptions options)
      : executor_(std::move(executor)), options_(std::move(options)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  Result<> start() {
    if (host_) return fail(ErrorName::InvalidStateError, "the STUN and TURN server has been started already");
    auto options = checked(options_);
    if (!options) return std::unexpected(std::move(options).error());
    const auto host = std::make_shared<runtime::TurnHost>(executor_, std::move(*options));
    auto started = host->start();
    if (started) host_ = host;
    return started;
  }
  void stop() {
    if (host_) host_->stop();
    host_.reset();
  }
  [[nodiscard]] const runtime::TurnHost* host() const noexcept { return host_.get(); }

 private:
  Executor executor_;
  StunTurnServerOptions options_;
  std::shared_ptr<runtime::TurnHost> host_;  ///< Null while not started.
};

StunTurnServer::StunTurnServer(Executor executor, StunTurnServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options))) {}
StunTurnServer::StunTurnServer(StunTurnServer&&) noexcept = default;
StunTurnServer& StunTurnServer::operator=(StunTurnServer&&) noexcept = default;
StunTurnServer::~StunTurnServer() = default;

Result<> StunTurnServer::start() { return impl_->start(); }
void StunTurnServer::stop() { impl_->stop(); }
std::uint16_t StunTurnServer::port() const noexcept { return impl_->host() ? impl_->host()->port() : 0; }

std::uint16_t StunTurnServer::alternate_port() const noexcept {
  return impl_->host() ? impl_->host()->alternate_port() : 0;
}

StunTurnServer::Stats StunTurnServer::stats() const noexcept {
  const auto* host = impl_->host();
  if (!host) return {};
  const auto& counters = host->server().counters();
  return {.allocations = host->server().allocations(),
          .connections = host->streams(),
          .bindings = counters.bindings,
          .allocated = counters.allocations,
          .refused = counters.refusals,
          .relayed = counters.relayed_to_peers + counters.relayed_to_clients,
          .not_permitted = counters.not_permitted};
}

}  // namespace linnet
