// Two negotiations driven by the input: verbs of both sides in any order, descriptions passed between them
// whole, mutated or made up. Laws: a verb that fails leaves no trace, the descriptions fit the signaling
// state, our own can be parsed and match the last Changes.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "jsep/negotiation.hpp"
#include "linnet/core/generator.hpp"
#include "sdp/parser.hpp"

namespace {

using namespace linnet;
using namespace linnet::jsep;

void require(bool law) {
  if (!law) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  unsigned byte() {
    if (rest_.empty()) return 0;
    const unsigned out = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return out;
  }
  std::string_view text(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view rest_;
};

struct Trace {
  explicit Trace(const Negotiation& n)
      : state(n.signaling_state()),
        descriptions{n.current_local_description(), n.pending_local_description(), n.current_remote_description(),
                     n.pending_remote_description()} {}
  bool operator==(const Trace&) const = default;
  SignalingState state;
  std::array<std::optional<SessionDescription>, 4> descriptions;
};

struct Peer {
  Peer(std::uint64_t seed, const char* fingerprint, bool inits)
      : generator(seed),
        negotiation({.fingerprints = {{.algorithm = "sha-256", .value = fingerprint}},
                     .sctp_inits = inits ? std::optional{sctp_inits()} : std::nullopt,
                     .limits = {.max_size = 20'000, .max_lines = 500, .max_media = 8},
                     .max_candidates = 8},
                    generator) {}

  /// Four bytes of which the first is 1 are an INIT here.
  static SctpInits sctp_inits() {
    return {.make =
                [](Generator& g) {
                  std::vector<std::byte> chunk(4, std::byte{1});
                  g.fill(std::span{chunk}.last(3));
                  return chunk;
                },
            .acceptable = [](std::span<const std::byte> c) { return c.size() == 4 && c[0] == std::byte{1}; }};
  }

  template <class Verb>
  void run(Verb verb) {
    const Trace before{negotiation};
    const auto result = verb(negotiation);
    if (!result) {
      require(!result.error().message.empty());
      require(Trace{negotiation} == before);
      return;
    }
    follow(*result);
    check();
  }

  void follow(const Changes& changes) {
    if (!changes.states.empty()) require(changes.states.back() == negotiation.signaling_state());
    if (changes.local_ice) ufrag = changes.local_ice->ufrag;
    require(!changes.gather || changes.local_ice);
    require(!changes.remote || (changes.dtls_role && changes.ice_role && !changes.remote->fingerprints.empty()));
    require(!changes.remote || !changes.transport_dropped);
    require(changes.local_sctp_init.empty() || (changes.remote && changes.remote->sctp_init.size() == 4));
  }

  void check() const {
    const Negotiation& n = negotiation;
    const bool pending_local = n.pending_local_description().has_value();
    const bool pending_remote = n.pending_remote_description().has_value();
    require(n.current_local_description().has_value() == n.current_remote_description().has_value());
    switch (n.signaling_state()) {
      case SignalingState::Stable: require(!pending_local && !pending_remote); break;
      case SignalingState::HaveLocalOffer: require(pending_local && !pending_remote); break;
      case SignalingState::HaveRemoteOffer: require(!pending_local && pending_remote); break;
      case SignalingState::HaveLocalPranswer:
      case SignalingState::HaveRemotePranswer: require(pending_local && pending_remote); break;
      case SignalingState::Closed: break;
    }
    for (const auto& d : {n.local_description(), n.remote_description()}) require(!d || sdp::parse(d->sdp).has_value());
    require(n.can_trickle().has_value() == n.remote_description().has_value());
  }

  SeededGenerator generator;
  Negotiation negotiation;
  std::string ufrag;
};

/// The text whole, without a line, or with some bytes of it replaced by bytes of the input.
std::string mutated(std::string text, Input& in) {
  const unsigned how = in.byte();
  if (how < 128 || text.empty()) return text;
  const std::size_t at = (in.byte() * 256u + in.byte()) % text.size();
  if (how < 160) {
    const std::size_t begin = text.rfind('\n', at);
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
    const std::size_t first = begin == std::string::npos || begin == at ? at : begin + 1;
    return text.erase(first, end + 1 - std::min(first, end + 1));
  }
  const std::string_view bytes = in.text(how % 16);
  return how < 200 ? text.insert(at, bytes) : text.replace(at, bytes.size(), bytes);
}

SdpType type_of(unsigned byte) { return static_cast<SdpType>(byte % 4); }

void step(Peer& peer, Peer& other, Input& in) {
  Negotiation& n = peer.negotiation;
  switch (in.byte() % 12) {
    case 0: n.want_data(); break;
    case 1: n.restart_ice(); break;
    case 2: (void)n.create_offer({.ice_restart = in.byte() % 4 == 0}); break;
    case 3: (void)n.create_answer(); break;
    case 4: peer.run([](Negotiation& m) { return m.set_local_description(); }); break;
    case 5: peer.run([&](Negotiation& m) { return m.set_local_description(type_of(in.byte())); }); break;
    case 6:
    case 7:
      if (const auto d = other.negotiation.local_description()) {
        const SessionDescription sent{.type = d->type, .sdp = mutated(d->sdp, in)};
        peer.run([&](Negotiation& m) { return m.set_remote_description(sent); });
      }
      break;
    case 8: {
      const SessionDescription made_up{.type = type_of(in.byte()), .sdp = std::string{in.text(in.byte() * 8)}};
      peer.run([&](Negotiation& m) { return m.set_remote_description(made_up); });
      break;
    }
    case 9:
      (void)n.add_local_candidate("candidate:1 1 udp 1 192.0.2.1 " + std::to_string(in.byte()) + " typ host",
                                  peer.ufrag);
      break;
    case 10: (void)n.end_local_candidates(peer.ufrag); break;
    default: {
      IceCandidateInit c{.candidate = "candidate:1 1 udp 1 192.0.2.1 " + std::to_string(in.byte()) + " typ host"};
      if (in.byte() % 8 == 0) c.candidate = in.text(in.byte());
      if (in.byte() % 2 == 0)
        c.sdp_mid = std::to_string(in.byte() % 3);
      else
        c.sdp_m_line_index = static_cast<std::uint16_t>(in.byte() % 3);
      if (in.byte() % 2 == 0) c.username_fragment = other.ufrag;
      const Trace before{n};
      if (!n.add_remote_candidate(c)) require(Trace{n} == before);
      peer.check();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in{data, size};
  const unsigned start = in.byte();
  Peer a{1, "AA:AA", (start & 2U) == 0};
  Peer b{2, "BB:BB", (start & 4U) == 0};
  // Half of the inputs start from a connected pair.
  if (start % 2 == 0) {
    a.negotiation.want_data();
    a.run([](Negotiation& n) { return n.set_local_description(); });
    b.run([&](Negotiation& n) { return n.set_remote_description(*a.negotiation.local_description()); });
    b.run([](Negotiation& n) { return n.set_local_description(); });
    a.run([&](Negotiation& n) { return n.set_remote_description(*b.negotiation.local_description()); });
    require(a.negotiation.data_mid() && b.negotiation.data_mid() == a.negotiation.data_mid());
  }
  for (int steps = 0; !in.empty() && steps < 64; ++steps) {
    if (in.byte() % 2 == 0)
      step(a, b, in);
    else
      step(b, a, in);
  }
  return 0;
}
