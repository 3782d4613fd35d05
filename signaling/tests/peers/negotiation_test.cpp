// Perfect negotiation between two real PeerConnections on loopback. Signals travel in order for each direction, and
// the two directions overtake one another as the seed says, so that offers collide in every way there is.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>
#include <random>

#include "linnet/signaling/negotiator.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;

class Wire {
 public:
  Wire(asio::io_context& context, unsigned seed) : context_(context), random_(seed) {}

  void send(std::size_t to, SignalBody body) {
    if (cut) return;
    if (const auto* d = std::get_if<SessionDescription>(&body); d && d->type == SdpType::Offer) ++offers[1 - to];
    queues_[to].push_back(std::move(body));
    hop();
  }

  std::array<std::function<void(SignalBody)>, 2> deliver;
  std::array<int, 2> offers{};
  bool cut = false;  ///< Nothing that is sent arrives.

 private:
  /// Turns of the event loop pass before a signal is delivered, and then any direction may be the one.
  void hop() {
    asio::post(context_, [this] {
      if (random_() % 4 != 0) return hop();
      std::size_t to = random_() % 2;
      if (queues_[to].empty()) to = 1 - to;
      if (queues_[to].empty()) return;
      SignalBody body = std::move(queues_[to].front());
      queues_[to].pop_front();
      deliver[to](std::move(body));
    });
  }

  asio::io_context& context_;
  std::mt19937 random_;
  std::array<std::deque<SignalBody>, 2> queues_;
};

struct Side {
  Side(asio::io_context& context, Wire& wire, std::size_t self, NegotiatorOptions options)
      : pc(context, {}, {.ice_loopback_candidates = true}),
        negotiator(pc, [&wire, self](const SignalBody& body) { wire.send(1 - self, body); }, options) {
    negotiator.on_error([this](std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const Exception& e) {
        errors.push_back(e.what());
      }
    });
    pc.on_data_channel = [this](const DataChannelEvent& e) { came.push_back(e.channel.label()); };
    wire.deliver[self] = [this](SignalBody body) { negotiator.handle(std::move(body)); };
  }
  void open(const std::string& label) {
    channels.push_back(pc.create_data_channel(label));
    channels.back().on_open = [this] { ++opened; };
  }

  PeerConnection pc;
  Negotiator negotiator;
  std::vector<DataChannel> channels;
  std::vector<std::string> came;
  std::size_t opened = 0;
  std::vector<std::string> errors;
};

class Negotiation : public testing::TestWithParam<unsigned> {
 protected:
  Negotiation() : wire(context, GetParam()) {}

  /// The seed decides who is polite.
  void both(bool a_offers_first = true, bool b_offers_first = true) {
    const bool polite = GetParam() % 2 == 0;
    a.emplace(context, wire, 0, NegotiatorOptions{.polite = polite, .offers_first = a_offers_first});
    b.emplace(context, wire, 1, NegotiatorOptions{.polite = !polite, .offers_first = b_offers_first});
  }
  testing::AssertionResult until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return testing::AssertionFailure() << "it did not happen in time";
      context.run_one_for(std::chrono::milliseconds(20));
    }
    return testing::AssertionSuccess();
  }
  bool settled() {
    return a->pc.signaling_state() == SignalingState::Stable && b->pc.signaling_state() == SignalingState::Stable;
  }
  std::string local_ufrag(Side& side) {
    const std::string sdp = side.pc.current_local_description() ? side.pc.current_local_description()->sdp : "";
    const std::size_t at = sdp.find("a=ice-ufrag:");
    return at == std::string::npos ? "" : sdp.substr(at, sdp.find('\r', at) - at);
  }
  std::string remote_ufrag(Side& side) {
    const std::string sdp = side.pc.current_remote_description() ? side.pc.current_remote_description()->sdp : "";
    const std::size_t at = sdp.find("a=ice-ufrag:");
    return at == std::string::npos ? "" : sdp.substr(at, sdp.find('\r', at) - at);
  }

  asio::io_context context;
  Wire wire;
  std::optional<Side> a, b;
};

