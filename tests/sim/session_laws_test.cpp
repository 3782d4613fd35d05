#include <gtest/gtest.h>

#include "linnet/core/session.hpp"
#include "sim/as_pipe.hpp"
#include "sim/laws_suite.hpp"

namespace linnet::sim {
namespace {

const Endpoint at_a{.address = IpAddress::v4({203, 0, 113, 1}), .port = 50'000};
const Endpoint at_b{.address = IpAddress::v4({203, 0, 113, 2}), .port = 50'000};

// Two whole connections with one data channel; the signaling is without loss or delay.
class SessionFixture {
 public:
  using Machine = AsPipe<Session>;
  static constexpr std::int64_t memory_limit = std::int64_t{4} << 20;
  static constexpr std::size_t hostile_inputs = 40'000;
  // A handshake in the clear cannot be mended: DTLS 1.2 finds out only at its end.
  static constexpr bool checksummed = true;
  static constexpr std::uint64_t law_seeds = 8;

  explicit SessionFixture(Generator& random)
      : a_(make(random, {.ice_candidate_pool_size = 1})),
        b_(make(random, {})),
        pipe_a_(*a_, {.local = at_a, .remote = at_b}),
        pipe_b_(*b_, {.local = at_b, .remote = at_a}) {}

  Machine& machine(Side side) { return side == Side::A ? pipe_a_ : pipe_b_; }
  void start(TimePoint now) {
    // The pool is gathered anew.
    (void)a_->set_configuration(now, {.ice_servers = {{.urls = {"stun:stun.example"}}}, .ice_candidate_pool_size = 1});
    channels_.push_back({Side::A, a_->create_data_channel(now, "chat").value()});
    negotiate(now, Side::A);
  }
  [[nodiscard]] bool ready() const {
    return a_->connection_state() == PeerConnectionState::Connected &&
           b_->connection_state() == PeerConnectionState::Connected && opened_ >= 2;
  }
  void act(TimePoint now, Side side, Generator& random) {
    Session& session = this->session(side);
    switch (random.below(10)) {
      case 0:
        if (channels_.size() < 20) {
          const auto made = session.create_data_channel(now, "more", {.ordered = chance(random, 0.5)});
          if (made) channels_.push_back({side, *made});
        }
        break;
      case 1: session.close_channel(now, pick(side, random)); break;
      case 2:
        session.restart_ice(now);
        negotiate(now, side);
        break;
      case 3: (void)session.get_stats(now); break;
      case 4:
      case 5:
        while (session.receive(pick(side, random))) {
        }
        break;
      default: {
        const std::vector<std::byte> data(between(random, 0, 4'000), std::byte{5});
        (void)session.send(now, pick(side, random), data);
      }
    }
  }
  void close(TimePoint now, Side side) { session(side).close(now); }

  void on_event(TimePoint now, Side side, Session::Event& event) {
    Session& session = this->session(side);
    if (std::holds_alternative<Session::NeedSockets>(event)) {
      session.add_socket(now, {.local = side == Side::A ? at_a : at_b});
      session.sockets_done(now);
    } else if (const auto* resolve = std::get_if<Session::Resolve>(&event)) {
      session.resolved(now, resolve->id, {});
    } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&event)) {
      if (found->candidate) trickle(now, side, *found->candidate);
    } else if (const auto* announced = std::get_if<Session::DataChannelAnnounced>(&event)) {
      if (channels_.size() < 64) channels_.push_back({side, announced->channel});
    } else if (std::holds_alternative<Session::ChannelOpen>(event)) {
      ++opened_;
    }
  }

 private:
  struct Channel {
    Side side;
    ChannelId id;
  };
  static std::unique_ptr<Session> make(Generator& random, Configuration configuration) {
    return Session::create(std::move(configuration), {},
                           {.generator = random,
                            .wall_clock = std::chrono::system_clock::time_point{std::chrono::hours{24 * 365 * 50}},
                            .simulation = true})
        .value();
  }
  Session& session(Side side) { return side == Side::A ? *a_ : *b_; }
  void negotiate(TimePoint now, Side from) {
    Session& caller = session(from);
    Session& callee = session(other(from));
    if (!caller.set_local_description(now)) return;
    if (!callee.set_remote_description(now, caller.local_description().value())) return;
    if (!callee.set_local_description(now)) return;
    (void)caller.set_remote_description(now, callee.local_description().value());
  }
  void trickle(TimePoint now, Side from, const IceCandidate& candidate) {
    (void)session(other(from)).add_ice_candidate(now, static_cast<const IceCandidateInit&>(candidate));
  }
  ChannelId pick(Side side, Generator& random) {
    const std::size_t first = static_cast<std::size_t>(random.below(channels_.size() + 1));
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const Channel& channel = channels_[(first + i) % channels_.size()];
      if (channel.side == side) return channel.id;
    }
    return ChannelId{0};
  }
  std::unique_ptr<Session> a_;
  std::unique_ptr<Session> b_;
  Machine pipe_a_;
  Machine pipe_b_;
  std::vector<Channel> channels_;
  int opened_ = 0;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(WholeSession, SevenLaws, SessionFixture);

}  // namespace linnet::sim
