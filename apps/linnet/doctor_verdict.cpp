#include "doctor_verdict.hpp"

#include <algorithm>
#include <utility>

namespace linnet::app {
namespace {

using Attempt = NetworkReport::Attempt;

/// What a server inside of our own network sees says nothing of the internet.
bool is_outside(const Attempt& attempt) { return scope_of(attempt.address.address) == "public"; }

/// What is known of one address family.
struct Family {
  bool asked = false;     ///< Servers outside, over UDP;
  bool answered = false;  ///< one did.
  bool translated = false;
  NatMapping mapping = NatMapping::Unknown;
  NatFiltering filtering = NatFiltering::Unknown;
};

Family look_at(const NetworkReport& report, bool v4) {
  Family out;
  for (const auto& server : report.servers) {
    for (const Attempt& attempt : server.attempts) {
      if (attempt.protocol != Protocol::Udp || attempt.address.address.is_v4() != v4 || attempt.address.port == 0 ||
          !is_outside(attempt) || attempt.state == ServerState::Unreachable)  // It was never sent anything.
        continue;
      out.asked = true;
      if (!attempt.nat) continue;
      out.answered = true;
      out.translated = out.translated || attempt.nat->translated;
      // Who could ask everything knows better than who could only compare.
      if (out.mapping == NatMapping::Unknown || (attempt.nat->discovers && attempt.nat->mapping != NatMapping::Unknown))
        out.mapping = attempt.nat->mapping;
      if (out.filtering == NatFiltering::Unknown) out.filtering = attempt.nat->filtering;
    }
  }
  return out;
}

Verdict::Direct direct_over(const Family& family) {
  if (!family.answered) return Verdict::Direct::Unknown;
  switch (family.mapping) {
    // Both know where the other one is seen, and each lets in whom it has sent to.
    case NatMapping::EndpointIndependent: return Verdict::Direct::Yes;
    case NatMapping::Unknown: return Verdict::Direct::Unknown;
    default: return Verdict::Direct::No;
  }
}

void say_how_direct(Verdict& out, const Family& v4, const Family& v6) {
  const auto say = [&](std::string sentence) { out.sentences.push_back(std::move(sentence)); };
  const auto over_v4 = direct_over(v4);
  const auto over_v6 = direct_over(v6);
  const bool asked = v4.asked || v6.asked;
  const bool answered = v4.answered || v6.answered;
  if (over_v4 == Verdict::Direct::Yes || over_v6 == Verdict::Direct::Yes) {
    out.direct = Verdict::Direct::Yes;
    const bool only_v6 = over_v4 != Verdict::Direct::Yes;
    const Family& family = only_v6 ? v6 : v4;
    say(std::string{"Two peers on networks like this one connect directly"} + (only_v6 ? ", over IPv6." : "."));
    if (family.translated && family.filtering == NatFiltering::EndpointIndependent)
      say("Peers behind any NAT reach this one, too: its NAT lets everybody in.");
    else if (family.translated)
      say("A peer whose NAT changes its address with each destination (a symmetric one) may need a relay to reach this "
          "one.");
  } else if (asked && !answered) {
    out.direct = Verdict::Direct::No;
    say("UDP does not get through to the servers: peers are reached in the same network, or by a TURN server over TCP "
        "or "
        "TLS.");
  } else if (over_v4 == Verdict::Direct::No || over_v6 == Verdict::Direct::No) {
    out.direct = Verdict::Direct::No;
    say("The NAT gives each destination another address of ours (a symmetric one): two peers on networks like this one "
        "need a relay.");
    say("Peers with a public address, or whose NAT lets in whom they have sent to whatever the port, are reached "
        "directly.");
  } else if (answered) {
    say("Whether peers elsewhere connect directly is not known: it takes a STUN server with two addresses (RFC 5780), "
        "or a "
        "second server.");
  } else if (out.host) {
    say("Peers in the same network connect directly. Of others nothing is known: no server on the internet was asked "
        "(--stun "
        "URL).");
  }
}

}  // namespace

Verdict judge(const NetworkReport& report) {
  Verdict out;
  out.host = std::ranges::any_of(report.addresses, &NetworkReport::Address::gathered);
  for (const auto& server : report.servers) {
    for (const Attempt& attempt : server.attempts) {
      out.server_reflexive = out.server_reflexive || (attempt.nat && attempt.nat->translated);
      if (!server.turn || attempt.state != ServerState::Works) continue;
      bool& relay = attempt.protocol == Protocol::Udp   ? out.relay_udp
                    : attempt.protocol == Protocol::Tcp ? out.relay_tcp
                                                        : out.relay_tls;
      relay = true;
    }
  }
  if (!out.host) out.sentences.emplace_back("This machine has no network address: it is not connected.");
  say_how_direct(out, look_at(report, true), look_at(report, false));
  const bool has_relay = out.relay_udp || out.relay_tcp || out.relay_tls;
  const bool has_turn = std::ranges::any_of(report.servers, &NetworkReport::Server::turn);
  if (has_relay) {
    std::string how;
    for (const auto& [works, name] : {std::pair{out.relay_udp, "UDP"}, {out.relay_tcp, "TCP"}, {out.relay_tls, "TLS"}})
      if (works) how += (how.empty() ? "" : ", ") + std::string{name};
    out.sentences.push_back("Where a direct way is missing, connections are relayed (TURN over " + how + ").");
  } else if (has_turn) {
    out.sentences.emplace_back("No TURN server works: where a direct way is missing there is no connection.");
  } else if (out.direct == Verdict::Direct::No) {
    out.sentences.emplace_back("No TURN server was named that could relay (--turn URL).");
  }
  return out;
}

std::string_view to_string(Verdict::Direct direct) noexcept {
  switch (direct) {
    case Verdict::Direct::Yes: return "yes";
    case Verdict::Direct::No: return "no";
    case Verdict::Direct::Unknown: break;
  }
  return "unknown";
}

std::string_view scope_of(const IpAddress& address) noexcept {
  if (address.is_loopback()) return "loopback";
  if (address.is_link_local()) return "link-local";
  return address.is_private() ? "private" : "public";
}

std::string_view describe(NatMapping mapping) noexcept {
  switch (mapping) {
    case NatMapping::EndpointIndependent: return "the same outside address for every destination";
    case NatMapping::AddressDependent: return "another outside address for each destination address";
    case NatMapping::AddressAndPortDependent: return "another outside address for each destination address and port";
    case NatMapping::Dependent: return "other outside addresses for other destinations";
    case NatMapping::Unknown: break;
  }
  return "not known";
}

std::string_view describe(NatFiltering filtering) noexcept {
  switch (filtering) {
    case NatFiltering::EndpointIndependent: return "everybody is let in";
    case NatFiltering::AddressDependent: return "let in is who was sent to, from any port";
    case NatFiltering::AddressAndPortDependent: return "let in is who was sent to, from that port only";
    case NatFiltering::Unknown: break;
  }
  return "not known";
}

}  // namespace linnet::app
