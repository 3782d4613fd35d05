#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view candidate_line = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host";

/// What became of operations, in the order in which they ended.
struct Ends {
  std::vector<std::string> log;

  auto as(std::string name) {
    return [this, name](std::exception_ptr error) { add(name, error); };
  }
  void add(const std::string& name, const std::exception_ptr& error) {
    try {
      if (error) std::rethrow_exception(error);
      log.push_back(name);
    } catch (const Exception& e) {
      log.push_back(name + ": " + std::string{to_string(e.name())});
    }
  }
};

SessionDescription offer_of(asio::io_context& io) {
  PeerConnection pc{io};
  auto channel = pc.create_data_channel("x");
  SessionDescription offer;
  testing::run(io, [](PeerConnection& p, SessionDescription& out) -> awaitable<void> {
    out = co_await p.create_offer();
  }(pc, offer));
  return offer;
}

void answer_without_waiting(PeerConnection& pc, const SessionDescription& offer, Ends& ends, std::string& answer) {
  pc.add_ice_candidate(IceCandidateInit{.candidate = std::string{candidate_line}, .sdp_mid = "0"},
                       ends.as("too early"));
  pc.set_remote_description(offer, ends.as("remote"));
  pc.add_ice_candidate(IceCandidateInit{.candidate = std::string{candidate_line}, .sdp_mid = "0"},
                       ends.as("candidate"));
  pc.create_answer([&](std::exception_ptr error, const SessionDescription& made) {
    ends.add("answer", error);
    answer = made.sdp;
  });
  pc.set_local_description(ends.as("local"));
}

void expect_answered(const PeerConnection& pc, const Ends& ends, const std::string& answer) {
  EXPECT_THAT(ends.log, ElementsAre("too early: InvalidStateError", "remote", "candidate", "answer", "local"));
  EXPECT_EQ(pc.signaling_state(), SignalingState::Stable);
  EXPECT_THAT(pc.remote_description().value().sdp, HasSubstr(std::string{candidate_line}));
  EXPECT_THAT(answer, HasSubstr("m=application"));
}

TEST(Operations, IssuedOutsideOfTheExecutorWithoutWaitingEndInTheirOrder) {
  asio::io_context io;
  const auto offer = offer_of(io);
  PeerConnection pc{io, {}, Tuning{.ice_loopback_only = true}};
  Ends ends;
  std::string answer;
  answer_without_waiting(pc, offer, ends, answer);
  EXPECT_THAT(ends.log, IsEmpty());
  if (io.stopped()) io.restart();
  io.poll();
  expect_answered(pc, ends, answer);
}

TEST(Operations, IssuedOnTheExecutorWithoutWaitingEndInTheirOrderAndNeverInsideOfTheCall) {
  asio::io_context io;
  const auto offer = offer_of(io);
  PeerConnection pc{io, {}, Tuning{.ice_loopback_only = true}};
  Ends ends;
  std::string answer;
  asio::post(io, [&] {
    answer_without_waiting(pc, offer, ends, answer);
    EXPECT_THAT(ends.log, IsEmpty());
  });
  if (io.stopped()) io.restart();
  io.poll();
  expect_answered(pc, ends, answer);
}

}  // namespace
}  // namespace linnet
