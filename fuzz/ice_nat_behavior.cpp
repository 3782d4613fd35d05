#include <algorithm>
#include <array>
#include <vector>

#include "check.hpp"
#include "ice/nat_behavior.hpp"
#include "stun/message_builder.hpp"

// The client of RFC 5780 against servers that answer as they like: each step begins with a byte that says what happens.
// Answers bear the transaction of a request that was seen, so that they count. It ends in bounded time, whatever comes,
// never speaks to loopback or multicast, and says nothing after it is done.
namespace {

using namespace linnet;
using ice::NatBehavior;
using stun::AttributeType;

const Endpoint server{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
const Endpoint first{.address = IpAddress::v4({10, 0, 0, 2}), .port = 1'000};
const Endpoint second{.address = IpAddress::v4({10, 0, 0, 2}), .port = 1'001};

Endpoint pick_endpoint(std::uint8_t number) {
  const std::array all{server,
                       Endpoint{IpAddress::v4({192, 0, 2, 2}), 3'479},
                       Endpoint{IpAddress::v4({192, 0, 2, 2}), 3'478},
                       Endpoint{IpAddress::v4({192, 0, 2, 1}), 3'479},
                       Endpoint{IpAddress::v4({198, 51, 100, 1}), 2'000},
                       Endpoint{IpAddress::v4({198, 51, 100, 1}), 2'001},
                       Endpoint{IpAddress::v4({127, 0, 0, 1}), 2'000},
                       Endpoint{IpAddress::v4({224, 0, 0, 1}), 2'000},
                       Endpoint{IpAddress::v4({0, 0, 0, 0}), 2'000},
                       Endpoint{IpAddress::v6({0x20, 1}), 2'000},
                       Endpoint{IpAddress::v4({198, 51, 100, 1}), 0},
                       first,
                       second};
  return all[number % all.size()];
}

struct Seen {
  Path path;
  stun::TransactionId id;
};

class World {
 public:
  World() { machine_.start(now_, first, second); }

  void step(std::uint8_t what, std::span<const std::byte> more) {
    const auto pick = [&](std::size_t i) {
      return i < more.size() ? std::to_integer<std::uint8_t>(more[i]) : std::uint8_t{0};
    };
    switch (what % 8) {
      case 0: return pass(std::chrono::milliseconds{pick(0) * 4});
      case 1: return hand_in({pick(0) % 2 == 0 ? first : second, pick_endpoint(pick(1))}, {more.begin(), more.end()});
      case 2: {
        if (seen_.empty()) return;
        const Seen& asked = seen_[pick(0) % seen_.size()];
        return say(asked, {asked.path.local, pick_endpoint(pick(1))}, stun::Class::Request, more);
      }
      case 3: {
        if (seen_.empty()) return;
        const Seen& asked = seen_[pick(0) % seen_.size()];
        return say(asked, {asked.path.local == first ? second : first, pick_endpoint(pick(1))}, stun::Class::Request,
                   more);
      }
      case 4: {
        if (seen_.empty()) return;
        const Seen& asked = seen_[pick(0) % seen_.size()];
        return say(asked, asked.path, stun::Class::Error, more);
      }
      case 5: return transmit();
      case 6: {
        if (seen_.empty()) return;
        const Seen& asked = seen_[pick(0) % seen_.size()];
        return say(asked, {asked.path.local, pick_endpoint(pick(1))}, stun::Class::Success, more);
      }
      default: {
        if (seen_.empty()) return;
        const Seen& asked = seen_[pick(0) % seen_.size()];
        return say(asked, asked.path, stun::Class::Success, more);
      }
    }
  }
  void finish() {
    for (int i = 0; machine_.next_timeout() != never; ++i) {
      require(i < 1'000 && machine_.next_timeout() > now_);
      pass(machine_.next_timeout() - now_);
      transmit();
    }
    require(machine_.done() && machine_.poll_event() && !machine_.poll_event());
    const auto found = machine_.result();
    require(found.mapping == NatMapping::Unknown || found.mapped);
    require(found.filtering == NatFiltering::Unknown || found.mapped);
    require((found.mapping == NatMapping::Unknown) == (found.mapping_unknown != NatBehavior::Unknown::Nothing));
    require((found.filtering == NatFiltering::Unknown) == (found.filtering_unknown != NatBehavior::Unknown::Nothing));
    const std::size_t said = seen_.size();
    if (!seen_.empty()) say(seen_[0], seen_[0].path, stun::Class::Success, {});
    machine_.close(now_);
    transmit();
    require(seen_.size() == said && !machine_.poll_event());
  }

 private:
  void say(const Seen& asked, const Path& path, stun::Class kind, std::span<const std::byte> more) {
    const auto pick = [&](std::size_t i) {
      return i < more.size() ? std::to_integer<std::uint8_t>(more[i]) : std::uint8_t{0};
    };
    std::vector<std::byte> bytes(256);
    stun::MessageBuilder out{bytes, kind, stun::Method::Binding, asked.id};
    if (kind == stun::Class::Error) {
      out.error_code(static_cast<stun::ErrorCode>(300 + pick(2) % 400));
    } else if (kind == stun::Class::Success) {
      out.xor_address(AttributeType::XorMappedAddress, pick_endpoint(pick(2)));
      if (pick(3) % 2 == 0) out.address(AttributeType::OtherAddress, pick_endpoint(pick(4)));
    }
    bytes.resize(out.fingerprint().finish());
    hand_in(path, std::move(bytes));
  }
  void hand_in(const Path& path, std::vector<std::byte> bytes) {
    machine_.handle_datagram({.at = now_, .path = path, .bytes = bytes});
    transmit();
  }
  void pass(Duration time) {
    now_ += time;
    if (machine_.next_timeout() <= now_) machine_.handle_timeout(now_);
    require(machine_.next_timeout() > now_);
  }
  void transmit() {
    batch_.clear();
    require(machine_.poll_transmit(now_, batch_) == Progress::Done);
    for (const auto& run : batch_.runs()) {
      require(run.path.local == first || run.path.local == second);
      const IpAddress& to = run.path.remote.address;
      require(!to.is_loopback() && !to.is_multicast() && !to.is_unspecified() && to.is_v4() &&
              run.path.remote.port != 0);
      const auto message = stun::MessageView::parse(run.bytes.first(std::min(run.bytes.size(), run.segment_size)));
      require(message && message->verify_fingerprint());
      seen_.push_back({run.path, message->transaction_id()});
      require(seen_.size() < 400);
    }
  }

  SeededGenerator random_{1};
  NatBehavior machine_{{.server = server, .others = {pick_endpoint(4), pick_endpoint(6), pick_endpoint(3)}}, random_};
  TimePoint now_{std::chrono::hours{1}};
  DatagramBatch batch_{70'000};
  std::vector<Seen> seen_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  auto rest = std::as_bytes(std::span{data, size});
  for (int steps = 0; rest.size() >= 2 && steps < 200; ++steps) {
    const auto what = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(std::to_integer<std::size_t>(rest[1]) % 8, rest.size() - 2);
    world.step(what, rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  world.finish();
  return 0;
}
