#include <gmock/gmock.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>

#include "linnet/exception.hpp"
#include "linnet/signaling/client.hpp"
#include "tests/loopback.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;

class ClientAndServer : public LoopbackTest {
 protected:
  Ready connect(Client& client) {
    Ready out;
    run([&]() -> asio::awaitable<void> { out = co_await client.connect(server->url()); });
    return out;
  }
  Joined join(Client& client, const std::string& room, json::object data = {}) {
    Joined out;
    run([&]() -> asio::awaitable<void> { out = co_await client.join(room, data); });
    return out;
  }
  /// What a connect() to `url` throws.
  std::string failure(Client& client, const std::string& url) {
    std::string out;
    run([&]() -> asio::awaitable<void> {
      try {
        co_await client.connect(url);
      } catch (const Exception& e) {
        out = e.what();
      }
    });
    return out;
  }
};

TEST_F(ClientAndServer, GiveARandomIdTheHeartbeatAndTheIceServers) {
  ServerOptions options;
  options.ice_servers = {{.urls = {"stun:stun.example.org"}}};
  start(options);
  Client client(context.get_executor());
  const Ready ready = connect(client);
  EXPECT_EQ(ready.peer.size(), 26U);
  EXPECT_EQ(ready.heartbeat, std::chrono::seconds(20));
  EXPECT_EQ(ready.ice_servers, options.ice_servers);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(server->peers(), 1U);
}

TEST_F(ClientAndServer, RenewTurnUsersBeforeTheyExpire) {
  ServerOptions options;
  options.turn = {{.urls = {"turn:{host}:3478"}, .secret = "north", .lifetime = std::chrono::seconds(2)}};
  start(options);
  Client client(context.get_executor(), {.peer = "ann"});
  EXPECT_TRUE(client.ice_servers().empty());
  std::vector<std::vector<IceServer>> pushed;
  client.on_ice_servers = [&](const std::vector<IceServer>& servers) { pushed.push_back(servers); };
  const Ready ready = connect(client);
  ASSERT_EQ(ready.ice_servers.size(), 1U);
  EXPECT_EQ(ready.ice_servers[0].urls, std::vector<std::string>{"turn:127.0.0.1:3478"}) << "the host that we came to";
  EXPECT_EQ(client.ice_servers(), ready.ice_servers);
  EXPECT_TRUE(pushed.empty());
  ASSERT_TRUE(until([&] { return pushed.size() == 2; }));
  EXPECT_NE(pushed[0], ready.ice_servers);
  EXPECT_NE(pushed[1], pushed[0]);
  EXPECT_EQ(client.ice_servers(), pushed[1]);
  EXPECT_EQ(pushed[1][0].urls, ready.ice_servers[0].urls);
  EXPECT_THAT(pushed[1][0].username, testing::EndsWith(":ann"));
}

TEST_F(ClientAndServer, TellWhoIsThereWhoComesAndWhoGoes) {
  start();
  Client ann(context.get_executor(), {.peer = "ann"});
  std::vector<std::string> news;
  ann.on_peer_joined = [&](const PeerEvent& e) { news.push_back("joined " + e.info.peer + " " + e.room); };
  ann.on_peer_updated = [&](const PeerEvent& e) { news.push_back("updated " + e.info.peer); };
  ann.on_peer_left = [&](const PeerEvent& e) { news.push_back("left " + e.info.peer + " " + e.reason); };
  connect(ann);
  EXPECT_TRUE(join(ann, "demo", {{"name", "Ann"}}).peers.empty());
  {
    Client bob(context.get_executor(), {.peer = "bob"});
    connect(bob);
    const Joined joined = join(bob, "demo");
    ASSERT_EQ(joined.peers.size(), 1U);
    EXPECT_EQ(joined.peers[0].peer, "ann");
    EXPECT_EQ(joined.peers[0].data.at("name"), "Ann");
    EXPECT_GT(joined.peers[0].since, 1'600'000'000'000);
    run([&]() -> asio::awaitable<void> { co_await bob.update("demo", json::object()); });
    run([&]() -> asio::awaitable<void> { co_await bob.leave("demo"); });
    join(bob, "demo");
  }
  ASSERT_TRUE(until([&] { return news.size() == 5; }));
  EXPECT_THAT(news, testing::ElementsAre("joined bob demo", "updated bob", "left bob left", "joined bob demo",
                                         "left bob lost"));
}