TEST_P(Negotiation, ConnectsWhenBothOfferAtOnce) {
  both();
  a->open("from a");
  b->open("from b");
  ASSERT_TRUE(until([&] { return a->opened == 1 && b->opened == 1; }));
  ASSERT_TRUE(until([&] { return a->came.size() == 1 && b->came.size() == 1 && settled(); }));
  EXPECT_EQ(a->came[0], "from b");
  EXPECT_THAT(a->errors, testing::IsEmpty());
  EXPECT_THAT(b->errors, testing::IsEmpty());
}

TEST_P(Negotiation, OpensTheChannelsOfTheSideThatWaited) {
  both(true, false);
  b->open("early");
  EXPECT_EQ(wire.offers[1], 0);
  a->open("first");
  ASSERT_TRUE(until([&] { return a->opened == 1 && b->opened == 1; }));
  EXPECT_EQ(wire.offers[1], 0) << "what waited was in the first offer's answer";
  // From now on the side that waited may offer too.
  b->pc.restart_ice();
  ASSERT_TRUE(until([&] { return wire.offers[1] == 1 && settled(); }));
  EXPECT_THAT(a->errors, testing::IsEmpty());
  EXPECT_THAT(b->errors, testing::IsEmpty());
}

TEST_P(Negotiation, KeepsBothSidesTogetherWhenBothRestartIceAgainAndAgain) {
  both();
  a->open("x");
  ASSERT_TRUE(until([&] { return a->opened == 1 && b->came.size() == 1; }));
  for (int round = 0; round < 3; ++round) {
    const std::string before_a = local_ufrag(*a), before_b = local_ufrag(*b);
    a->pc.restart_ice();
    b->pc.restart_ice();
    // Every restart took place, whoever's offer was ignored, and the two agree on the outcome.
    ASSERT_TRUE(until([&] {
      return settled() && local_ufrag(*a) != before_a && local_ufrag(*b) != before_b &&
             local_ufrag(*a) == remote_ufrag(*b) && local_ufrag(*b) == remote_ufrag(*a);
    }));
  }
  ASSERT_TRUE(until([&] { return a->pc.connection_state() == PeerConnectionState::Connected; }));
  b->open("later");
  ASSERT_TRUE(until([&] { return b->opened == 1 && !a->came.empty(); }));
  EXPECT_THAT(a->errors, testing::IsEmpty());
  EXPECT_THAT(b->errors, testing::IsEmpty());
}

TEST_P(Negotiation, ComesBackFromRestartsWhoseSignalsWereLostOnBothSides) {
  both();
  a->open("x");
  ASSERT_TRUE(until([&] { return a->opened == 1 && b->came.size() == 1 && settled(); }));
  const std::string before_a = local_ufrag(*a), before_b = local_ufrag(*b);
  wire.cut = true;
  a->pc.restart_ice();
  b->pc.restart_ice();
  ASSERT_TRUE(until([&] {
    return a->pc.signaling_state() == SignalingState::HaveLocalOffer &&
           b->pc.signaling_state() == SignalingState::HaveLocalOffer;
  }));
  wire.cut = false;
  a->negotiator.restart_ice();
  b->negotiator.restart_ice();
  ASSERT_TRUE(until([&] {
    return settled() && local_ufrag(*a) != before_a && local_ufrag(*b) != before_b &&
           local_ufrag(*a) == remote_ufrag(*b) && local_ufrag(*b) == remote_ufrag(*a);
  }));
  b->open("later");
  ASSERT_TRUE(until([&] { return b->opened == 1 && !a->came.empty(); }));
  EXPECT_THAT(a->errors, testing::IsEmpty());
  EXPECT_THAT(b->errors, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Negotiation, testing::Range(0U, 24U));

}  // namespace
}  // namespace linnet::signaling
