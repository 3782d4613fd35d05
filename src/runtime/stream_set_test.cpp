#include "runtime/stream_set.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "crypto/testing/tls_server.hpp"
#include "runtime/testing/no_descriptors.hpp"

namespace linnet::runtime {
namespace {

using boost::asio::ip::tcp;
using crypto::testing::Authority;
using crypto::testing::TlsServer;
using namespace std::chrono_literals;

const IpAddress loopback = IpAddress::v4({127, 0, 0, 1});

/// A server of one connection, which keeps what it reads and writes what it is told; with TLS if `issue` was called.
class Server {
 public:
  /// `receive_buffer`: what the system keeps of what was not read; 0: as much as it likes.
  explicit Server(boost::asio::io_context& io, int receive_buffer = 0)
      : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}), socket_(io) {
    if (receive_buffer != 0) acceptor_.set_option(boost::asio::socket_base::receive_buffer_size{receive_buffer});
    acceptor_.async_accept(socket_, [this](boost::system::error_code error) {
      if (!error && reads_) read();
    });
  }
  void issue(const crypto::testing::Issued& issued) { tls_ = std::make_unique<TlsServer>(issued); }
  void read_nothing() { reads_ = false; }
  void read_again() {
    reads_ = true;
    if (socket_.is_open()) read();
  }
  [[nodiscard]] Endpoint local() const { return {loopback, acceptor_.local_endpoint().port()}; }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const TlsServer* tls() const { return tls_.get(); }

  void write(std::string_view text) {
    if (tls_) {
      tls_->write(text);
      return flush();
    }
    boost::asio::write(socket_, boost::asio::buffer(text.data(), text.size()));
  }
  /// Asks for new keys until the connection takes no more for now; how many times.
  std::size_t update_keys(std::size_t most) {
    socket_.non_blocking(true);
    std::array<std::byte, 4'096> out;
    for (std::size_t done = 0; done < most; ++done) {
      if (unsent_.empty()) {
        tls_->update_keys();
        unsent_.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(tls_->take(out)));
      }
      boost::system::error_code error;
      const auto sent = socket_.write_some(boost::asio::buffer(unsent_), error);
      if (error) return done;
      unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
    }
    return most;
  }
  void reset() {
    socket_.set_option(tcp::socket::linger{true, 0});
    socket_.close();
  }
  void close() { socket_.close(); }

 private:
  void read() {
    socket_.async_read_some(boost::asio::buffer(buffer_), [this](boost::system::error_code error, std::size_t n) {
      if (error == boost::asio::error::operation_aborted) return;  // Perhaps there is no server any more.
      if (error) {
        ended_ = true;
        return;
      }
      if (tls_) {
        tls_->feed(std::as_bytes(std::span{buffer_}).first(n));
        received_ += std::exchange(tls_->received(), {});
        flush();
      } else {
        received_.append(buffer_.data(), n);
      }
      if (reads_) read();
    });
  }
  void flush() {
    std::array<std::byte, 65'536> out;
    while (const std::size_t n = tls_->take(out)) boost::asio::write(socket_, boost::asio::buffer(out.data(), n));
  }

  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::array<char, 65'536> buffer_;
  std::unique_ptr<TlsServer> tls_;
  std::string received_;
  std::vector<std::byte> unsent_;
  bool reads_ = true;
  bool ended_ = false;
};

