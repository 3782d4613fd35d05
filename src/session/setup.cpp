#include "session/setup.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "base/ip_prefix.hpp"

namespace linnet::session {
namespace {

Result<> check_addresses(const Tuning& tuning) {
  for (const auto* const ranges : {&tuning.ice_allow_addresses, &tuning.ice_deny_addresses}) {
    for (const std::string& range : *ranges) {
      if (!IpPrefix::parse(range)) {
        return fail(ErrorName::SyntaxError, "\"" + range + "\" in Tuning is no address and no range of addresses.");
      }
    }
  }
  for (const PublicAddress& each : tuning.ice_public_addresses) {
    const auto shown = IpAddress::parse(each.address);
    const auto local = IpAddress::parse(each.local);
    if (!shown || (!local && !each.local.empty()) || (local && local->family() != shown->family())) {
      return fail(ErrorName::SyntaxError,
                  "Tuning::ice_public_addresses cannot turn \"" + each.local + "\" into \"" + each.address + "\".");
    }
  }
  return {};
}

std::vector<ice::PublicMapping> public_mappings(const Tuning& tuning) {
  std::vector<ice::PublicMapping> out;
  out.reserve(tuning.ice_public_addresses.size());
  for (const PublicAddress& each : tuning.ice_public_addresses)
    out.push_back(
        {.shown = IpAddress::parse(each.address).value_or(IpAddress{}), .local = IpAddress::parse(each.local)});
  return out;
}

bool has_filters(const Tuning& tuning) {
  return !tuning.ice_allow_interfaces.empty() || !tuning.ice_deny_interfaces.empty() ||
         !tuning.ice_allow_addresses.empty() || !tuning.ice_deny_addresses.empty();
}

}  // namespace

Result<std::vector<ice::Server>> ice_servers(const Configuration& configuration) {
  std::vector<ice::Server> servers;
  for (const IceServer& entry : configuration.ice_servers) {
    if (entry.urls.empty()) return fail(ErrorName::SyntaxError, "An ICE server has no URL.");
    for (const std::string& url : entry.urls) {
      auto server = ice::parse_server_url(url);
      if (!server) return std::unexpected(std::move(server.error()));
      if (server->kind == ice::Server::Kind::Turn) {
        if (entry.username.empty() || entry.credential.empty()) {
          return fail(ErrorName::InvalidAccessError, "The TURN server " + url + " has no user name or credential.");
        }
        // RFC 8489 section 14.3: USERNAME is at most 508 bytes.
        if (entry.username.size() > 508) return fail(ErrorName::InvalidAccessError, "The TURN user name is too long.");
        server->username = entry.username;
        server->credential = entry.credential;
      }
      servers.push_back(std::move(*server));
    }
  }
  return servers;
}

Result<crypto::Certificate> certificate_for(const Configuration& configuration, const crypto::LibraryContext& context,
                                            const Session::Environment& environment) {
  if (configuration.certificates.empty()) {
    return crypto::Certificate::generate(context, environment.generator,
                                         std::chrono::floor<std::chrono::seconds>(environment.wall_clock));
  }
  for (const Certificate& certificate : configuration.certificates) {
    if (certificate.empty()) return fail(ErrorName::InvalidAccessError, "A certificate is empty.");
    if (certificate.expires() <= environment.wall_clock) {
      return fail(ErrorName::InvalidAccessError, "A certificate has expired.");
    }
  }
  return configuration.certificates.front().impl()->in(context);
}

Result<> check(const Tuning& tuning) {
  if (tuning.mtu < 576 || tuning.mtu > 16'421) return fail(ErrorName::RangeError, "Tuning::mtu is out of range.");
  if (tuning.max_channels < 1 || tuning.max_channels > 65'534) {
    return fail(ErrorName::RangeError, "Tuning::max_channels is out of range.");
  }
  if (tuning.max_message_size < 1) return fail(ErrorName::RangeError, "Tuning::max_message_size is 0.");
  if (tuning.max_send_queue < 1) return fail(ErrorName::RangeError, "Tuning::max_send_queue is 0.");
  if (tuning.port_max != 0 && (tuning.port_min == 0 || tuning.port_max < tuning.port_min)) {
    return fail(ErrorName::RangeError, "Tuning::port_min to port_max is no range.");
  }
  return check_addresses(tuning);
}

transport::Options transport_options(const Configuration& configuration, const Tuning& tuning,
                                     std::vector<ice::Server> servers, crypto::Certificate certificate,
                                     crypto::LibraryContext context) {
  return {.ice = {.lite = tuning.ice_lite,
                  .policy = configuration.ice_transport_policy,
                  .udp = tuning.ice_udp,
                  .tcp = tuning.ice_tcp,
                  .servers = std::move(servers),
                  .ipv4_first = tuning.ice_ipv4_first,
                  .bound_streams = has_filters(tuning),
                  .public_addresses = public_mappings(tuning),
                  .show_private_addresses = tuning.ice_show_private_addresses,
                  .pacing = tuning.ice_check_interval,
                  .patience = tuning.ice_failed_timeout,
                  .consent_interval = tuning.ice_consent_interval,
                  .consent_expiry = tuning.ice_consent_timeout,
                  .disconnected_after = tuning.ice_disconnected_timeout,
                  .allocate_again = tuning.ice_continual_gathering,
                  .max_remote_candidates = tuning.ice_max_remote_candidates,
                  .max_pairs = tuning.ice_max_pairs},
          .dtls = {.context = std::move(context),
                   .certificate = std::move(certificate),
                   .initial_timeout = tuning.dtls_initial_timeout,
                   .total_timeout = tuning.dtls_handshake_timeout},
          .sctp = {.interleaving = tuning.sctp_interleaving,
                   .zero_checksum = tuning.sctp_zero_checksum,
                   .max_message_size = tuning.max_message_size,
                   .max_send_queue = tuning.max_send_queue,
                   .initial_receive_window = tuning.initial_receive_window,
                   .receive_window = tuning.receive_window,
                   .rto_initial = tuning.sctp_rto_initial,
                   .rto_min = tuning.sctp_rto_min,
                   .rto_max = tuning.sctp_rto_max,
                   .heartbeat_interval = tuning.sctp_heartbeat_interval,
                   .congestion_algorithm = tuning.congestion_algorithm,
                   .pacing = tuning.sctp_pacing,
                   .tolerate_random_loss = tuning.sctp_tolerate_random_loss,
                   .ecn = tuning.sctp_ecn},
          .mtu = tuning.mtu,
          .max_mtu = tuning.max_mtu,
          .dtls_in_stun = tuning.experimental_sped,
          .close_timeout = tuning.close_timeout,
          .close_limit = tuning.close_limit};
}

}  // namespace linnet::session
