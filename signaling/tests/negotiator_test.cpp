#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "linnet/signaling/basic_negotiator.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;

struct FakeIceEvent {
  std::optional<IceCandidate> candidate;
};

/// The signaling states of RTCPeerConnection and nothing else; descriptions are numbered.
struct FakeConnection {
  FakeConnection(asio::io_context& context, std::string n)
      : executor(context.get_executor()),
        name(std::move(n)),
        needed(detail::make_event<>(executor)),
        ice(detail::make_event<FakeIceEvent>(executor)),
        on_negotiation_needed(needed),
        on_ice_candidate(ice) {}

  Executor get_executor() const { return executor; }
  SignalingState signaling_state() const { return state; }
  std::optional<SessionDescription> local_description() const { return local; }
  std::optional<SessionDescription> remote_description() const { return remote; }

  asio::awaitable<void> set_local_description() {
    FakeIceEvent early;
    early.candidate.emplace().candidate = name;
    ice->emit(early);  // Found before the description could be sent.
    co_await asio::post(executor, asio::use_awaitable);
    const bool answer = state == SignalingState::HaveRemoteOffer;
    local = SessionDescription{.type = answer ? SdpType::Answer : SdpType::Offer, .sdp = name};
    state = answer ? SignalingState::Stable : SignalingState::HaveLocalOffer;
  }
  asio::awaitable<void> set_local_description(SessionDescription d) {
    co_await asio::post(executor, asio::use_awaitable);
    if (d.type != SdpType::Rollback || state != SignalingState::HaveLocalOffer)
      throw Exception({.name = ErrorName::InvalidStateError, .message = "nothing to roll back"});
    ++rollbacks;
    state = SignalingState::Stable;
  }
  void restart_ice() {
    ++restarts;
    if (state == SignalingState::Stable) needed->emit();
  }
  asio::awaitable<void> set_remote_description(SessionDescription d) {
    co_await asio::post(executor, asio::use_awaitable);
    if (d.type == SdpType::Answer && state != SignalingState::HaveLocalOffer) {
      throw Exception({.name = ErrorName::InvalidStateError, .message = "no offer"});
    }
    if (d.type == SdpType::Offer && state == SignalingState::HaveLocalOffer) ++rollbacks;
    state = d.type == SdpType::Offer ? SignalingState::HaveRemoteOffer : SignalingState::Stable;
    remote = std::move(d);
  }
  asio::awaitable<void> add_ice_candidate(Candidate c) {
    co_await asio::post(executor, asio::use_awaitable);
    if (!remote) throw Exception({.name = ErrorName::InvalidStateError, .message = "no remote description"});
    candidates.push_back(c ? c->candidate : "end");
  }

  Executor executor;
  std::string name;
  SignalingState state = SignalingState::Stable;
  std::optional<SessionDescription> local, remote;
  std::vector<std::string> candidates;
  int rollbacks = 0;
  int restarts = 0;
  std::shared_ptr<detail::EventState<>> needed;
  std::shared_ptr<detail::EventState<FakeIceEvent>> ice;
  Event<> on_negotiation_needed;
  Event<FakeIceEvent> on_ice_candidate;
};

using TestNegotiator = BasicNegotiator<FakeConnection>;

std::string brief(const SignalBody& body) {
  if (const auto* d = std::get_if<SessionDescription>(&body)) return std::string(to_string(d->type));
  if (const auto* c = std::get_if<Candidate>(&body)) return *c ? "candidate" : "end";
  return "other";
}

class NegotiatorTest : public testing::Test {
 protected:
  TestNegotiator make(FakeConnection& pc, std::optional<TestNegotiator>& to, NegotiatorOptions options) {
    TestNegotiator out(
        pc,
        [this, &pc, &to](const SignalBody& body) {
          sent.push_back(pc.name + " " + brief(body));
          asio::post(context, [&to, body] {
            if (to) to->handle(body);
          });
        },
        options);
    out.on_error([this](std::exception_ptr) { ++errors; });
    return out;
  }
  void both(NegotiatorOptions for_a, NegotiatorOptions for_b) {
    na.emplace(make(a, nb, for_a));
    nb.emplace(make(b, na, for_b));
  }

  asio::io_context context;
  FakeConnection a{context, "a"}, b{context, "b"};
  std::optional<TestNegotiator> na, nb;
  std::vector<std::string> sent;
  int errors = 0;
};

TEST_F(NegotiatorTest, SendsTheDescriptionBeforeItsCandidates) {
  both({.polite = false}, {.polite = true, .offers_first = false});
  a.needed->emit();
  context.run();
  EXPECT_THAT(sent, ElementsAre("a offer", "a candidate", "b answer", "b candidate"));
  EXPECT_THAT(a.candidates, ElementsAre("b"));
  EXPECT_THAT(b.candidates, ElementsAre("a"));
  EXPECT_EQ(errors, 0);
}

