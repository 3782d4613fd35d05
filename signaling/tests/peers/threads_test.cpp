// A server and four peers, each on a thread of its own: distinct objects may be used at once. What they share is found
// by ThreadSanitizer.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "linnet/linnet.hpp"
#include "linnet/signaling/client.hpp"
#include "linnet/signaling/negotiator.hpp"
#include "linnet/signaling/server.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;

/// Meets `other` in `room`, tells it who is speaking, and returns what it said. All of it on one executor.
asio::awaitable<std::string> talk(std::string url, std::string room, std::string self, std::string other) {
  const auto executor = co_await asio::this_coro::executor;
  ClientOptions client_options;
  client_options.peer = self;
  Client client(executor, client_options);
  Tuning tuning;
  tuning.ice_loopback_candidates = true;
  PeerConnection pc(executor, Configuration(), tuning);
  NegotiatorOptions negotiator_options;
  negotiator_options.polite = is_polite(self, other);
  Negotiator negotiator(pc, [&](const SignalBody& body) { client.send(other, body, room); }, negotiator_options);
  client.on_signal = [&](const Signal& signal) { negotiator.handle(signal.body); };

  co_await client.connect(url);
  boost::json::object data;
  const Joined joined = co_await client.join(room, data);
  if (joined.peers.empty()) co_await client.on_peer_joined.next();
  DataChannelInit init;
  init.negotiated = true;
  init.id = std::uint16_t{0};
  DataChannel channel = pc.create_data_channel("talk", init);
  co_await channel.on_open.next();
  channel.send("I am " + self);
  const auto heard = co_await channel.receive();
  co_return heard ? std::string(heard->text()) : "nothing";
}

TEST(Threads, AServerAndItsPeersRunAtOnceEachOnItsOwn) {
  asio::io_context context;
  ServerOptions options;
  options.port = 0;
  Server server(context.get_executor(), options);
  ASSERT_TRUE(server.start());
  const std::string url = server.url();
  std::thread server_thread([&] { context.run(); });
  {
    Runtime runtime(4);
    const std::vector<std::pair<std::string, std::string>> couples{{"ann", "bob"}, {"cid", "dot"}};
    std::vector<std::pair<std::string, std::future<std::string>>> talks;
    for (const auto& [one, two] : couples) {
      talks.emplace_back(two, asio::co_spawn(runtime.executor(), talk(url, one + two, one, two), asio::use_future));
      talks.emplace_back(one, asio::co_spawn(runtime.executor(), talk(url, one + two, two, one), asio::use_future));
    }
    for (auto& [other, said] : talks) {
      ASSERT_EQ(said.wait_for(std::chrono::seconds(60)), std::future_status::ready) << "waiting for " << other;
      EXPECT_EQ(said.get(), "I am " + other);
    }
    runtime.join();
  }
  asio::post(context, [&] { server.stop(); });
  server_thread.join();
}

}  // namespace
}  // namespace linnet::signaling