class StreamSetTest : public ::testing::Test {
 protected:
  StreamSetTest() {
    tuning.tls_ca_file = authority.file();
    set.emplace(io.get_executor(), tuning);
    set->on_ready(
        alive,
        [this](Stream& stream) {
          while (true) {
            const bool more = set->receive(stream);
            while (const auto datagram = stream.next()) received.emplace_back(as_text(*datagram));
            if (!more) break;
          }
          set->settle(stream);
          take();
        },
        [this] {
          ++calls;
          take();
        });
  }
  ~StreamSetTest() override {
    set->close();
    (void)io.run_for(3s);
    set.reset();
  }
  void take() {
    for (StreamSet::Change& change : set->take_changes()) changes.push_back(std::move(change));
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    take();
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      (void)io.run_one_for(10ms);
    }
    return true;
  }
  Path connect(const Server& server, Protocol protocol = Protocol::Tcp, Framing framing = Framing::Rfc4571,
               const std::string& name = {}) {
    const Path path{{loopback, ++number}, server.local(), protocol};
    set->connect({.path = path, .server_name = name, .framing = framing});
    return path;
  }
  bool open(const Server& server, Path& path) {
    path = connect(server);
    return run_until([&] { return !changes.empty(); }) && changes.back().open;
  }
  void send(const Path& path, std::size_t size, std::size_t count = 1) {
    DatagramBatch batch;
    for (std::size_t i = 0; i < count; ++i) {
      const auto room = batch.begin(path, Ecn::NotEct, size);
      ASSERT_GE(room.size(), size);
      std::memset(room.data(), static_cast<int>('a' + i % 26), size);
      batch.commit(size);
    }
    set->send(batch.runs());
  }

  Authority authority;
  Tuning tuning;
  boost::asio::io_context io;
  std::shared_ptr<int> alive = std::make_shared<int>();
  std::optional<StreamSet> set;
  std::vector<StreamSet::Change> changes;
  std::vector<std::string> received;
  std::uint16_t number = 0;
  int calls = 0;
};

TEST_F(StreamSetTest, FramesWhatItSendsAndReads) {
  Server server{io};
  Path path;
  ASSERT_TRUE(open(server, path));
  EXPECT_EQ(changes.back().path, path);
  send(path, 3, 2);
  EXPECT_TRUE(run_until([&] { return server.received().size() == 10; }));
  EXPECT_EQ(server.received(), (std::string{"\0\3aaa\0\3bbb", 10}));
  server.write(std::string_view{"\0\5hel", 5});
  server.write(std::string_view{"lo\0\1x\0", 6});
  EXPECT_TRUE(run_until([&] { return received.size() == 2; }));
  EXPECT_EQ(received, (std::vector<std::string>{"hello", "x"}));
  EXPECT_EQ(changes.size(), 1U);
}

TEST_F(StreamSetTest, PadsChannelDataOnStreamsToTurnServers) {
  Server server{io};
  const Path path = connect(server, Protocol::Tcp, Framing::Stun);
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  DatagramBatch batch;
  const auto room = batch.begin(path, Ecn::NotEct);
  const std::string_view data{"@\0\0\1x", 5};
  std::memcpy(room.data(), data.data(), data.size());
  batch.commit(data.size());
  set->send(batch.runs());
  EXPECT_TRUE(run_until([&] { return server.received().size() == 8; }));
  EXPECT_EQ(server.received(), (std::string{"@\0\0\1x\0\0\0", 8}));
  server.write(std::string_view{"@\0\0\2yz\0\0@\0\0\1", 12});
  EXPECT_TRUE(run_until([&] { return !received.empty(); }));
  EXPECT_EQ(received.front(), (std::string{"@\0\0\2yz", 6}));
}

