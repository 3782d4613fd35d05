#include <gtest/gtest.h>

#include "ice/agent.hpp"
#include "sim/as_pipe.hpp"
#include "sim/ice/relayed_agent.hpp"
#include "sim/laws_suite.hpp"

namespace linnet::sim {
namespace {

const Endpoint at_a{.address = IpAddress::v4({203, 0, 113, 1}), .port = 50'000};
const Endpoint listener{.address = IpAddress::v4({203, 0, 113, 2}), .port = 9'000};
const Endpoint at_b{.address = IpAddress::v4({203, 0, 113, 2}), .port = 50'000};

/// Over UDP, or over streams that A opens to B. Each has the newest stream only: what was said on others is lost.
template <bool Tcp>
class AgentFixture {
 public:
  using Machine = AsPipe<ice::Agent>;
  static constexpr std::uint64_t law_seeds = 6;
  static constexpr bool reliable = Tcp;

  explicit AgentFixture(Generator& random)
      : a_({.udp = !Tcp, .tcp = Tcp ? IceTcp::Active : IceTcp::Off}, random),
        b_({.udp = !Tcp, .tcp = Tcp ? IceTcp::ActivePassive : IceTcp::Off}, random),
        pipe_a_(a_, {.local = at_a, .remote = at_b}),
        pipe_b_(b_, {.local = at_b, .remote = at_a}) {}

  Machine& machine(Side side) { return side == Side::A ? pipe_a_ : pipe_b_; }
  void start(TimePoint now) {
    a_.set_role(now, IceRole::Controlling);
    b_.set_role(now, IceRole::Controlled);
    for (const Side side : {Side::A, Side::B}) agent(side).gather(now);
    signal(now);
  }
  [[nodiscard]] bool ready() const { return a_.can_send() && b_.can_send(); }
  void act(TimePoint now, Side side, Generator& random) {
    ice::Agent& agent = this->agent(side);
    switch (random.below(8)) {
      case 0:
        agent.restart(now);
        agent.gather(now);
        signal(now);
        break;
      case 1: agent.set_role(now, chance(random, 0.5) ? IceRole::Controlling : IceRole::Controlled); break;
      case 2: agent.remote_end_of_candidates(now); break;
      case 3:
        (void)agent.add_remote_candidate(now, other_agent(side).local_candidates().empty()
                                                  ? ice::Candidate{}
                                                  : other_agent(side).local_candidates().front().candidate);
        break;
      case 4: agent.note_sent(now, machine(side).path(), 100); break;
      default: agent.note_received(now, machine(side).path(), 100);
    }
  }
  void close(TimePoint now, Side side) { agent(side).close(now); }

  void on_event(TimePoint now, Side side, ice::Event& event) {
    if (std::holds_alternative<ice::NeedSockets>(event)) {
      agent(side).add_socket(now, {.local = side == Side::A ? at_a : at_b});
      if (Tcp && side == Side::B) agent(side).add_socket(now, {.local = listener, .protocol = Protocol::Tcp});
      agent(side).sockets_done(now);
    } else if (const auto* connect = std::get_if<ice::Connect>(&event)) {
      const Endpoint port{at_a.address, static_cast<std::uint16_t>(20'000 + connect->path.local.port)};
      pipe_a_.set_path(connect->path);
      pipe_b_.set_path({listener, port, Protocol::Tcp});
      b_.connected(now, pipe_b_.path());
      a_.connected(now, pipe_a_.path());
    } else if (const auto* unused = std::get_if<ice::Disconnect>(&event)) {
      if (unused->path == machine(side).path())
        agent(other(side)).disconnected(now, machine(other(side)).path(), "the other side has closed the connection");
    } else if (const auto* resolve = std::get_if<ice::Resolve>(&event)) {
      agent(side).resolved(now, resolve->id, {});
    } else if (const auto* found = std::get_if<ice::LocalCandidate>(&event)) {
      (void)other_agent(side).add_remote_candidate(now, found->candidate);
    }
  }

 private:
  ice::Agent& agent(Side side) { return side == Side::A ? a_ : b_; }
  ice::Agent& other_agent(Side side) { return agent(other(side)); }
  // The signaling channel, without loss or delay.
  void signal(TimePoint now) {
    for (const Side side : {Side::A, Side::B}) {
      (void)agent(side).set_remote(now, {.credentials = other_agent(side).local_credentials()});
    }
  }
  ice::Agent a_;
  ice::Agent b_;
  Machine pipe_a_;
  Machine pipe_b_;
};

const Endpoint relay_a{.address = IpAddress::v4({198, 51, 100, 1}), .port = 50'001};
const Endpoint relay_b{.address = IpAddress::v4({198, 51, 100, 1}), .port = 50'002};

/// Both ends speak through TURN servers and nothing else.
class RelayFixture {
 public:
  using Machine = RelayedAgent;
  static constexpr std::uint64_t law_seeds = 6;

  explicit RelayFixture(Generator& random) : a_(random, at_a, relay_a, relay_b), b_(random, at_b, relay_b, relay_a) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) {
    agent(Side::A).set_role(now, IceRole::Controlling);
    agent(Side::B).set_role(now, IceRole::Controlled);
    for (const Side side : {Side::A, Side::B}) agent(side).gather(now);
    signal(now);
  }
  [[nodiscard]] bool ready() { return agent(Side::A).can_send() && agent(Side::B).can_send(); }
  void act(TimePoint now, Side side, Generator& random) {
    switch (random.below(6)) {
      case 0:
        agent(side).restart(now);
        agent(side).gather(now);
        signal(now);
        break;
      case 1: agent(side).remote_end_of_candidates(now); break;
      case 2: machine(side).server().restart(); break;
      case 3: machine(side).server().script.nonce_uses = 1 + static_cast<unsigned>(random.below(5)); break;
      default: agent(side).note_received(now, machine(side).path(), 100);
    }
  }
  void close(TimePoint now, Side side) { machine(side).close(now); }

  void on_event(TimePoint now, Side side, ice::Event& event) {
    if (std::holds_alternative<ice::NeedSockets>(event)) {
      agent(side).add_socket(now, {.local = machine(side).socket()});
      agent(side).sockets_done(now);
    } else if (const auto* found = std::get_if<ice::LocalCandidate>(&event)) {
      (void)agent(other(side)).add_remote_candidate(now, found->candidate);
    }
  }

 private:
  ice::Agent& agent(Side side) { return machine(side).agent(); }
  void signal(TimePoint now) {
    for (const Side side : {Side::A, Side::B}) {
      (void)agent(side).set_remote(now, {.credentials = agent(other(side)).local_credentials()});
    }
  }
  RelayedAgent a_;
  RelayedAgent b_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(IceAgent, SevenLaws, AgentFixture<false>);
INSTANTIATE_TYPED_TEST_SUITE_P(IceAgentOnStreams, SevenLaws, AgentFixture<true>);
INSTANTIATE_TYPED_TEST_SUITE_P(IceRelay, SevenLaws, RelayFixture);

}  // namespace linnet::sim