TEST_F(ClientAndServer, CarrySignalsInOrder) {
  start();
  Client ann(context.get_executor(), {.peer = "ann"});
  Client bob(context.get_executor(), {.peer = "bob"});
  std::vector<SignalBody> got;
  bob.on_signal = [&](const Signal& s) {
    EXPECT_EQ(s.from, "ann");
    EXPECT_EQ(s.room, "demo");
    got.push_back(s.body);
  };
  std::vector<Message> messages;
  bob.on_message = [&](const Message& m) { messages.push_back(m); };
  connect(ann);
  connect(bob);
  join(ann, "demo");
  join(bob, "demo");
  const SignalBody offer = SessionDescription{.type = SdpType::Offer, .sdp = "v=0\r\n"};
  const SignalBody candidate =
      Candidate{IceCandidateInit{.candidate = "candidate:1 1 udp 1 192.0.2.1 9 typ host", .sdp_mid = "0"}};
  const SignalBody end = Candidate{};
  for (const auto& body : {offer, candidate, end, SignalBody{CloseSignal{"bye"}}}) ann.send("bob", body);
  ann.message("bob", "hello");
  ASSERT_TRUE(until([&] { return !messages.empty(); }));
  EXPECT_THAT(got, testing::ElementsAre(offer, candidate, end, SignalBody{CloseSignal{"bye"}}));
  EXPECT_EQ(messages[0].data, "hello");
}

TEST_F(ClientAndServer, SayThatAPeerIsGone) {
  start();
  Client ann(context.get_executor(), {.peer = "ann"});
  connect(ann);
  join(ann, "demo");
  std::vector<ServerError> errors;
  ann.on_error = [&](const ServerError& e) { errors.push_back(e); };
  ann.send("bob", CloseSignal{});
  ASSERT_TRUE(until([&] { return !errors.empty(); }));
  EXPECT_EQ(errors[0].code, ErrorCode::PeerUnavailable);
  EXPECT_EQ(errors[0].to, "bob");
}

TEST_F(ClientAndServer, RefuseARequestWithTheServersWords) {
  start();
  Client ann(context.get_executor());
  connect(ann);
  std::string text;
  run([&]() -> asio::awaitable<void> {
    try {
      co_await ann.join("not/legal");
    } catch (const Exception& e) {
      text = e.what();
    }
  });
  EXPECT_THAT(text, HasSubstr("invalid_id"));
}

TEST_F(ClientAndServer, ExplainThatNobodyListens) {
  start();
  const std::string url = server->url();
  server.reset();
  Client client(context.get_executor());
  const std::string text = failure(client, url);
  EXPECT_THAT(text, HasSubstr("cannot reach ws://127.0.0.1:"));
  EXPECT_THAT(text, HasSubstr("connection refused; is `linnet serve` running?"));
}

TEST_F(ClientAndServer, ExplainABrokenAddressATakenIdAndAnIllegalOne) {
  start();
  Client client(context.get_executor());
  EXPECT_THAT(failure(client, "ftp://x"), StartsWith("SyntaxError"));
  Client ann(context.get_executor(), {.peer = "ann"});
  connect(ann);
  Client again(context.get_executor(), {.peer = "ann"});
  EXPECT_THAT(failure(again, server->url()), HasSubstr("another peer has this id"));
  Client wrong(context.get_executor(), {.peer = "-"});
  EXPECT_THAT(failure(wrong, server->url()), HasSubstr("not a legal id"));
}

