#include "ice/nat_behavior.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <set>
#include <tuple>

#include "sim/seeds.hpp"
#include "sim/world.hpp"
#include "stun/message_builder.hpp"

// RFC 5780 behind every kind of NAT that the simulator has.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::NatOptions;
using sim::Stop;
using stun::AttributeType;
using Unknown = NatBehavior::Unknown;
using SimNat = sim::NatBehavior;

const IpAddress first_address = IpAddress::v4({192, 0, 2, 1});
const IpAddress second_address = IpAddress::v4({192, 0, 2, 2});
const Endpoint server{first_address, 3'478};
const Endpoint alternate{second_address, 3'479};
const Endpoint another{IpAddress::v4({203, 0, 113, 53}), 3'478};
const IpAddress outside = IpAddress::v4({198, 51, 100, 1});
const IpAddress inside = IpAddress::v4({10, 0, 0, 2});

/// A STUN server with two addresses and two ports, that can be made to do less.
class Server {
 public:
  Server(sim::Network& network, const sim::LinkOptions& access) : host_(network.add_host("server")) {
    host_.add_address(first_address, nullptr, access).add_address(second_address, nullptr, access);
    for (const auto& address : {first_address, second_address})
      for (const std::uint16_t port : {server.port, alternate.port}) (void)host_.bind({address, port});
    host_.handler = [this](TimePoint, const sim::Packet& packet) { answer(packet); };
  }
  bool discovers = true;
  bool ignores_change = false;  ///< Answers from where it was asked.
  bool second_silent = false;
  unsigned error = 0;
  std::optional<Endpoint> other_lie{};
  std::optional<Endpoint> mapped_lie{};
  std::set<Endpoint> asked{};

 private:
  void answer(const sim::Packet& packet) {
    const auto message = stun::MessageView::parse(packet.bytes);
    if (!message || message->message_class() != stun::Class::Request) return;
    asked.insert(packet.to);
    if (second_silent && packet.to.address == second_address) return;
    const auto change = message->u32(AttributeType::ChangeRequest).value_or(0);
    const bool cannot = change != 0 && !discovers && !ignores_change;
    const Endpoint other{packet.to.address == first_address ? second_address : first_address,
                         packet.to.port == server.port ? alternate.port : server.port};
    Endpoint from = packet.to;
    if (discovers && !ignores_change) {
      if ((change & stun::change_address) != 0) from.address = other.address;
      if ((change & stun::change_port) != 0) from.port = other.port;
      if (second_silent && from.address == second_address) return;
    }
    std::array<std::byte, 256> room{};
    const unsigned code = error != 0 ? error : cannot ? 420U : 0U;
    stun::MessageBuilder out{room, code == 0 ? stun::Class::Success : stun::Class::Error, stun::Method::Binding,
                             message->transaction_id()};
    if (code != 0) {
      out.error_code(static_cast<stun::ErrorCode>(code), "No");
    } else {
      out.xor_address(AttributeType::XorMappedAddress, mapped_lie.value_or(packet.from));
      if (discovers) out.address(AttributeType::OtherAddress, other_lie.value_or(other));
    }
    host_.send(from, packet.from, std::span{room}.first(out.fingerprint().finish()));
  }
  sim::Host& host_;
};

/// One machine behind a NAT, or without one, and the server on the internet.
struct Scene {
  explicit Scene(std::uint64_t seed, std::optional<NatOptions> nat_options, sim::LinkOptions access = {})
      : random(seed), network(random), stun(network, access) {
    network.add_stun_server(another, nullptr, access);
    if (nat_options) nat = &network.add_nat(outside, *nat_options, nullptr, access);
    host = &network.add_host("client", nat ? inside : IpAddress::v4({198, 51, 100, 7}), nat);
  }
  NatBehavior::Result find_out(std::vector<Endpoint> others = {}) {
    NatBehavior machine{{.server = server, .others = std::move(others)}, random};
    sim::World<NatBehavior> world{network};
    auto& node = world.add(machine, *host);
    bool told = false;
    node.on_event = [&](NatBehavior::Event&) { told = true; };
    const auto address = host->addresses().front();
    first = host->bind({address, 0}).value();
    machine.start(network.now(), first, host->bind({address, 0}).value());
    EXPECT_EQ(world.run_until([&] { return told; }, 20s), Stop::Done);
    EXPECT_TRUE(machine.done());
    EXPECT_EQ(machine.next_timeout(), never);
    took = network.now() - sim::start;
    return machine.result();
  }
  SeededGenerator random;
  sim::Network network;
  Server stun;
  sim::Nat* nat = nullptr;
  sim::Host* host = nullptr;
  Endpoint first{};
  Duration took{};
};

NatMapping mapping_of(SimNat behavior) {
  return behavior == SimNat::EndpointIndependent ? NatMapping::EndpointIndependent
         : behavior == SimNat::AddressDependent  ? NatMapping::AddressDependent
                                                 : NatMapping::AddressAndPortDependent;
}
NatFiltering filtering_of(SimNat behavior) {
  return behavior == SimNat::EndpointIndependent ? NatFiltering::EndpointIndependent
         : behavior == SimNat::AddressDependent  ? NatFiltering::AddressDependent
                                                 : NatFiltering::AddressAndPortDependent;
}

constexpr std::array kinds{SimNat::EndpointIndependent, SimNat::AddressDependent, SimNat::AddressAndPortDependent};
constexpr std::array allocations{sim::PortAllocation::Preserve, sim::PortAllocation::Sequential,
                                 sim::PortAllocation::Random};

using Kind = std::tuple<SimNat, SimNat, sim::PortAllocation, bool>;
class EveryNat : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(OfMappingFilteringPortsHairpin, EveryNat,
                         testing::Combine(testing::ValuesIn(kinds), testing::ValuesIn(kinds),
                                          testing::ValuesIn(allocations), testing::Bool()));

TEST_P(EveryNat, IsFoundOutOverLossyPaths) {
  const auto [mapping, filtering, ports, hairpin] = GetParam();
  for (const std::uint64_t seed : sim::seeds(12)) {
    SCOPED_TRACE(sim::describe_seed(seed));
    Scene scene{seed,
                NatOptions{.mapping = mapping, .filtering = filtering, .ports = ports, .hairpin = hairpin},
                {.latency = 30ms, .jitter = 20ms, .loss = 0.1, .reorder = 0.1, .duplicate = 0.05}};
    const auto found = scene.find_out();
    ASSERT_TRUE(found.mapped);
    EXPECT_EQ(found.mapped->address, outside);
    EXPECT_TRUE(found.translated);
    EXPECT_TRUE(found.discovers);
    EXPECT_EQ(found.mapping, mapping_of(mapping));
    EXPECT_EQ(found.filtering, filtering_of(filtering));
    EXPECT_EQ(found.mapping_unknown, Unknown::Nothing);
    EXPECT_EQ(found.filtering_unknown, Unknown::Nothing);
    // A mapping that changes with the destination is another one towards ourselves: only an open filter lets that in.
    if (mapping == SimNat::EndpointIndependent || filtering == SimNat::EndpointIndependent || !hairpin) {
      EXPECT_EQ(found.hairpins, hairpin);
    }
    EXPECT_LE(scene.took, 8s);
  }
}

TEST_P(EveryNat, IsFoundOutTheSameTwice) {
  const auto [mapping, filtering, ports, hairpin] = GetParam();
  const NatOptions options{.mapping = mapping, .filtering = filtering, .ports = ports, .hairpin = hairpin};
  Scene one{7, options, {.loss = 0.2}};
  Scene two{7, options, {.loss = 0.2}};
  EXPECT_EQ(one.find_out().mapped, two.find_out().mapped);
  EXPECT_EQ(one.took, two.took);
}

TEST(NatBehavior, SeesThatThereIsNoNat) {
  Scene scene{1, std::nullopt};
  const auto found = scene.find_out();
  EXPECT_EQ(found.mapped, scene.first);
  EXPECT_FALSE(found.translated);
  EXPECT_EQ(found.mapping, NatMapping::EndpointIndependent);
  EXPECT_EQ(found.filtering, NatFiltering::EndpointIndependent);
  EXPECT_FALSE(found.hairpins);
  EXPECT_EQ(found.round_trip, 40ms);
  EXPECT_LE(scene.took, 1s) << "nothing is waited for";
}

TEST(NatBehavior, GivesUpOnAServerThatIsSilent) {
  Scene scene{1, NatOptions{}};
  scene.stun.error = 0;
  scene.host->handler = nullptr;
  NatBehavior machine{{.server = {IpAddress::v4({192, 0, 2, 99}), 3'478}}, scene.random};
  sim::World<NatBehavior> world{scene.network};
  world.add(machine, *scene.host);
  machine.start(scene.network.now(), scene.host->bind({inside, 0}).value(), scene.host->bind({inside, 0}).value());
  EXPECT_EQ(world.run_until([&] { return machine.done(); }, 20s), Stop::Done);
  const auto found = machine.result();
  EXPECT_FALSE(found.mapped);
  EXPECT_EQ(found.mapping_unknown, Unknown::NoAnswer);
  EXPECT_EQ(found.filtering_unknown, Unknown::NoAnswer);
  EXPECT_LE(scene.network.now() - sim::start, 5s);
}

TEST(NatBehavior, TellsTheErrorOfAServerThatRefuses) {
  Scene scene{1, NatOptions{}};
  scene.stun.error = 401;
  const auto found = scene.find_out();
  EXPECT_FALSE(found.mapped);
  EXPECT_EQ(found.error_code, 401);
  EXPECT_EQ(found.error_text, "No");
}

TEST(NatBehavior, ComparesServersWhenTheOneCannotTell) {
  for (const SimNat mapping : kinds) {
    Scene scene{1, NatOptions{.mapping = mapping, .ports = sim::PortAllocation::Random}};
    scene.stun.discovers = false;
    const auto found = scene.find_out({another});
    EXPECT_FALSE(found.discovers);
    EXPECT_EQ(found.mapping,
              mapping == SimNat::EndpointIndependent ? NatMapping::EndpointIndependent : NatMapping::Dependent);
    EXPECT_EQ(found.compared, 1U);
    EXPECT_EQ(found.filtering, NatFiltering::Unknown);
    EXPECT_EQ(found.filtering_unknown, Unknown::ServerCannot);
  }
}

TEST(NatBehavior, LearnsNothingOfAddressesFromAnotherPort) {
  Scene scene{1, NatOptions{.mapping = SimNat::AddressDependent}};
  scene.stun.discovers = false;
  EXPECT_EQ(scene.find_out({{first_address, alternate.port}}).mapping_unknown, Unknown::OtherSilent);
  Scene symmetric{1, NatOptions{.mapping = SimNat::AddressAndPortDependent}};
  symmetric.stun.discovers = false;
  EXPECT_EQ(symmetric.find_out({{first_address, alternate.port}}).mapping, NatMapping::Dependent);
}

TEST(NatBehavior, SaysThatOneServerIsTooFew) {
  Scene scene{1, NatOptions{}};
  scene.stun.discovers = false;
  const auto found = scene.find_out();
  EXPECT_TRUE(found.translated);
  EXPECT_EQ(found.mapping, NatMapping::Unknown);
  EXPECT_EQ(found.mapping_unknown, Unknown::ServerCannot);
}

TEST(NatBehavior, DoesNotTakeASilentSecondAddressForAFilter) {
  Scene scene{1, NatOptions{.filtering = SimNat::EndpointIndependent}};
  scene.stun.second_silent = true;
  const auto found = scene.find_out();
  EXPECT_EQ(found.mapping_unknown, Unknown::OtherSilent);
  // The answer from the other port of the first address came, which is what can be known.
  EXPECT_EQ(found.filtering, NatFiltering::AddressDependent);
  Scene filtered{1, NatOptions{.filtering = SimNat::AddressAndPortDependent}};
  filtered.stun.second_silent = true;
  EXPECT_EQ(filtered.find_out().filtering_unknown, Unknown::OtherSilent);
}

TEST(NatBehavior, IsNotFooledByAServerThatIgnoresWhatItIsAsked) {
  Scene scene{1, NatOptions{}};
  scene.stun.ignores_change = true;
  const auto found = scene.find_out();
  EXPECT_EQ(found.filtering, NatFiltering::Unknown);
  EXPECT_EQ(found.filtering_unknown, Unknown::AnswersWrongly);
  EXPECT_EQ(found.mapping, NatMapping::EndpointIndependent);
}

TEST(NatBehavior, SpeaksToNobodyWhomOnlyALiarNames) {
  for (const Endpoint lie : {Endpoint{IpAddress::v4({127, 0, 0, 1}), 1}, Endpoint{IpAddress::v4({224, 0, 0, 1}), 1},
                             Endpoint{IpAddress::v4({0, 0, 0, 0}), 1}, Endpoint{IpAddress::v4({198, 51, 100, 9}), 0},
                             Endpoint{*IpAddress::parse("2001:db8::1"), 1}, Endpoint{first_address, 4'000},
                             Endpoint{second_address, server.port}}) {
    SCOPED_TRACE(to_string(lie));
    Scene scene{1, NatOptions{}};
    scene.stun.other_lie = lie;
    EXPECT_FALSE(scene.find_out().discovers);
    EXPECT_EQ(scene.stun.asked, std::set{server});
    if (lie.address == first_address || lie.address == second_address) continue;
    Scene mapped{1, NatOptions{}};
    mapped.stun.mapped_lie = lie;
    EXPECT_FALSE(mapped.find_out().hairpins);
  }
}

TEST(NatBehavior, TellsWhatIsKnownWhenItIsClosed) {
  Scene scene{1, NatOptions{}};
  NatBehavior machine{{.server = server}, scene.random};
  sim::World<NatBehavior> world{scene.network};
  world.add(machine, *scene.host);
  machine.start(scene.network.now(), scene.host->bind({inside, 0}).value(), scene.host->bind({inside, 0}).value());
  (void)world.run_for(500ms);
  machine.close(world.now());
  const auto found = machine.result();
  EXPECT_EQ(found.mapping, NatMapping::EndpointIndependent);
  EXPECT_EQ(found.filtering, NatFiltering::Unknown);
  EXPECT_TRUE(machine.done());
  EXPECT_EQ(machine.next_timeout(), never);
  machine.handle_timeout(world.now() + 1h);
  DatagramBatch batch;
  EXPECT_EQ(machine.poll_transmit(world.now(), batch), Progress::Done);
  EXPECT_TRUE(batch.empty());
  EXPECT_FALSE(machine.poll_event());
}

}  // namespace
}  // namespace linnet::ice
