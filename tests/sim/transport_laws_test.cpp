#include <array>
#include <chrono>
#include <cstddef>
#include <variant>

#include "crypto/certificate.hpp"
#include "sim/as_pipe.hpp"
#include "sim/laws_suite.hpp"
#include "transport/transport.hpp"

namespace linnet::sim {
namespace {

using transport::Transport;

const Endpoint at_a{.address = IpAddress::v4({203, 0, 113, 1}), .port = 50'000};
const Endpoint at_b{.address = IpAddress::v4({203, 0, 113, 2}), .port = 50'000};

/// ICE, DTLS and SCTP of two ends, without a session above; the signaling is without loss or delay.
class TransportFixture {
 public:
  using Machine = AsPipe<Transport>;
  static constexpr std::int64_t memory_limit = std::int64_t{4} << 20;
  static constexpr std::size_t hostile_inputs = 40'000;
  // A handshake in the clear cannot be mended: DTLS 1.2 finds out only at its end.
  static constexpr bool checksummed = true;
  static constexpr std::uint64_t law_seeds = 6;

  explicit TransportFixture(Generator& random, bool dtls_in_stun = false)
      : dtls_in_stun_(dtls_in_stun),
        context_(crypto::LibraryContext::seeded(random)),
        certificates_{make(random), make(random)},
        ends_{{options(0), random}, {options(1), random}},
        pipes_{{ends_[0], {.local = at_a, .remote = at_b}}, {ends_[1], {.local = at_b, .remote = at_a}}} {}

  Machine& machine(Side side) { return pipes_[index(side)]; }
  void start(TimePoint now) {
    end(Side::A).ice().set_role(now, IceRole::Controlling);
    end(Side::B).ice().set_role(now, IceRole::Controlled);
    for (const Side side : sides) end(side).ice().gather(now);
    signal(now);
    for (const Side side : sides) end(side).start(now, start_of(side));
  }
  [[nodiscard]] bool ready() {
    return std::ranges::all_of(sides, [this](Side side) {
      const sctp::Association* sctp = end(side).sctp();
      return sctp && sctp->state() == SctpTransportState::Connected;
    });
  }
  void act(TimePoint now, Side side, Generator& random) {
    Transport& transport = end(side);
    switch (random.below(12)) {
      case 0:
        for (const Side each : sides) {
          end(each).ice().restart(now);
          end(each).ice().gather(now);
        }
        signal(now);
        break;
      case 1: transport.ice().set_role(now, chance(random, 0.5) ? IceRole::Controlling : IceRole::Controlled); break;
      case 2: transport.ice().remote_end_of_candidates(now); break;
      case 3: transport.set_remote_fingerprints({certificates_[index(other(side))].fingerprint()}); break;
      case 4:
        if (sctp::Association* sctp = transport.sctp()) {
          const std::array streams{stream(random)};
          (void)sctp->reset_streams(now, streams);
        }
        break;
      case 5:
        if (!transport.started()) break;
        for (const Side each : sides) end(each).restart_dtls(now, start_of(each));
        break;
      default:
        if (sctp::Association* sctp = transport.sctp()) {
          const std::vector<std::byte> data(between(random, 1, 4'000), std::byte{5});
          (void)sctp->send(now, stream(random), sctp::Ppid{53}, data, {.unordered = chance(random, 0.5)});
        }
    }
    update(now);
  }
  void close(TimePoint now, Side side) { end(side).close(now); }

  void on_event(TimePoint now, Side side, Transport::Event& event) {
    if (auto* ice = std::get_if<ice::Event>(&event)) on_ice(now, side, *ice);
    if (auto* sctp = std::get_if<sctp::Event>(&event)) {
      const auto* ready = std::get_if<sctp::MessageReady>(sctp);
      while (ready && end(side).sctp()->receive(ready->stream)) {
      }
    }
    update(now);
  }

 private:
  static constexpr std::array sides{Side::A, Side::B};
  static constexpr std::size_t index(Side side) noexcept { return static_cast<std::size_t>(side); }
  Transport& end(Side side) noexcept { return ends_[index(side)]; }

  void on_ice(TimePoint now, Side side, const ice::Event& event) {
    ice::Agent& agent = end(side).ice();
    if (std::holds_alternative<ice::NeedSockets>(event)) {
      agent.add_socket(now, {.local = side == Side::A ? at_a : at_b});
      agent.sockets_done(now);
    } else if (const auto* resolve = std::get_if<ice::Resolve>(&event)) {
      agent.resolved(now, resolve->id, {});
    } else if (const auto* found = std::get_if<ice::LocalCandidate>(&event)) {
      (void)end(other(side)).ice().add_remote_candidate(now, found->candidate);
    }
  }
  void signal(TimePoint now) {
    for (const Side side : sides) {
      (void)end(side).ice().set_remote(now, {.credentials = end(other(side)).ice().local_credentials()});
    }
    update(now);
  }
  void update(TimePoint now) {
    for (const Side side : sides) end(side).update(now);
  }
  Transport::Start start_of(Side side) const {
    return {.role = side == Side::A ? dtls::Role::Client : dtls::Role::Server,
            .fingerprints = {certificates_[index(other(side))].fingerprint()}};
  }
  static sctp::StreamId stream(Generator& random) {
    return sctp::StreamId{static_cast<std::uint16_t>(random.below(8))};
  }
  crypto::Certificate make(Generator& random) const {
    return crypto::Certificate::generate(context_, random,
                                         std::chrono::sys_seconds{std::chrono::seconds{1'790'000'000}})
        .value();
  }
  transport::Options options(std::size_t side) const {
    transport::Options options;
    options.dtls.context = context_;
    options.dtls.certificate = certificates_[side];
    options.dtls_in_stun = dtls_in_stun_;
    return options;
  }

  bool dtls_in_stun_;
  crypto::LibraryContext context_;
  crypto::Certificate certificates_[2];
  Transport ends_[2];
  Machine pipes_[2];
};

/// The same with the handshake in the checks.
class SpedFixture : public TransportFixture {
 public:
  explicit SpedFixture(Generator& random) : TransportFixture(random, true) {}
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Transport, SevenLaws, TransportFixture);
INSTANTIATE_TYPED_TEST_SUITE_P(TransportSped, SevenLaws, SpedFixture);

}  // namespace linnet::sim
