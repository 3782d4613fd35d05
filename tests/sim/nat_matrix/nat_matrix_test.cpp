#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "sim/nat_matrix/theory.hpp"
#include "sim/nat_matrix/turn_host.hpp"
#include "sim/seed_trace.hpp"
#include "sim/seeds.hpp"
#include "sim/session/meeting.hpp"

// Whole connections between all kinds of networks, with a TURN server that both sides may use: the NAT lab of
// tests/interop in simulated time, with luck and loss.
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

const IpAddress turn_v4 = *IpAddress::parse("203.0.113.10");
const IpAddress turn_v6 = *IpAddress::parse("2001:db8::10");

/// What a kind of network is made of.
struct Site {
  explicit Site(const std::string& kind) {
    constexpr auto by_port = NatBehavior::AddressAndPortDependent;
    const NatOptions restricted_by_port{.filtering = by_port};
    if (kind == "full-cone") nats = {{.filtering = NatBehavior::EndpointIndependent}};
    if (kind == "restricted") nats = {{.filtering = NatBehavior::AddressDependent}};
    if (kind == "port-restricted") nats = {restricted_by_port};
    if (kind == "symmetric") nats = {{.mapping = by_port, .filtering = by_port, .ports = PortAllocation::Random}};
    if (kind == "double") nats = {restricted_by_port, restricted_by_port};
    udp = kind != "udp-blocked" && kind != "only-443";
    if (!udp) nats = {{.max_mappings = 0}};
    only_443 = kind == "only-443";
    v6 = kind == "ipv6-only";
  }
  std::vector<NatOptions> nats{};  ///< The outermost first.
  bool udp = true;
  bool only_443 = false;
  bool v6 = false;
};

/// Which candidates theory has for `self`, who meets `other`: its own address as the other side sees it, or its relay.
struct Choice {
  Choice(const Site& self, const Site& other, bool direct)
      : own(self.v6 || self.nats.empty()                                    ? IceCandidateType::Host
            : self.nats.front().mapping == NatBehavior::EndpointIndependent ? IceCandidateType::Srflx
                                                                            : IceCandidateType::Prflx),
        // Who has no UDP, or no IPv4, meets others in its relay alone.
        needs_relay(!direct && (!self.udp || (self.v6 && !other.v6))) {}
  IceCandidateType own;
  bool needs_relay;
};

/// Whether these are the candidates of A and B that theory has. If nobody needs a relay of its own but one is needed
/// (for nobody knows the port that a symmetric NAT gives), either side's will do, and one is enough.
bool fit(const Choice& a, const Choice& b, IceCandidateType type_a, IceCandidateType type_b, bool direct) {
  constexpr auto relay = IceCandidateType::Relay;
  if (direct) return type_a == a.own && type_b == b.own;
  if (a.needs_relay || b.needs_relay)
    return type_a == (a.needs_relay ? relay : a.own) && type_b == (b.needs_relay ? relay : b.own);
  return (type_a == relay && type_b == b.own) || (type_a == a.own && type_b == relay);
}

/// How it is on the way.
struct Weather {
  LinkOptions access;
  Duration signaling_delay;
};

Weather draw_weather(std::uint64_t seed, bool lossy) {
  SeededGenerator luck{seed * 77 + 5};
  Weather out;
  out.access = {.latency = std::chrono::milliseconds{1 + luck.below(60)},
                .jitter = std::chrono::milliseconds{luck.below(10)}};
  if (lossy) out.access.loss = 0.01 * static_cast<double>(1 + luck.below(10));
  out.signaling_delay = std::chrono::milliseconds{luck.below(150)};
  return out;
}

/// The two candidates of a pair in use, as one side sees them.
struct Types {
  IceCandidateType local = IceCandidateType::Host;
  IceCandidateType remote = IceCandidateType::Host;
  bool nominated = false;
  [[nodiscard]] std::string text() const {
    return std::string{to_string(local)} + " to " + std::string{to_string(remote)} +
           (nominated ? "" : ", not nominated");
  }
};