TEST_F(NegotiatorTest, LetsTheImpoliteOfferWinWhenBothOffer) {
  both({.polite = false}, {.polite = true});
  a.needed->emit();
  b.needed->emit();
  context.run();
  EXPECT_EQ(a.state, SignalingState::Stable);
  EXPECT_EQ(b.state, SignalingState::Stable);
  EXPECT_EQ(a.remote->type, SdpType::Answer);
  EXPECT_EQ(b.rollbacks, 1);
  EXPECT_EQ(a.rollbacks, 0);
  EXPECT_EQ(errors, 0);
}

TEST_F(NegotiatorTest, HoldsItsFirstOfferBackUntilTheOtherSideOffered) {
  both({.polite = false}, {.polite = true, .offers_first = false});
  b.needed->emit();
  context.run();
  EXPECT_TRUE(sent.empty());
  context.restart();
  a.needed->emit();
  context.run();
  context.restart();
  sent.clear();
  b.needed->emit();
  context.run();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent[0], "b offer");
}

TEST_F(NegotiatorTest, OffersAnewToRestartWhenAnOfferWaitsForAnAnswerThatWasLost) {
  na.emplace(make(a, nb, {}));  // Nobody hears it.
  a.needed->emit();
  context.run();
  ASSERT_EQ(a.state, SignalingState::HaveLocalOffer);
  sent.clear();
  both({.polite = false}, {.polite = true, .offers_first = false});
  na->restart_ice();
  context.restart();
  context.run();
  EXPECT_THAT(sent, ElementsAre("a offer", "a candidate", "b answer", "b candidate"));
  EXPECT_EQ(a.rollbacks, 1);
  EXPECT_EQ(a.restarts, 1);
  EXPECT_EQ(a.state, SignalingState::Stable);
  EXPECT_EQ(errors, 0);
}

TEST_F(NegotiatorTest, RestartsWithoutTakingAnythingBackWhenNothingIsUnderWay) {
  both({.polite = false}, {.polite = true, .offers_first = false});
  na->restart_ice();
  context.run();
  EXPECT_THAT(sent, ElementsAre("a offer", "a candidate", "b answer", "b candidate"));
  EXPECT_EQ(a.rollbacks, 0);
  EXPECT_EQ(errors, 0);
}

TEST_F(NegotiatorTest, SettlesARestartOfBothSidesThatWaitForLostAnswers) {
  na.emplace(make(a, nb, {}));
  a.needed->emit();
  context.run();
  na.reset();
  nb.emplace(make(b, na, {}));
  b.needed->emit();
  context.restart();
  context.run();
  ASSERT_EQ(a.state, SignalingState::HaveLocalOffer);
  ASSERT_EQ(b.state, SignalingState::HaveLocalOffer);
  both({.polite = false}, {.polite = true});
  na->restart_ice();
  nb->restart_ice();
  context.restart();
  context.run();
  EXPECT_EQ(a.state, SignalingState::Stable);
  EXPECT_EQ(b.state, SignalingState::Stable);
  EXPECT_EQ(a.remote->type, SdpType::Answer);
  EXPECT_EQ(errors, 0);
}

TEST_F(NegotiatorTest, KeepsABoundedNumberOfEarlyCandidates) {
  na.emplace(make(a, nb, {.polite = true, .max_candidates = 2}));
  for (const char* c : {"1", "2", "3"}) na->handle(Candidate{IceCandidateInit{.candidate = c}});
  na->handle(SessionDescription{.type = SdpType::Offer, .sdp = "x"});
  na->handle(std::vector<Candidate>{Candidate{IceCandidateInit{.candidate = "4"}}, Candidate{}});
  context.run();
  EXPECT_THAT(a.candidates, ElementsAre("1", "2", "4", "end"));
  EXPECT_EQ(errors, 1);
}

TEST_F(NegotiatorTest, GoesOnAfterADescriptionThatDoesNotFit) {
  na.emplace(make(a, nb, {}));
  na->handle(SessionDescription{.type = SdpType::Answer, .sdp = "x"});
  na->handle(SessionDescription{.type = SdpType::Offer, .sdp = "x"});
  std::string reason;
  na->on_remote_close([&](const std::string& why) { reason = why; });
  na->handle(CloseSignal{"bye"});
  context.run();
  EXPECT_EQ(errors, 1);
  EXPECT_THAT(sent, ElementsAre("a answer", "a candidate"));
  EXPECT_EQ(reason, "bye");
}

TEST_F(NegotiatorTest, StopsWhenDestroyedInTheMiddle) {
  na.emplace(make(a, nb, {}));
  a.needed->emit();
  context.poll_one();
  na.reset();
  context.run();
  EXPECT_TRUE(sent.empty());
}

TEST(Politeness, IsTheGreaterIdInByteOrder) {
  EXPECT_TRUE(is_polite("b", "a"));
  EXPECT_FALSE(is_polite("a", "b"));
  EXPECT_TRUE(is_polite("a", "Z"));
}

}  // namespace
}  // namespace linnet::signaling
