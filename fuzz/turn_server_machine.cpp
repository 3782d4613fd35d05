#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "check.hpp"
#include "turn_server/testing_client.hpp"
#include "turn_server/turn_server.hpp"

// A server with few of everything, its clients, its owner and the network, in any order: each step begins with a byte
// that says what happens. What a client says is well-formed and signed, and then perhaps changed. No more sockets are
// asked for than the options allow, each is closed once, and only permitted peers are sent to.
namespace {

using namespace linnet;
using turn_server::CloseRelay;
using turn_server::NeedRelay;
using turn_server::TurnServer;
using turn_server::testing::Bytes;
using turn_server::testing::Client;

const Endpoint at_server{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
const Endpoint other_server{.address = IpAddress::v4({192, 0, 2, 2}), .port = 3'479};
constexpr std::size_t max_allocations = 4;

turn_server::Options options() {
  return {.users = {{"ann", "apple"}},
          .secret = "north",
          .discovery = {{.primary = at_server, .alternate = other_server}},
          .max_allocations = max_allocations,
          .max_allocations_per_user = 3,
          .max_permissions = 4,
          .max_channels = 3,
          .max_queued_bytes = 32'768,
          .max_queued_datagrams = 40};
}

class World {
 public:
  void step(std::uint8_t what, std::span<const std::byte> more) {
    const auto pick = [&](std::size_t i) -> std::uint8_t {
      return i < more.size() ? std::to_integer<std::uint8_t>(more[i]) : std::uint8_t{0};
    };
    Client& client = clients_[pick(0) % clients_.size()];
    switch (what % 16) {
      case 0: return say(client, client.allocate(), more);
      case 1: return say(client, client.refresh(pick(1)), more);
      case 2: return say(client, client.permit({peer(pick(1)), peer(pick(2))}), more);
      case 3: return say(client, client.bind(static_cast<std::uint16_t>(0x4000U + pick(1) % 5U), peer(pick(2))), more);
      case 4: return say(client, client.send(peer(pick(1)), more), more);
      case 5: return say(client, Client::channel_data(static_cast<std::uint16_t>(0x4000U + pick(1) % 5U), more), more);
      case 6: return hand_in({{at_server.address, port(pick(0))}, peer(pick(1))}, Bytes{more.begin(), more.end()});
      case 7: return hand_in(client.path, Bytes{more.begin(), more.end()});
      case 8: return pass(std::chrono::seconds{pick(0)});
      case 9: return pass(std::chrono::minutes{pick(0)});
      case 10: return server_.disconnected(now_, client.path);
      case 11: return server_.relay_failed(now_, turn_server::RelayId{pick(0)});
      case 12: return server_.relay_opened(now_, turn_server::RelayId{pick(0)}, address(pick(1), pick(2)));
      case 13: opens_ = !opens_; return;
      case 14: return pump();
      default: return say(client, pick(1) % 2 == 0 ? client.binding() : discover(client, pick(2)), more);
    }
  }
  void finish() {
    pump();
    pass(std::chrono::hours{2});
    pump();
    require(server_.allocations() == 0 && server_.next_timeout() == never && open_.empty());
    server_.close(now_);
    say(clients_[0], clients_[0].allocate(), {});
    require(!server_.poll_event() && !transmit());
  }

 private:
  static Endpoint peer(std::uint8_t number) {
    constexpr std::array hosts{IpAddress::v4({203, 0, 113, 9}), IpAddress::v4({203, 0, 113, 10}),
                               IpAddress::v4({192, 0, 2, 1}), IpAddress::v4({10, 0, 0, 1}),
                               IpAddress::v4({127, 0, 0, 1})};
    return {hosts[number % hosts.size()], port(number)};
  }
  static std::uint16_t port(std::uint8_t number) { return static_cast<std::uint16_t>(50'000 + number % 16); }
  static turn_server::RelayAddress address(std::uint8_t local, std::uint8_t relayed) {
    return {{at_server.address, port(local)}, {at_server.address, port(relayed)}};
  }

  /// A Binding request of RFC 5780.
  static Bytes discover(Client& client, std::uint8_t what) {
    client.path.local = {what & 1U ? at_server.address : other_server.address,
                         what & 2U ? at_server.port : other_server.port};
    Bytes out = client.request(stun::Method::Binding, [&](stun::MessageBuilder& message) {
      const std::array<std::byte, 4> value{std::byte{0}, std::byte{0}, std::byte{what}, std::byte{what}};
      if (what & 4U) message.u32(stun::AttributeType::ChangeRequest, what >> 4U);
      if (what & 8U) message.attribute(stun::AttributeType::Padding, value);
      if (what & 16U) message.attribute(stun::AttributeType::ResponsePort, std::span{value}.subspan(2));
    });
    return out;
  }

  /// Says it, with up to two bytes changed.
  void say(Client& client, Bytes bytes, std::span<const std::byte> more) {
    if (more.size() >= 6 && !bytes.empty()) {
      for (const std::size_t i : {std::size_t{3}, std::size_t{4}}) {
        const auto at = std::to_integer<std::size_t>(more[i]);
        if (at < bytes.size()) bytes[at] ^= more[5];
      }
    }
    hand_in(client.path, std::move(bytes));
    client.path.local = at_server;
  }
  void hand_in(const Path& path, Bytes bytes) {
    server_.handle_datagram({.at = now_, .path = path, .bytes = bytes});
    require(server_.allocations() <= max_allocations);
  }
  void pass(Duration time) {
    now_ += time;
    if (server_.next_timeout() <= now_) server_.handle_timeout(now_);
    require(server_.next_timeout() > now_);
  }
  void pump() {
    while (const auto event = server_.poll_event()) {
      if (const auto* need = std::get_if<NeedRelay>(&*event)) {
        require(open_.insert(need->id).second && open_.size() <= 2 * max_allocations);
        const auto number = static_cast<std::uint8_t>(need->id.value());
        if (opens_) server_.relay_opened(now_, need->id, address(number, number));
      } else {
        require(open_.erase(std::get<CloseRelay>(*event).id) == 1);
      }
    }
    (void)transmit();
  }
  bool transmit() {
    bool any = false;
    Progress progress = Progress::More;
    while (progress == Progress::More) {
      batch_.clear();
      progress = server_.poll_transmit(now_, batch_);
      require(progress == Progress::Done || !batch_.empty());
      for (const auto& run : batch_.runs()) look(run);
      any = any || !batch_.empty();
    }
    return any;
  }
  void look(const DatagramBatch::Run& run) {
    if (run.path.local.address == other_server.address || run.path.local.port == other_server.port) {
      // RFC 5780: to the address that asked, and to no other one.
      require(std::ranges::any_of(
          clients_, [&](const Client& client) { return client.path.remote.address == run.path.remote.address; }));
      return;
    }
    if (run.path.local != at_server) {
      // From a relay, to a peer that the policy allows.
      require(run.path.remote.address == peer(0).address || run.path.remote.address == peer(1).address ||
              run.path.remote.address == at_server.address);
      return;
    }
    for (Client& client : clients_) {
      if (client.path == run.path) client.learn(run.bytes.first(std::min(run.bytes.size(), run.segment_size)));
    }
  }

  static Path path_of(std::uint8_t host) { return {at_server, {IpAddress::v4({203, 0, 113, host}), 4'000}}; }

  SeededGenerator random_{1};
  TurnServer server_{options(), random_};
  TimePoint now_{std::chrono::hours{1}};
  DatagramBatch batch_{70'000};
  bool opens_ = true;
  std::set<turn_server::RelayId> open_;
  std::array<Client, 6> clients_{Client{path_of(1), "ann", "apple"}, Client{path_of(2), "ann", "apple"},
                                 Client{path_of(3), "ann", "pear"},  Client{path_of(4), "ann", "apple"},
                                 Client{path_of(5), "bob", "x"},     Client{path_of(6), "ann", "apple"}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  auto rest = std::as_bytes(std::span{data, size});
  for (int steps = 0; rest.size() >= 2 && steps < 400; ++steps) {
    const auto what = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(std::to_integer<std::size_t>(rest[1]), rest.size() - 2);
    world.step(what, rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  world.finish();
  return 0;
}
