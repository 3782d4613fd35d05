#include "linnet/peer_connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <thread>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::ElementsAre;
using testing::Pair;

TEST(PeerConnection, StartsInTheW3cStates) {
  asio::io_context io;
  PeerConnection pc{io};
  EXPECT_EQ(pc.signaling_state(), SignalingState::Stable);
  EXPECT_EQ(pc.connection_state(), PeerConnectionState::New);
  EXPECT_EQ(pc.ice_connection_state(), IceConnectionState::New);
  EXPECT_EQ(pc.ice_gathering_state(), IceGatheringState::New);
  EXPECT_FALSE(pc.local_description());
  EXPECT_FALSE(pc.remote_description());
  EXPECT_FALSE(pc.sctp());
  EXPECT_FALSE(pc.can_trickle_ice_candidates());
}

TEST(PeerConnection, ThrowsSyntaxErrorForAServerUrlThatCannotBeRead) {
  asio::io_context io;
  try {
    PeerConnection pc{io, Configuration{.ice_servers = {{.urls = {"nonsense"}}}}};
    FAIL() << "accepted";
  } catch (const Exception& e) {
    EXPECT_EQ(e.name(), ErrorName::SyntaxError);
  }
}

TEST(PeerConnection, ClosesOnDestructionAndLetsTheExecutorRunOut) {
  asio::io_context io;
  {
    PeerConnection pc{io};
  }
  io.run();
  PeerConnection other{io};
  other.close();
  other.close();
  EXPECT_EQ(other.connection_state(), PeerConnectionState::Closed);
  EXPECT_EQ(other.signaling_state(), SignalingState::Closed);
  io.restart();
  io.run();
}

TEST(PeerConnection, FiresNegotiationNeededAfterTheCallAndNotInsideOfIt) {
  asio::io_context io;
  PeerConnection pc{io};
  bool fired = false;
  pc.on_negotiation_needed = [&] { fired = true; };
  (void)pc.create_data_channel("x");
  EXPECT_FALSE(fired);
  io.poll();
  EXPECT_TRUE(fired);
}

TEST(PeerConnection, CallsNoHandlerAfterClose) {
  asio::io_context io;
  PeerConnection pc{io};
  int calls = 0;
  pc.on_negotiation_needed = [&] { ++calls; };
  pc.on_signaling_state_change = [&] { ++calls; };
  pc.on_connection_state_change = [&] { ++calls; };
  (void)pc.create_data_channel("x");
  pc.close();
  io.run();
  EXPECT_EQ(calls, 0);
}

TEST(PeerConnection, CompletesAnOperationOnAClosedConnectionWithInvalidStateError) {
  asio::io_context io;
  PeerConnection pc{io};
  pc.close();
  std::exception_ptr error;
  pc.create_offer([&](std::exception_ptr e, SessionDescription) { error = e; });
  io.run();
  ASSERT_TRUE(error);
  try {
    std::rethrow_exception(error);
  } catch (const Exception& e) {
    EXPECT_EQ(e.name(), ErrorName::InvalidStateError);
  }
  EXPECT_THROW((void)pc.create_data_channel("x"), Exception);
}

TEST(PeerConnection, TellsTheDescriptionBeforeTheCandidatesThatItMade) {
  asio::io_context io;
  PeerConnection pc{io};
  (void)pc.create_data_channel("x");
  std::vector<std::string> order;
  pc.on_signaling_state_change = [&] { order.push_back("signaling"); };
  pc.on_ice_candidate = [&] {
    if (order.back() != "candidate") order.push_back("candidate");
  };
  pc.set_local_description([&](std::exception_ptr e) {
    EXPECT_FALSE(e);
    order.push_back("done");
  });
  pc.on_ice_gathering_state_change = [&](IceGatheringState state) {
    if (state == IceGatheringState::Complete) pc.close();
  };
  io.run();
  EXPECT_THAT(order, ElementsAre("signaling", "done", "candidate"));
}

TEST(PeerConnection, HasPooledCandidatesInItsFirstDescriptionAtOnce) {
  for (const bool pooled : {false, true}) {
    asio::io_context io;
    PeerConnection pc{io, Configuration{.ice_candidate_pool_size = pooled ? std::uint8_t{1} : std::uint8_t{0}},
                      Tuning{.ice_loopback_candidates = true}};
    io.poll();
    EXPECT_EQ(pc.ice_gathering_state(), IceGatheringState::New);
    (void)pc.create_data_channel("x");
    bool has_candidates = false;
    pc.set_local_description([&](std::exception_ptr e) {
      EXPECT_FALSE(e);
      has_candidates = pc.local_description()->sdp.contains("a=candidate:");
      pc.close();
    });
    io.restart();
    io.run();
    EXPECT_EQ(has_candidates, pooled);
  }
}

