#include <gtest/gtest.h>

#include <string>

#include "mdns/resolver.hpp"
#include "mdns/responder.hpp"
#include "sim/laws_suite.hpp"

namespace linnet::sim {
namespace {

// Two resolvers on one local network. Neither answers: each question ends by giving up.
class ResolverFixture {
 public:
  using Machine = mdns::Resolver;

  explicit ResolverFixture(Generator& random) : a_({}, random), b_({}, random) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) {
    a_.query(now, mdns::QueryId{next_++}, "one.local");
    b_.query(now, mdns::QueryId{next_++}, "two.local");
  }
  [[nodiscard]] bool ready() const { return resolved_ >= 2; }
  void act(TimePoint now, Side side, Generator& random) {
    if (chance(random, 0.2)) {
      machine(side).cancel(mdns::QueryId{random.below(next_)});
    } else {
      machine(side).query(now, mdns::QueryId{next_++}, std::to_string(random.below(5)) + ".local");
    }
  }
  void close(TimePoint, Side side) { machine(side).close(); }
  void on_event(TimePoint, Side, mdns::Resolver::Event&) { ++resolved_; }

 private:
  Machine a_;
  Machine b_;
  std::uint64_t next_ = 1;
  int resolved_ = 0;
};

// Two responders on one local network, which at times want the same name.
class ResponderFixture {
 public:
  using Machine = mdns::Responder;

  explicit ResponderFixture(Generator&) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) {
    started_ = a_.publish(now, "one.local", address(Side::A)) && b_.publish(now, "two.local", address(Side::B));
  }
  [[nodiscard]] bool ready() const { return started_; }
  void act(TimePoint now, Side side, Generator& random) {
    const std::string name = std::to_string(random.below(5)) + ".local";
    if (chance(random, 0.3)) {
      machine(side).withdraw(now, name);
    } else {
      (void)machine(side).publish(now, name, address(side));
    }
  }
  void close(TimePoint, Side side) { machine(side).close(); }
  void on_event(TimePoint, Side, mdns::Responder::Event&) {}

 private:
  static IpAddress address(Side side) {
    return IpAddress::v4({192, 0, 2, side == Side::A ? std::uint8_t{1} : std::uint8_t{2}});
  }

  Machine a_;
  Machine b_;
  bool started_ = false;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(MdnsResponder, SevenLaws, ResponderFixture);
INSTANTIATE_TYPED_TEST_SUITE_P(MdnsResolver, SevenLaws, ResolverFixture);

}  // namespace linnet::sim
