#include "linnet/stun_turn_server.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "base/stream_framing.hpp"
#include "crypto/time_limited_password.hpp"
#include "turn_server/testing_client.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using stun::AttributeType;
using stun::MessageView;
using ::testing::HasSubstr;
using turn_server::testing::bytes;
using turn_server::testing::Bytes;
using turn_server::testing::Client;

const auto loopback = asio::ip::address_v4::loopback();

/// A UDP socket on loopback and what came to it.
class UdpEnd {
 public:
  explicit UdpEnd(asio::io_context& io) : socket_(io, {loopback, 0}) { read(); }

  [[nodiscard]] Endpoint local() const { return {IpAddress::v4({127, 0, 0, 1}), socket_.local_endpoint().port()}; }
  void send(std::uint16_t port, const Bytes& datagram, const asio::ip::address_v4& to = loopback) {
    socket_.send_to(asio::buffer(datagram), udp::endpoint{to, port});
  }
  std::vector<Bytes> received;
  std::uint16_t from = 0;
  std::string from_address{};

 private:
  void read() {
    socket_.async_receive_from(asio::buffer(room_), from_, [this](boost::system::error_code error, std::size_t size) {
      if (error) return;
      from = from_.port();
      from_address = from_.address().to_string();
      received.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size));
      read();
    });
  }
  udp::socket socket_;
  udp::endpoint from_;
  std::array<std::byte, 2'048> room_{};
};

class StunTurnServerTest : public testing::Test {
 protected:
  static StunTurnServerOptions options() {
    return {.port = 0, .users = {{"ann", "apple"}}, .secret = "north", .allow_loopback_peers = true};
  }
  void start(StunTurnServerOptions options) {
    server_.emplace(io_.get_executor(), std::move(options));
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  static std::string failure(asio::io_context& io, StunTurnServerOptions options) {
    StunTurnServer server{io.get_executor(), std::move(options)};
    const auto started = server.start();
    return started ? "" : started.error().message;
  }
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(std::chrono::milliseconds{20});
    return condition();
  }
  /// The next datagram that comes to `end`.
  Bytes next(UdpEnd& end) {
    if (!until([&] { return !end.received.empty(); })) return {};
    Bytes out = end.received.front();
    end.received.erase(end.received.begin());
    return out;
  }
  Bytes ask(UdpEnd& end, const Bytes& request) {
    end.send(server_->port(), request);
    return next(end);
  }
  Endpoint allocate(UdpEnd& end, Client& client) {
    client.learn(ask(end, client.allocate()));
    const Bytes reply = ask(end, client.allocate());
    const auto view = MessageView::parse(reply);
    return view ? view->xor_address(AttributeType::XorRelayedAddress).value_or(Endpoint{}) : Endpoint{};
  }
  static bool success(const Bytes& reply) {
    const auto view = MessageView::parse(reply);
    return view && view->message_class() == stun::Class::Success;
  }

  asio::io_context io_;
  std::optional<StunTurnServer> server_;
};

TEST_F(StunTurnServerTest, TellsItsClientsTheirAddress) {
  start(options());
  UdpEnd end{io_};
  Client client{{}, "", ""};
  const Bytes reply = ask(end, client.binding());
  ASSERT_TRUE(success(reply));
  EXPECT_EQ(MessageView::parse(reply)->mapped_address(), end.local());
  EXPECT_EQ(server_->stats().bindings, 1U);
}

TEST_F(StunTurnServerTest, RelaysBetweenAClientAndAPeer) {
  start(options());
  UdpEnd end{io_};
  UdpEnd peer{io_};
  Client client{{}, "ann", "apple"};
  const Endpoint relayed = allocate(end, client);
  ASSERT_NE(relayed.port, 0);
  ASSERT_TRUE(success(ask(end, client.bind(0x4000, peer.local()))));
  end.send(server_->port(), Client::channel_data(0x4000, bytes("hello")));
  EXPECT_EQ(next(peer), bytes("hello"));
  EXPECT_EQ(peer.from, relayed.port);
  peer.send(relayed.port, bytes("hi"));
  EXPECT_EQ(next(end), Client::channel_data(0x4000, bytes("hi")));
  EXPECT_EQ(server_->stats().allocations, 1U);
  EXPECT_EQ(server_->stats().relayed, 2U);

  ASSERT_TRUE(success(ask(end, client.refresh(0))));
  EXPECT_EQ(server_->stats().allocations, 0U);
  udp::socket taken{io_, udp::endpoint{loopback, relayed.port}};  // The relay's port is free again.
}