TEST(PeerConnection, MeetsAPeerInTheSameProcessAndExchangesMessages) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  testing::run(io, [](Pair& p) -> awaitable<void> {
    auto chat = p.a->create_data_channel("chat", {.protocol = "p1"});
    EXPECT_EQ(chat.ready_state(), DataChannelState::Connecting);
    auto event = co_await p.b->on_data_channel.next();
    auto other = event.channel;
    EXPECT_EQ(other.label(), "chat");
    EXPECT_EQ(other.protocol(), "p1");
    co_await chat.writable();
    EXPECT_EQ(chat.ready_state(), DataChannelState::Open);
    chat.send("hello");
    chat.send(std::vector<std::byte>{std::byte{1}, std::byte{2}});
    chat.send("");
    auto first = co_await other.receive();
    EXPECT_TRUE(first->is_text());
    EXPECT_EQ(first->text(), "hello");
    auto second = co_await other.receive();
    EXPECT_FALSE(second->is_text());
    EXPECT_EQ(second->data.size(), 2U);
    auto third = co_await other.receive();
    EXPECT_TRUE(third->is_text());
    EXPECT_TRUE(third->data.empty());
    EXPECT_EQ(p.a->connection_state(), PeerConnectionState::Connected);
    EXPECT_TRUE(p.a->selected_path());
    EXPECT_EQ(p.a->sctp()->state, SctpTransportState::Connected);
    auto stats = co_await p.a->get_stats();
    EXPECT_FALSE(stats.empty());
    for (const auto& [id, each] : stats) {
      const auto* const of_pair = std::get_if<CandidatePairStats>(&each);
      if (of_pair == nullptr || of_pair->packets_sent == 0) continue;
      EXPECT_GT(of_pair->timestamp, 1.6e12) << "Unix time";
      for (const auto& at : {of_pair->last_packet_sent_timestamp, of_pair->last_packet_received_timestamp}) {
        EXPECT_LE(at.value_or(0), of_pair->timestamp);
        EXPECT_GT(at.value_or(0), of_pair->timestamp - 60'000);
      }
    }
    chat.close();
    co_await other.on_close.next();
    EXPECT_EQ(other.ready_state(), DataChannelState::Closed);
    EXPECT_FALSE(co_await other.receive());
  }(pair));
}

TEST(PeerConnection, TellsWhichPathItTakes) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  testing::run(io, [](Pair& p) -> awaitable<void> {
    std::vector<Path> paths;
    p.a->on_selected_candidate_pair_change = [&paths](const Path& path) { paths.push_back(path); };
    auto chat = p.a->create_data_channel("chat");
    co_await chat.on_open.next();
    EXPECT_FALSE(paths.empty());
    const std::optional<Path> last = paths.empty() ? std::optional<Path>{} : paths.back();
    EXPECT_EQ(p.a->selected_path(), last);
  }(pair));
}

TEST(PeerConnection, TellsThePeerWhenItCloses) {
  asio::io_context io;
  Pair pair{io.get_executor()};
  testing::run(io, [](Pair& p) -> awaitable<void> {
    auto chat = p.a->create_data_channel("chat");
    auto other = (co_await p.b->on_data_channel.next()).channel;
    co_await chat.writable();
    chat.send("last words");
    p.a->close();
    auto message = co_await other.receive();
    EXPECT_TRUE(message && message->text() == "last words");
    EXPECT_FALSE(co_await other.receive());
  }(pair));
  pair.b->close();
  io.restart();
  io.run();
}

TEST(PeerConnection, WorksFromAnotherThreadWithFutures) {
  asio::io_context io;
  auto work = asio::make_work_guard(io);
  PeerConnection a{io}, b{io};
  a.on_ice_candidate = [&](const IceCandidateEvent& e) {
    if (e.candidate) b.add_ice_candidate(*e.candidate, [](std::exception_ptr) {});
  };
  auto chat = a.create_data_channel("chat");
  auto announced = b.on_data_channel.next(asio::use_future);
  std::thread runner{[&] { io.run(); }};

  auto offer = a.create_offer(asio::use_future).get();
  EXPECT_EQ(offer.type, SdpType::Offer);
  b.set_remote_description(offer, asio::use_future).get();
  auto answer = b.create_answer(asio::use_future).get();
  a.set_local_description(offer, asio::use_future).get();
  b.set_local_description(answer, asio::use_future).get();
  a.set_remote_description(answer, asio::use_future).get();
  chat.writable(asio::use_future).get();
  auto other = announced.get().channel;
  asio::post(io, [&] { chat.send("from afar"); });
  EXPECT_EQ(other.receive(asio::use_future).get()->text(), "from afar");
  EXPECT_THROW(a.set_remote_description({SdpType::Answer, "v=0"}, asio::use_future).get(), Exception);

  asio::post(io, [&] {
    a.close();
    b.close();
    other = {};
    chat = {};
    work.reset();
  });
  runner.join();
}

}  // namespace
}  // namespace linnet
