#include "doctor_report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <string_view>
#include <utility>

#include "output.hpp"

namespace linnet::app {
namespace {

namespace json = boost::json;
using Attempt = NetworkReport::Attempt;
using Milliseconds = std::chrono::duration<double, std::milli>;

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string in_milliseconds(double milliseconds) {
  return milliseconds < 1 ? "under 1 ms" : std::to_string(std::lround(milliseconds)) + " ms";
}

std::string upper(Protocol protocol) {
  return protocol == Protocol::Udp ? "UDP" : protocol == Protocol::Tcp ? "TCP" : "TLS";
}

std::string line_of(const Attempt& attempt, bool turn) {
  if (attempt.state != ServerState::Works) return "no: " + Output::printable(attempt.text);
  std::string out = "works over " + upper(attempt.protocol);
  if (attempt.address.address.is_v6()) out += " and IPv6";
  if (attempt.round_trip) out += ", " + in_milliseconds(Milliseconds{*attempt.round_trip}.count());
  if (attempt.mapped) out += ", sees us as " + to_string(*attempt.mapped);
  if (!turn) return out;
  out += ", relays at ";
  for (std::size_t i = 0; i < attempt.relayed.size(); ++i)
    out += (i == 0 ? "" : " and ") + to_string(attempt.relayed[i].address);
  return out;
}

/// What one server can tell of the NAT.
std::vector<std::string> lines_of(const NetworkReport::Nat& nat) {
  const auto or_why = [](std::string_view known, const std::string& why) {
    return why.empty() ? std::string{known} : "not known, as " + why;
  };
  std::vector<std::string> out;
  if (nat.translated) {
    auto mapping = or_why(describe(nat.mapping), nat.mapping_unknown);
    if (nat.compared != 0)
      mapping += " (compared with " + std::to_string(nat.compared) + " other server" + (nat.compared == 1 ? ")" : "s)");
    out.push_back("behind a NAT: " + mapping);
    if (nat.hairpins)
      out.emplace_back(*nat.hairpins ? "peers behind the same NAT reach each other by their outside addresses"
                                     : "peers behind the same NAT do not reach each other by their outside addresses");
  } else {
    out.emplace_back("no NAT");
  }
  out.push_back("filter: " + or_why(describe(nat.filtering), nat.filtering_unknown));
  return out;
}

json::object to_json(const NetworkReport::Nat& nat) {
  json::object out{{"translated", nat.translated},          {"discovery", nat.discovers},
                   {"mapping", to_string(nat.mapping)},     {"compared", nat.compared},
                   {"filtering", to_string(nat.filtering)}, {"hairpinning", nullptr}};
  if (nat.hairpins) out["hairpinning"] = *nat.hairpins;
  if (!nat.mapping_unknown.empty()) out["mappingUnknown"] = nat.mapping_unknown;
  if (!nat.filtering_unknown.empty()) out["filteringUnknown"] = nat.filtering_unknown;
  return out;
}

json::object to_json(const Attempt& attempt) {
  json::object out{{"protocol", to_string(attempt.protocol)}, {"state", to_string(attempt.state)}};
  if (attempt.address.port != 0) out["address"] = to_string(attempt.address);
  if (!attempt.text.empty()) out["text"] = Output::well_formed(attempt.text);
  if (attempt.error_code != 0) out["errorCode"] = attempt.error_code;
  if (attempt.round_trip) out["roundTripMs"] = Milliseconds{*attempt.round_trip}.count();
  if (attempt.local) out["local"] = to_string(*attempt.local);
  if (attempt.mapped) out["mapped"] = to_string(*attempt.mapped);
  if (!attempt.relayed.empty()) {
    json::array relayed;
    for (const Endpoint& each : attempt.relayed) relayed.emplace_back(to_string(each));
    out["relayed"] = std::move(relayed);
  }
  if (attempt.nat) out["nat"] = to_json(*attempt.nat);
  return out;
}

void add_addresses(const NetworkReport& report, std::vector<std::string>& out) {
  out.emplace_back("Addresses");
  std::size_t width = 0;
  std::size_t address_width = 0;
  for (const auto& each : report.addresses) {
    width = std::max(width, each.interface.size());
    address_width = std::max(address_width, to_string(each.address).size());
  }
  for (const auto& each : report.addresses) {
    auto line = "  " + padded(Output::printable(each.interface), width) + "  " +
                padded(to_string(each.address), address_width) + "  " + std::string{scope_of(each.address)};
    if (each.wireless) line += ", wireless";
    if (each.point_to_point) line += ", a tunnel or a modem";
    if (!each.gathered) line += ", not offered to peers";
    out.push_back(std::move(line));
  }
  if (report.addresses.empty()) out.emplace_back("  none");
  out.emplace_back(
      "  A browser hides them behind random names (mDNS) until the page may use a camera or a microphone.");
}

void add_servers(const NetworkReport& report, std::vector<std::string>& out) {
  if (report.servers.empty()) return;
  out.emplace_back("Servers");
  for (const auto& server : report.servers) {
    out.push_back("  " + Output::printable(server.url));
    for (const Attempt& attempt : server.attempts) {
      out.push_back("    " + line_of(attempt, server.turn));
      if (!attempt.nat) continue;
      for (auto& line : lines_of(*attempt.nat)) out.push_back("    " + std::move(line));
    }
  }
}

void add_candidates(const Verdict& verdict, std::vector<std::string>& out) {
  out.emplace_back("Candidates");
  const auto add = [&](std::string_view name, bool works) {
    out.push_back("  " + padded(std::string{name}, 26) + (works ? "yes" : "no"));
  };
  add("of this machine (host)", verdict.host);
  add("behind a NAT (srflx)", verdict.server_reflexive);
  add("relayed, over UDP (relay)", verdict.relay_udp);
  add("relayed, over TCP (relay)", verdict.relay_tcp);
  add("relayed, over TLS (relay)", verdict.relay_tls);
}

}  // namespace

std::vector<std::string> DoctorReport::text() const {
  std::vector<std::string> out;
  add_addresses(network, out);
  if (signaling) {
    out.emplace_back("Signaling");
    out.push_back("  " + Output::printable(signaling->url));
    out.push_back("    " + (signaling->result == ExitCode::Done
                                ? "works over WebSocket, connected in " + in_milliseconds(signaling->time.count())
                                : "no: " + Output::printable(signaling->text)));
  }
  add_servers(network, out);
  const Verdict verdict = judge(network);
  add_candidates(verdict, out);
  out.emplace_back("So");
  for (const auto& sentence : verdict.sentences) out.push_back("  " + sentence);
  return out;
}

json::object DoctorReport::json() const {
  const Verdict verdict = judge(network);
  json::array addresses;
  for (const auto& each : network.addresses)
    addresses.push_back(json::object{{"interface", Output::well_formed(each.interface)},
                                     {"address", to_string(each.address)},
                                     {"family", each.address.is_v4() ? "IPv4" : "IPv6"},
                                     {"scope", scope_of(each.address)},
                                     {"wireless", each.wireless},
                                     {"pointToPoint", each.point_to_point},
                                     {"gathered", each.gathered}});
  json::array servers;
  for (const auto& server : network.servers) {
    json::array attempts;
    for (const Attempt& attempt : server.attempts) attempts.push_back(to_json(attempt));
    servers.push_back(json::object{{"url", Output::well_formed(server.url)},
                                   {"kind", server.turn ? "turn" : "stun"},
                                   {"works", server.works()},
                                   {"attempts", std::move(attempts)}});
  }
  json::array relay;
  for (const auto& [works, name] :
       {std::pair{verdict.relay_udp, "udp"}, {verdict.relay_tcp, "tcp"}, {verdict.relay_tls, "tls"}})
    if (works) relay.emplace_back(name);
  json::array sentences;
  for (const auto& sentence : verdict.sentences) sentences.emplace_back(sentence);
  json::object out{
      {"addresses", std::move(addresses)},
      {"signaling", nullptr},
      {"servers", std::move(servers)},
      {"candidates",
       json::object{{"host", verdict.host}, {"srflx", verdict.server_reflexive}, {"relay", std::move(relay)}}},
      {"direct", to_string(verdict.direct)},
      {"summary", std::move(sentences)}};
  if (signaling) {
    json::object about{{"url", Output::well_formed(signaling->url)}, {"works", signaling->result == ExitCode::Done}};
    if (signaling->result == ExitCode::Done)
      about["connectedMs"] = signaling->time.count();
    else
      about["text"] = Output::well_formed(signaling->text);
    out["signaling"] = std::move(about);
  }
  return out;
}

ExitCode DoctorReport::exit_code() const {
  ExitCode out = signaling ? signaling->result : ExitCode::Done;
  for (const auto& server : network.servers) {
    if (server.works()) continue;
    const auto refuses = [](const Attempt& attempt) { return attempt.state == ServerState::Unauthorized; };
    if (!std::ranges::any_of(server.attempts, refuses)) return ExitCode::NoPath;
    if (out == ExitCode::Done) out = ExitCode::NotAllowed;
  }
  return out;
}

}  // namespace linnet::app