TEST_F(StunTurnServerTest, TakesUsersOfTheSecret) {
  start(options());
  UdpEnd end{io_};
  const auto in_an_hour = std::chrono::system_clock::now().time_since_epoch() + std::chrono::hours{1};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(in_an_hour).count();
  const auto name = std::to_string(seconds) + ":carl";
  Client good{{}, name, crypto::time_limited_password("north", name)};
  EXPECT_NE(allocate(end, good).port, 0);
  UdpEnd other{io_};
  const auto old_name = std::to_string(seconds - 3'601) + ":carl";
  Client old{{}, old_name, crypto::time_limited_password("north", old_name)};
  EXPECT_EQ(allocate(other, old).port, 0);
}

TEST_F(StunTurnServerTest, OpensRelaysInItsRangeOnly) {
  auto narrow = options();
  {
    const udp::socket probe{io_, udp::endpoint{loopback, 0}};
    narrow.relay_port_min = narrow.relay_port_max = probe.local_endpoint().port();
  }
  start(narrow);
  UdpEnd first{io_};
  Client client{{}, "ann", "apple"};
  EXPECT_EQ(allocate(first, client).port, narrow.relay_port_min);
  UdpEnd second{io_};
  Client other{{}, "ann", "apple"};
  other.learn(ask(second, other.allocate()));
  const Bytes reply = ask(second, other.allocate());
  EXPECT_EQ(MessageView::parse(reply)->error_code()->code, 508);
}

TEST_F(StunTurnServerTest, NamesTheOutsideOfATranslatedMachine) {
  auto translated = options();
  translated.external_address = "203.0.113.5";
  start(translated);
  UdpEnd end{io_};
  Client client{{}, "ann", "apple"};
  EXPECT_EQ(allocate(end, client).address, *IpAddress::parse("203.0.113.5"));
}

TEST_F(StunTurnServerTest, ServesClientsOverTcp) {
  start(options());
  tcp::socket socket{io_};
  socket.connect({loopback, server_->port()});
  Deframer deframer{Framing::Stun};
  Bytes room(4'096);
  std::vector<Bytes> received;
  std::function<void()> read = [&] {
    socket.async_read_some(asio::buffer(room), [&](boost::system::error_code error, std::size_t size) {
      if (error) return;
      deframer.feed(std::span{room}.first(size));
      while (const auto datagram = deframer.next()) received.emplace_back(datagram->begin(), datagram->end());
      read();
    });
  };
  read();
  const auto answer = [&](const Bytes& request) {
    // In two pieces, as a stream may bring them.
    asio::write(socket, asio::buffer(request.data(), 7));
    asio::write(socket, asio::buffer(request.data() + 7, request.size() - 7));
    if (!until([&] { return !received.empty(); })) return Bytes{};
    Bytes out = received.back();
    received.clear();
    return out;
  };
  Client client{{}, "ann", "apple"};
  client.learn(answer(client.allocate()));
  const Bytes reply = answer(client.allocate());
  ASSERT_TRUE(success(reply));
  const auto relayed = *MessageView::parse(reply)->xor_address(AttributeType::XorRelayedAddress);
  UdpEnd peer{io_};
  ASSERT_TRUE(success(answer(client.bind(0x4000, peer.local()))));
  auto data = Client::channel_data(0x4000, bytes("hello"));
  data.resize(12);  // RFC 8656 section 12.5: padded.
  asio::write(socket, asio::buffer(data));
  EXPECT_EQ(next(peer), bytes("hello"));
  peer.send(relayed.port, bytes("hi"));
  ASSERT_TRUE(until([&] { return !received.empty(); }));
  EXPECT_EQ(received.front(), Client::channel_data(0x4000, bytes("hi")));

  EXPECT_EQ(server_->stats().connections, 1U);
  socket.close();
  EXPECT_TRUE(until([&] { return server_->stats().allocations == 0 && server_->stats().connections == 0; }));
}

TEST_F(StunTurnServerTest, HangsUpOnWhatIsNoStunAndKeepsToItsLimitOfConnections) {
  auto few = options();
  few.max_connections = 2;
  start(few);
  tcp::socket stranger{io_};
  stranger.connect({loopback, server_->port()});
  asio::write(stranger, asio::buffer(std::string{"\x16\x03\x01\x02", 4}));
  std::array<char, 1> answer{};
  bool hung_up = false;
  stranger.async_read_some(asio::buffer(answer),
                           [&](boost::system::error_code error, std::size_t) { hung_up = static_cast<bool>(error); });
  EXPECT_TRUE(until([&] { return hung_up; }));
  EXPECT_EQ(server_->stats().connections, 0U);
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.emplace_back(io_);
    sockets.back().connect({loopback, server_->port()});
  }
  bool refused = false;
  std::array<char, 1> byte{};
  sockets.back().async_read_some(
      asio::buffer(byte), [&](boost::system::error_code error, std::size_t) { refused = static_cast<bool>(error); });
  EXPECT_TRUE(until([&] { return refused; }));
  EXPECT_EQ(server_->stats().connections, 2U);
}

TEST_F(StunTurnServerTest, HoldsOnlySoManyConnectionsOfAnAddress) {
  auto few = options();
  few.max_connections_per_address = 3;
  start(few);
  std::vector<tcp::socket> sockets;
  std::size_t refused = 0;
  std::array<char, 1> byte{};
  for (int i = 0; i < 10; ++i) {
    sockets.emplace_back(io_);
    sockets.back().connect({loopback, server_->port()});
    sockets.back().async_read_some(asio::buffer(byte), [&](boost::system::error_code error, std::size_t) {
      if (error && error != asio::error::operation_aborted) ++refused;
    });
  }
  EXPECT_TRUE(until([&] { return refused == 7; })) << refused;
  EXPECT_EQ(server_->stats().connections, 3U);
  // From another address there is room, and here again when one has gone.
  tcp::socket other{io_};
  other.open(tcp::v4());
  other.bind({asio::ip::make_address_v4("127.0.0.2"), 0});
  other.connect({loopback, server_->port()});
  EXPECT_TRUE(until([&] { return server_->stats().connections == 4; }));
  for (tcp::socket& socket : sockets) socket.close();
  EXPECT_TRUE(until([&] { return server_->stats().connections == 1; }));
  tcp::socket next{io_};
  next.connect({loopback, server_->port()});
  EXPECT_TRUE(until([&] { return server_->stats().connections == 2; }));
}

TEST_F(StunTurnServerTest, RelaysNothingToTheMachineItselfButToItsRelays) {
  auto translated = options();
  translated.external_address = "203.0.113.5";
  start(translated);
  UdpEnd end{io_};
  Client client{{}, "ann", "apple"};
  const Endpoint relayed = allocate(end, client);
  ASSERT_TRUE(success(ask(end, client.permit({relayed}))));
  end.send(server_->port(), client.send({relayed.address, 53}, bytes("query")));
  EXPECT_TRUE(until([&] { return server_->stats().not_permitted == 1; }));
  EXPECT_EQ(server_->stats().relayed, 0U);
}

TEST_F(StunTurnServerTest, StopsAtOnceAndCanStartAgain) {
  start(options());
  UdpEnd end{io_};
  Client client{{}, "ann", "apple"};
  ASSERT_NE(allocate(end, client).port, 0);
  tcp::socket socket{io_};
  socket.connect({loopback, server_->port()});
  const auto port = server_->port();
  server_->stop();
  server_->stop();
  EXPECT_EQ(server_->port(), 0);
  EXPECT_EQ(server_->stats().allocations, 0U);
  io_.poll();
  auto again = options();
  again.port = port;
  EXPECT_EQ(failure(io_, again), "") << "the port is free";
  EXPECT_TRUE(server_->start());
  EXPECT_FALSE(server_->start()) << "twice";
}

TEST_F(StunTurnServerTest, AnswersFromItsOtherAddressAndPort) {
  auto two = options();
  two.alternate_address = "127.0.0.2";
  two.alternate_port = 0;
  start(two);
  ASSERT_NE(server_->alternate_port(), 0);
  ASSERT_NE(server_->alternate_port(), server_->port());
  UdpEnd end{io_};
  Client client{{}, "", ""};
  client.authenticated = false;
  const auto change = [&](std::uint32_t flags) {
    return client.request(stun::Method::Binding,
                          [&](stun::MessageBuilder& out) { out.u32(AttributeType::ChangeRequest, flags); });
  };
  const Bytes reply = ask(end, client.binding());
  EXPECT_EQ(MessageView::parse(reply)->address(AttributeType::OtherAddress),
            (Endpoint{IpAddress::v4({127, 0, 0, 2}), server_->alternate_port()}));
  EXPECT_TRUE(success(ask(end, change(stun::change_address | stun::change_port))));
  EXPECT_EQ(end.from_address, "127.0.0.2");
  EXPECT_EQ(end.from, server_->alternate_port());
  EXPECT_TRUE(success(ask(end, change(stun::change_port))));
  EXPECT_EQ(end.from_address, "127.0.0.1");
  EXPECT_EQ(end.from, server_->alternate_port());
  end.send(server_->alternate_port(), change(stun::change_address | stun::change_port),
           asio::ip::make_address_v4("127.0.0.2"));
  EXPECT_TRUE(success(next(end)));
  EXPECT_EQ(end.from_address, "127.0.0.1");
  EXPECT_EQ(end.from, server_->port());
  // A relay can be had at each.
  client = Client{{}, "ann", "apple"};
  end.send(server_->alternate_port(), client.allocate(), asio::ip::make_address_v4("127.0.0.2"));
  client.learn(next(end));
  end.send(server_->alternate_port(), client.allocate(), asio::ip::make_address_v4("127.0.0.2"));
  EXPECT_TRUE(success(next(end)));
  server_->stop();
  EXPECT_EQ(server_->alternate_port(), 0);
}

TEST_F(StunTurnServerTest, HasASecondPortWithoutASecondAddress) {
  auto two = options();
  two.alternate_port = 0;
  start(two);
  UdpEnd end{io_};
  Client client{{}, "", ""};
  EXPECT_FALSE(MessageView::parse(ask(end, client.binding()))->has(AttributeType::OtherAddress));
  const auto change = client.request(stun::Method::Binding, [&](stun::MessageBuilder& out) {
    out.u32(AttributeType::ChangeRequest, stun::change_port);
  });
  EXPECT_TRUE(success(ask(end, change)));
  EXPECT_EQ(end.from, server_->alternate_port());
}

TEST_F(StunTurnServerTest, SaysWhatIsWrongWithItsOptions) {
  const auto with = [&](auto change) {
    auto wrong = options();
    change(wrong);
    return failure(io_, wrong);
  };
  EXPECT_THAT(with([](auto& o) { o.bind_address = "localhost"; }), HasSubstr("localhost: it is no IP address"));
  EXPECT_THAT(with([](auto& o) { o.bind_address = "224.0.0.1"; }), HasSubstr("multicast"));
  EXPECT_THAT(with([](auto& o) { o.bind_address = "203.0.113.77"; }), HasSubstr("does not have that address"));
  EXPECT_THAT(with([](auto& o) { o.realm.clear(); }), HasSubstr("realm"));
  EXPECT_THAT(with([](auto& o) { o.relay_port_min = 5'000; }), HasSubstr("range"));
  EXPECT_THAT(with([](auto& o) { o.relay_port_min = 5'000, o.relay_port_max = 4'000; }), HasSubstr("range"));
  EXPECT_THAT(with([](auto& o) { o.users.push_back({"", "x"}); }), HasSubstr("name"));
  EXPECT_THAT(with([](auto& o) { o.users.push_back({"x", ""}); }), HasSubstr("password"));
  EXPECT_THAT(with([](auto& o) { o.external_address = "0.0.0.0"; }), HasSubstr("0.0.0.0"));
  const auto second = [&](std::string address, std::optional<std::uint16_t> port) {
    return with([&](auto& o) { o.alternate_address = std::move(address), o.alternate_port = port; });
  };
  EXPECT_THAT(second("here", 0), HasSubstr("here"));
  EXPECT_THAT(second("0.0.0.0", 0), HasSubstr("0.0.0.0"));
  EXPECT_THAT(second("127.0.0.1", 0), HasSubstr("another one"));
  EXPECT_THAT(second("::1", 0), HasSubstr("same family"));
  EXPECT_THAT(second("127.0.0.2", {}), HasSubstr("second port"));
  EXPECT_THAT(with([](auto& o) { o.port = 3'478, o.alternate_port = 3'478; }), HasSubstr("second port"));
  const udp::socket taken{io_, udp::endpoint{loopback, 0}};
  const auto port = taken.local_endpoint().port();
  EXPECT_THAT(with([&](auto& o) { o.port = port; }), HasSubstr("taken by another program"));
}

TEST_F(StunTurnServerTest, ListensOnEveryAddressOfTheMachineWhenTold) {
  auto all = options();
  all.bind_address = "0.0.0.0";
  start(all);
  UdpEnd end{io_};
  Client client{{}, "", ""};
  EXPECT_TRUE(success(ask(end, client.binding())));
}

}  // namespace
}  // namespace linnet