class Cell {
 public:
  Cell(const std::string& kind_a, const std::string& kind_b, std::uint64_t seed, bool lossy)
      : a(kind_a),
        b(kind_b),
        weather(draw_weather(seed, lossy)),
        luck(seed),
        network(luck),
        streams(network, luck, {.latency = weather.access.latency}),
        turn(network.add_host("turn", turn_v4).add_address(turn_v6), streams, luck),
        host_a(plug("A", a, 1)),
        host_b(plug("B", b, 2)),
        meeting(network, host_a, host_b, seed, options(a), options(b)) {
    meeting.world.streams = &streams;
    meeting.signaling_delay = meeting.signaling_jitter = weather.signaling_delay;
    streams.passes = [this](const Host& from, const Endpoint& to) {
      const Site& site = &from == &host_a ? a : b;
      return (to.address == turn_v4 || to.address == turn_v6) && to.address.is_v6() == site.v6 &&
             (!site.only_443 || to.port == 443);
    };
    meeting.on_event = [this](Meeting::Peer& peer, Session::Event& event) {
      const auto* const ready = std::get_if<Session::ChannelMessageReady>(&event);
      while (ready != nullptr && peer.session->receive(ready->channel)) ++received[peer.side == Side::A ? 0 : 1];
    };
    const DataChannelInit init{.negotiated = true, .id = 1};
    channel_a = meeting.a.session->create_data_channel(meeting.now(), "x", init).value();
    channel_b = meeting.b.session->create_data_channel(meeting.now(), "x", init).value();
  }

  [[nodiscard]] static std::optional<Types> types(Meeting& meeting, Meeting::Peer& peer) {
    const StatsReport report = peer.session->get_stats(meeting.now());
    const auto& transport = std::get<TransportStats>(report.at("T0"));
    if (!transport.selected_candidate_pair_id) return std::nullopt;
    const auto& pair = std::get<CandidatePairStats>(report.at(*transport.selected_candidate_pair_id));
    return Types{.local = std::get<IceCandidateStats>(report.at(pair.local_candidate_id)).candidate_type,
                 .remote = std::get<IceCandidateStats>(report.at(pair.remote_candidate_id)).candidate_type,
                 .nominated = pair.nominated};
  }
  /// Whether a message gets through from each side.
  [[nodiscard]] bool talk() {
    const auto before = received;
    (void)meeting.a.session->send(meeting.now(), channel_a, "hello");
    (void)meeting.b.session->send(meeting.now(), channel_b, "hello");
    return meeting.run_until([&] { return received[0] > before[0] && received[1] > before[1]; }, 60s) == Stop::Done;
  }
  [[nodiscard]] bool is_open() {
    return meeting.a.session->ready_state(channel_a) == DataChannelState::Open &&
           meeting.b.session->ready_state(channel_b) == DataChannelState::Open;
  }

  Site a;
  Site b;
  Weather weather;
  SeededGenerator luck;
  Network network;
  Streams streams;
  TurnHost turn;
  Host& host_a;
  Host& host_b;
  Meeting meeting;
  ChannelId channel_a{};
  ChannelId channel_b{};
  std::array<std::size_t, 2> received{};

 private:
  /// Both sides have the same private addresses, as homes do.
  Host& plug(const std::string& name, const Site& site, std::uint8_t number) {
    if (site.v6)
      return network.add_host(name, *IpAddress::parse("2001:db8::10" + std::to_string(number)), nullptr,
                              weather.access);
    Nat* behind = nullptr;
    IpAddress address = IpAddress::v4({203, 0, 113, static_cast<std::uint8_t>(100 + number)});
    std::uint8_t subnet = 0;
    for (const NatOptions& nat : site.nats) {
      behind = &network.add_nat(address, nat, behind, behind == nullptr ? weather.access : LinkOptions{.latency = 1ms});
      address = IpAddress::v4({10, subnet++, 0, 2});
    }
    Host& host = network.add_host(name, address, behind, {.latency = 1ms});
    streams.outside[&host] = IpAddress::v4({203, 0, 113, static_cast<std::uint8_t>(100 + number)});
    return host;
  }
  static Meeting::PeerOptions options(const Site& site) {
    const std::string at = site.v6 ? "[2001:db8::10]" : "203.0.113.10";
    return {.configuration = {.ice_servers = {{.urls = {"stun:" + at}},
                                              {.urls = {"turn:" + at, "turn:" + at + "?transport=tcp",
                                                        "turns:" + at + ":443"},
                                               .username = "user",
                                               .credential = "secret"}}},
            .tuning = {}};
  }
};

