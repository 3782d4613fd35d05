#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "ice/nat_behavior.hpp"
#include "ice/server_probe.hpp"
#include "sim/as_pipe.hpp"
#include "sim/laws_suite.hpp"
#include "stun/message_builder.hpp"

// The machines that ask servers and then are done, held to the seven laws.

namespace linnet::sim {
namespace {

using ice::NatBehavior;
using ice::ServerProbe;
using stun::AttributeType;

const Endpoint at_server{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
const Endpoint at_first{.address = IpAddress::v4({10, 0, 0, 2}), .port = 1'000};
const Endpoint at_second{.address = IpAddress::v4({10, 0, 0, 2}), .port = 1'001};
const Endpoint outside{.address = IpAddress::v4({198, 51, 100, 1}), .port = 2'000};
const Endpoint other{.address = IpAddress::v4({192, 0, 2, 2}), .port = 3'479};

/// Answers every request, and whoever is not authenticated with a challenge.
class ToyServer {
 public:
  void handle_packet(std::span<const std::byte> bytes) {
    const auto request = stun::MessageView::parse(bytes);
    if (closed_ || !request || request->message_class() != stun::Class::Request || queue_.size() >= 100) return;
    const auto key = stun::long_term_key("ann", "realm", "apple");
    const bool binding = request->method() == stun::Method::Binding;
    const bool unknown = !binding && !request->verify_integrity(key);
    std::vector<std::byte> out(512);
    stun::MessageBuilder reply{out, unknown ? stun::Class::Error : stun::Class::Success, request->method(),
                               request->transaction_id()};
    if (unknown) {
      reply.error_code(stun::ErrorCode::Unauthenticated);
      reply.text(AttributeType::Realm, "realm").text(AttributeType::Nonce, "nonce");
    } else {
      reply.xor_address(AttributeType::XorMappedAddress, outside).address(AttributeType::OtherAddress, other);
      reply.xor_address(AttributeType::XorRelayedAddress, outside).u32(AttributeType::Lifetime, 600);
      reply.integrity(key);
    }
    out.resize(reply.fingerprint().finish());
    queue_.push_back(std::move(out));
  }
  [[nodiscard]] std::size_t poll_packet(std::span<std::byte> out) {
    if (queue_.empty()) return 0;
    const auto bytes = std::move(queue_.front());
    queue_.pop_front();
    std::ranges::copy(bytes, out.begin());
    return bytes.size();
  }
  void close() {
    closed_ = true;
    queue_.clear();
  }

 private:
  std::deque<std::vector<std::byte>> queue_;
  bool closed_ = false;
};

/// Either end of the path: `M`, as a pipe machine, or the server.
template <class M>
class InquiryEnd {
 public:
  using Event = std::variant<std::monostate>;

  explicit InquiryEnd(M& machine) : machine_(&machine) {}
  InquiryEnd() = default;

  void handle_timeout(TimePoint now) {
    if (machine_) machine_->handle_timeout(now);
  }
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    return machine_ ? std::as_const(*machine_).next_timeout() : never;
  }
  [[nodiscard]] std::optional<Event> poll_event() {
    if constexpr (requires { machine_->poll_event(); }) {
      if (machine_ && machine_->poll_event()) return Event{};
    }
    return std::nullopt;
  }
  void handle_packet(TimePoint now, std::span<std::byte> bytes) {
    machine_ ? machine_->handle_packet(now, bytes) : server.handle_packet(bytes);
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    return machine_ ? machine_->poll_packet(now, out) : server.poll_packet(out);
  }

  ToyServer server;

 private:
  M* machine_ = nullptr;
};

class NatBehaviorFixture {
 public:
  using Machine = InquiryEnd<AsPipe<NatBehavior>>;
  static constexpr std::size_t hostile_inputs = 40'000;

  explicit NatBehaviorFixture(Generator& random)
      : machine_({.server = at_server}, random), pipe_(machine_, {.local = at_first, .remote = at_server}), a_(pipe_) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) { machine_.start(now, at_first, at_second); }
  [[nodiscard]] bool ready() const { return machine_.done(); }
  void act(TimePoint now, Side side, Generator& random) {
    if (side == Side::B) return;
    if (chance(random, 0.5)) return machine_.start(now, at_first, at_second);
    (void)machine_.result();
  }
  void close(TimePoint now, Side side) { side == Side::A ? machine_.close(now) : b_.server.close(); }

 private:
  NatBehavior machine_;
  AsPipe<NatBehavior> pipe_;
  Machine a_;
  Machine b_;
};

template <bool Turn, bool Stream>
class ServerProbeFixture {
 public:
  using Machine = InquiryEnd<ServerProbe>;
  static constexpr bool reliable = Stream;
  static constexpr std::size_t hostile_inputs = 40'000;

  explicit ServerProbeFixture(Generator& random)
      : machine_({.kind = Turn ? ice::Server::Kind::Turn : ice::Server::Kind::Stun,
                  .protocol = Stream ? Protocol::Tls : Protocol::Udp,
                  .username = "ann",
                  .credential = "apple"},
                 std::chrono::seconds{8}, random),
        a_(machine_) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) { machine_.start(now); }
  [[nodiscard]] bool ready() const { return machine_.result().outcome != ServerProbe::Outcome::Pending; }
  void act(TimePoint now, Side side, Generator&) {
    if (side == Side::A) machine_.start(now);
  }
  void close(TimePoint now, Side side) { side == Side::A ? machine_.close(now) : b_.server.close(); }

 private:
  ServerProbe machine_;
  Machine a_;
  Machine b_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(NatBehavior, SevenLaws, NatBehaviorFixture);
using ServerProbes = testing::Types<ServerProbeFixture<false, false>, ServerProbeFixture<true, false>,
                                    ServerProbeFixture<false, true>, ServerProbeFixture<true, true>>;
INSTANTIATE_TYPED_TEST_SUITE_P(ServerProbe, SevenLaws, ServerProbes);

}  // namespace linnet::sim