TEST_F(ClientAndServer, TellARefusalFromAServerThatIsNone) {
  for (const auto& [answer, words] : std::initializer_list<std::pair<std::string, std::string>>{
           {"403 Forbidden", "InvalidAccessError: not let in by ws://127.0.0.1:"},
           {"401 Unauthorized", "InvalidAccessError: not let in by ws://127.0.0.1:"},
           {"404 Not Found", "it answers HTTP 404 Not Found; is `linnet serve` running?"}}) {
    asio::ip::tcp::acceptor other(context, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          auto socket = co_await other.async_accept(asio::use_awaitable);
          std::string request;
          co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
          const std::string text = "HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n";
          co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
        },
        asio::detached);
    Client client(context.get_executor());
    const std::string url = "ws://127.0.0.1:" + std::to_string(other.local_endpoint().port());
    EXPECT_THAT(failure(client, url), HasSubstr(words)) << answer;
  }
}

TEST_F(ClientAndServer, GiveUpOnAServerThatSaysNothing) {
  asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
  Client client(context.get_executor(), {.connect_timeout = std::chrono::milliseconds(100)});
  const auto before = std::chrono::steady_clock::now();
  const std::string url = "ws://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  EXPECT_THAT(failure(client, url), HasSubstr("cannot reach"));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(ClientAndServer, AnswerPingsSoThatNobodyIsIdle) {
  ServerOptions options;
  options.ping_interval = std::chrono::milliseconds(20);
  options.idle_timeout = std::chrono::milliseconds(400);
  start(options);
  Client client(context.get_executor());
  connect(client);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(900);
  EXPECT_FALSE(until([&] { return !client.connected(); }, std::chrono::milliseconds(900)));
  EXPECT_GE(std::chrono::steady_clock::now(), end);
}

TEST_F(ClientAndServer, ComeBackWithTheSameIdAndRoomsAfterALostSocket) {
  start();
  const std::uint16_t port = server->port();
  Client ann(context.get_executor(), {.reconnect = true});
  std::vector<Closed> closed;
  std::vector<Joined> rejoined;
  ann.on_closed = [&](const Closed& c) { closed.push_back(c); };
  ann.on_rejoined = [&](const Joined& j) { rejoined.push_back(j); };
  const std::string id = connect(ann).peer;
  join(ann, "demo");
  server->stop();
  ASSERT_TRUE(until([&] { return server->connections() == 0; }));
  server = std::make_unique<Server>(context.get_executor(), ServerOptions{.port = port});
  ASSERT_TRUE(server->start());
  ASSERT_TRUE(until([&] { return !rejoined.empty(); }));
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].code, close_code(ErrorCode::GoingAway));
  EXPECT_TRUE(closed[0].will_reconnect);
  EXPECT_EQ(rejoined[0].room, "demo");
  EXPECT_EQ(ann.peer(), id);
}

TEST_F(ClientAndServer, EndWhatIsPendingWhenTheClientIsDestroyed) {
  start();
  auto client = std::make_unique<Client>(context.get_executor());
  connect(*client);
  std::exception_ptr error;
  client->join("demo", {}, [&](std::exception_ptr e, Joined) { error = e; });
  client.reset();
  ASSERT_TRUE(until([&] { return error != nullptr; }));
  EXPECT_THROW(std::rethrow_exception(error), Exception);
  ASSERT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(ClientAndServer, LetAHandlerDestroyTheClient) {
  start();
  auto ann = std::make_unique<Client>(context.get_executor(), ClientOptions{.peer = "ann"});
  Client bob(context.get_executor());
  connect(*ann);
  connect(bob);
  join(*ann, "demo");
  ann->on_peer_joined = [&](const PeerEvent&) { ann.reset(); };
  join(bob, "demo");
  ASSERT_TRUE(until([&] { return !ann; }));
  ASSERT_TRUE(until([&] { return server->peers() == 1; }));
}

TEST_F(ClientAndServer, TakeTwoHundredPeersInOneRoom) {
  start();
  constexpr std::size_t count = 200;
  std::vector<std::unique_ptr<Client>> clients;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(context.get_executor()));
    clients.back()->on_peer_joined = [&](const PeerEvent&) { ++seen; };
    connect(*clients.back());
    ASSERT_EQ(join(*clients.back(), "hall").peers.size(), i);
  }
  ASSERT_TRUE(until([&] { return seen == count * (count - 1) / 2; }));
  EXPECT_EQ(server->rooms(), 1U);
}

}  // namespace
}  // namespace linnet::signaling