class NatMatrix : public testing::TestWithParam<std::tuple<std::string, std::string, bool>> {};

/// What there is of the cell's path, in words, and whether theory has it so.
struct Finding {
  Finding(Cell& cell, bool direct) {
    const auto a = Cell::types(cell.meeting, cell.meeting.a);
    const auto b = Cell::types(cell.meeting, cell.meeting.b);
    if (!a || !b) return;
    told = "A: " + a->text() + "; B: " + b->text();
    const Choice choice_a{cell.a, cell.b, direct};
    const Choice choice_b{cell.b, cell.a, direct};
    // Each knows both candidates; they may have learned them differently, but not which is a relay.
    good = a->nominated && b->nominated && a->local == b->remote && b->local == a->remote &&
           fit(choice_a, choice_b, a->local, a->remote, direct);
  }
  bool good = false;
  std::string told = "there is no path";
};

TEST_P(NatMatrix, ConnectsAsTheorySays) {
  const auto& [kind_a, kind_b, lossy] = GetParam();
  const bool direct = Theory::get().is_direct(kind_a, kind_b);
  for (const std::uint64_t seed : seeds(20)) {
    const SeedTrace trace{seed};
    // Who calls, and so controls, alternates.
    Cell cell{seed % 2 == 0 ? kind_a : kind_b, seed % 2 == 0 ? kind_b : kind_a, seed, lossy};
    Meeting& m = cell.meeting;
    ASSERT_EQ(m.run_until([&] { return cell.is_open(); }, 60s), Stop::Done) << m.describe();
    m.run_for(10s);
    // Loss may drive it to a relay for a while, from where it comes back.
    for (int tries = 0; lossy && tries < 20 && !Finding(cell, direct).good; ++tries) m.run_for(10s);
    const Finding found{cell, direct};
    EXPECT_TRUE(found.good) << found.told;
    EXPECT_TRUE(cell.talk()) << m.describe();
    EXPECT_TRUE(m.a.failure.empty() && m.b.failure.empty()) << m.a.failure << m.b.failure;
  }
}

/// Each two kinds once.
std::vector<std::tuple<std::string, std::string, bool>> cells() {
  const auto& kinds = Theory::get().kinds();
  std::vector<std::tuple<std::string, std::string, bool>> out;
  for (std::size_t a = 0; a < kinds.size(); ++a)
    for (std::size_t b = a; b < kinds.size(); ++b)
      for (const bool lossy : {false, true}) out.emplace_back(kinds[a], kinds[b], lossy);
  return out;
}

std::string name_of(const testing::TestParamInfo<NatMatrix::ParamType>& info) {
  const auto& [a, b, lossy] = info.param;
  std::string out = a + "_and_" + b + (lossy ? "_with_loss" : "");
  std::ranges::replace(out, '-', '_');
  return out;
}

INSTANTIATE_TEST_SUITE_P(AllPairs, NatMatrix, testing::ValuesIn(cells()), name_of);

TEST(NatTheory, IsSymmetricAndKnowsAllKinds) {
  const Theory& theory = Theory::get();
  ASSERT_EQ(theory.kinds().size(), 9U);
  for (const std::string& a : theory.kinds())
    for (const std::string& b : theory.kinds())
      EXPECT_EQ(theory.is_direct(a, b), theory.is_direct(b, a)) << a << ' ' << b;
}

}  // namespace
}  // namespace linnet::sim