TEST_F(StreamSetTest, TalksTlsToAServerWithAGoodCertificate) {
  Server server{io};
  server.issue(authority.issue({.names = {"turn.example"}}));
  const Path path = connect(server, Protocol::Tls, Framing::Rfc4571, "turn.example");
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  ASSERT_TRUE(changes.front().open) << changes.front().why;
  EXPECT_EQ(server.tls()->asked_for(), "turn.example");
  send(path, 1'200, 200);
  EXPECT_TRUE(run_until([&] { return server.received().size() == 200 * 1'202; }));
  server.write(std::string(2, '\0') + std::string{"\0\5hello", 7} + std::string{"\xff\xff", 2} +
               std::string(65'535, 'y'));
  EXPECT_TRUE(run_until([&] { return received.size() == 2; }));
  EXPECT_EQ(received.back(), std::string(65'535, 'y'));
  set->disconnect(path);
  EXPECT_TRUE(run_until([&] { return server.ended(); }));
}

TEST_F(StreamSetTest, SaysWhyACertificateIsRefused) {
  const Authority stranger;
  struct Case {
    crypto::testing::Issued issued;
    const char* why;
  };
  const Case cases[] = {{authority.issue({.names = {"other.example"}}), "hostname mismatch"},
                        {authority.issue({.names = {"turn.example"}, .from = -48h, .to = -24h}), "expired"},
                        {stranger.issue({.names = {"turn.example"}}), "certificate of turn.example is refused"}};
  for (const Case& c : cases) {
    changes.clear();
    Server server{io};
    server.issue(c.issued);
    const Path path = connect(server, Protocol::Tls, Framing::Stun, "turn.example");
    ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
    EXPECT_EQ(changes.front().path, path);
    EXPECT_FALSE(changes.front().open);
    EXPECT_NE(changes.front().why.find(c.why), std::string::npos) << changes.front().why;
    EXPECT_EQ(changes.front().error, std::errc::protocol_error);
    EXPECT_EQ(set->size(), 0U);
  }
}

TEST_F(StreamSetTest, EndsAStreamToAServerThatWantsAnswersAndReadsNone) {
  Server server{io, 4'096};
  server.issue(authority.issue({.names = {"turn.example.org"}}));
  const Path path = connect(server, Protocol::Tls, Framing::Stun, "turn.example.org");
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  ASSERT_TRUE(changes.back().open) << changes.back().why;
  server.read_nothing();
  // Each costs the client an answer, and what the system keeps of those is soon full.
  for (int i = 0; i < 2'000 && changes.size() == 1; ++i) {
    (void)server.update_keys(100);
    (void)run_until([&] { return changes.size() == 2; }, 1ms);
  }
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes.back().path, path);
  EXPECT_EQ(changes.back().why, "the server asks for answers and does not read them");
}

TEST_F(StreamSetTest, SaysThatACaFileCannotBeRead) {
  tuning.tls_ca_file = "/nowhere/ca.pem";
  Server server{io};
  connect(server, Protocol::Tls, Framing::Stun, "turn.example");
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  EXPECT_NE(changes.front().why.find("/nowhere/ca.pem"), std::string::npos);
}

TEST_F(StreamSetTest, SaysThatNobodyListens) {
  auto server = std::make_unique<Server>(io);
  const Endpoint nobody = server->local();
  server.reset();
  set->connect({.path = {{loopback, 1}, nobody, Protocol::Tcp}, .server_name = {}});
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  EXPECT_FALSE(changes.front().open);
  EXPECT_NE(changes.front().why, "");
  EXPECT_EQ(changes.front().error, std::errc::connection_refused);
}

TEST_F(StreamSetTest, GivesUpOnAServerThatDoesNotFinishItsHandshake) {
  tuning.stream_connect_timeout = 100ms;
  Server server{io};
  server.read_nothing();
  connect(server, Protocol::Tls, Framing::Stun, "turn.example");
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  EXPECT_EQ(changes.front().why, "no answer in time");
  EXPECT_EQ(changes.front().error, std::errc::timed_out);
}

TEST_F(StreamSetTest, TellsThatTheOtherSideHasClosed) {
  for (const bool reset : {false, true}) {
    changes.clear();
    Server server{io};
    Path path;
    ASSERT_TRUE(open(server, path));
    server.write(std::string_view{"\0\4lastx", 7});  // Ends in the middle of a frame.
    reset ? server.reset() : server.close();
    ASSERT_TRUE(run_until([&] { return changes.size() == 2; }));
    EXPECT_FALSE(changes.back().open);
    EXPECT_EQ(changes.back().path, path);
    EXPECT_NE(changes.back().why, "");
    send(path, 10);  // Lost, as any datagram may be.
  }
}

TEST_F(StreamSetTest, EndsAStreamThatHoldsNoDatagrams) {
  Server server{io};
  connect(server, Protocol::Tcp, Framing::Stun);
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  server.write("220 mail.example.org ESMTP\r\n");
  ASSERT_TRUE(run_until([&] { return changes.size() == 2; }));
  EXPECT_EQ(changes.back().why, "the stream holds something else than datagrams");
}

TEST_F(StreamSetTest, HoldsTheSessionBackOnlyShortlyForAPeerThatTakesNothingAndDropsThen) {
  Server server{io};
  server.read_nothing();
  Path path;
  ASSERT_TRUE(open(server, path));
  const auto begin = std::chrono::steady_clock::now();
  int rounds = 0;
  while (!set->blocked() && rounds++ < 1'000) send(path, 1'200, 100);
  ASSERT_TRUE(set->blocked()) << "more than 100 MB are taken by nobody";
  calls = 0;
  ASSERT_TRUE(run_until([&] { return !set->blocked(); }));
  EXPECT_EQ(calls, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  for (int i = 0; i < 50; ++i) send(path, 1'200, 100);
  EXPECT_FALSE(set->blocked());
  // It reads on: whole frames, none of them cut.
  server.read_again();
  ASSERT_TRUE(run_until([&] {
    const std::size_t size = server.received().size();
    (void)run_until([] { return false; }, 50ms);
    return server.received().size() == size;
  }));
  std::size_t frames = 0;
  for (std::string_view rest = server.received(); !rest.empty(); rest.remove_prefix(1'202), ++frames) {
    ASSERT_GE(rest.size(), 1'202U);
    ASSERT_EQ(rest.substr(0, 2), "\x04\xb0");
    ASSERT_EQ(rest.find_first_not_of(rest[2], 2), rest.size() == 1'202 ? std::string_view::npos : 1'202U);
  }
  EXPECT_LT(frames, static_cast<std::size_t>(rounds + 51) * 100);
}

TEST_F(StreamSetTest, SendsWhatItHasBeforeItCloses) {
  Server server{io};
  server.read_nothing();
  Path path;
  ASSERT_TRUE(open(server, path));
  while (!set->blocked()) send(path, 1'200, 100);
  set->disconnect(path);
  EXPECT_FALSE(set->blocked());
  EXPECT_EQ(set->size(), 0U);
  server.read_again();
  ASSERT_TRUE(run_until([&] { return server.ended(); }));
  EXPECT_EQ(server.received().size() % 1'202, 0U);
  EXPECT_GT(server.received().size(), Stream::high_mark);
  EXPECT_EQ(changes.size(), 1U) << "whoever closes it is not told";
}

TEST_F(StreamSetTest, TakesConnectionsUnderTheAddressOfTheListener) {
  const auto local = set->listen(loopback);
  ASSERT_TRUE(local);
  tcp::socket client{io};
  client.connect({boost::asio::ip::address_v4::loopback(), local->port});
  ASSERT_TRUE(run_until([&] { return !changes.empty(); }));
  const Path path = changes.front().path;
  EXPECT_EQ(path, (Path{*local, {loopback, client.local_endpoint().port()}, Protocol::Tcp}));
  boost::asio::write(client, boost::asio::buffer("\0\3abc", 5));
  EXPECT_TRUE(run_until([&] { return !received.empty(); }));
  EXPECT_EQ(received.front(), "abc");
  EXPECT_EQ(set->close_listeners(loopback), std::vector{*local});
  (void)run_until([] { return false; }, 20ms);
  tcp::socket late{io};
  boost::system::error_code refused;
  late.connect({boost::asio::ip::address_v4::loopback(), local->port}, refused);
  EXPECT_TRUE(refused);
  send(path, 3);
  std::array<char, 5> buffer{};
  EXPECT_EQ(boost::asio::read(client, boost::asio::buffer(buffer)), 5U) << "it goes on without the listener";
}

TEST_F(StreamSetTest, AcceptsAgainAtAllItsListenersWhenThereAreDescriptorsAgain) {
  const std::array locals{set->listen(loopback), set->listen(loopback)};
  ASSERT_TRUE(locals[0] && locals[1]);
  std::vector<tcp::socket> clients;
  for (std::size_t i = 0; i < 2 * locals.size(); ++i) clients.emplace_back(io).open(tcp::v4());
  const auto connect_to_each = [&](std::size_t first) {
    for (std::size_t i = 0; i < locals.size(); ++i)
      clients[first + i].connect({boost::asio::ip::address_v4::loopback(), locals.at(i)->port});
  };
  {
    const testing::NoDescriptors none;
    connect_to_each(0);
    (void)run_until([] { return false; }, 50ms);
    EXPECT_EQ(set->size(), 0U);
  }
  EXPECT_TRUE(run_until([&] { return set->size() == 2; }, 20s));
  connect_to_each(2);
  EXPECT_TRUE(run_until([&] { return set->size() == 4; }, 20s));
}

TEST_F(StreamSetTest, HasABoundOnItsConnections) {
  const auto local = set->listen(loopback);
  ASSERT_TRUE(local);
  std::vector<tcp::socket> clients;
  for (std::size_t i = 0; i < StreamSet::max_streams + 20; ++i) {
    clients.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), local->port});
    (void)run_until([&] { return false; }, 1ms);
  }
  EXPECT_TRUE(run_until([&] { return set->size() == StreamSet::max_streams; }));
  EXPECT_EQ(changes.size(), StreamSet::max_streams);
}

}  // namespace
}  // namespace linnet::runtime
