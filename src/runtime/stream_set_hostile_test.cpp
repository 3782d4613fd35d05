#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "runtime/stream_set.hpp"

// Streams whose other end writes what it should not, or reads nothing: to a TURN server, to a peer, and from a peer.
// Each beside a second one, which goes on.
namespace linnet::runtime {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

const IpAddress loopback = IpAddress::v4({127, 0, 0, 1});

enum class Kind : std::uint8_t { ToServer, ToPeer, FromPeer };

class HostileStream : public testing::TestWithParam<Kind> {
 protected:
  /// One stream of ours, and the socket of whoever is at its other end.
  struct End {
    explicit End(boost::asio::io_context& io) : socket(io) {}
    Path path;
    tcp::socket socket;
    Stream* stream = nullptr;  ///< Known as soon as something was read from it.
    std::vector<std::string> received;
    std::size_t taken = 0;  ///< Bytes that the other end has read.
    std::uint64_t discarded = 0, discarded_bytes = 0;
  };

  HostileStream() {
    set_.emplace(io_.get_executor(), tuning_);
    set_->on_ready(
        alive_,
        [this](Stream& stream) {
          while (true) {
            const bool more = set_->receive(stream);
            while (const auto datagram = stream.next()) take(stream, *datagram);
            if (!more) break;
          }
          note(stream);
          set_->settle(stream);
          take_changes();
        },
        [this] { take_changes(); },
        [this](const Path& path, std::uint64_t packets, std::uint64_t bytes) {
          if (End* const end = end_of(path)) {
            end->discarded += packets;
            end->discarded_bytes += bytes;
          }
        });
  }
  ~HostileStream() override {
    set_->close();
    (void)io_.run_for(3s);
    set_.reset();
  }
  static Framing framing() { return GetParam() == Kind::ToServer ? Framing::Stun : Framing::Rfc4571; }

  std::unique_ptr<End> open() {
    auto end = std::make_unique<End>(io_);
    const std::size_t before = changes_.size();
    tcp::acceptor acceptor{io_, {boost::asio::ip::address_v4::loopback(), 0}};
    if (GetParam() == Kind::FromPeer) {
      const auto local = set_->listen(loopback);
      EXPECT_TRUE(local);
      end->socket.open(tcp::v4());
      end->socket.set_option(boost::asio::socket_base::receive_buffer_size{8'192});
      end->socket.connect({boost::asio::ip::address_v4::loopback(), local->port});
    } else {
      acceptor.set_option(boost::asio::socket_base::receive_buffer_size{8'192});
      const Endpoint at{loopback, acceptor.local_endpoint().port()};
      set_->connect({.path = {{loopback, ++number_}, at, Protocol::Tcp}, .server_name = {}, .framing = framing()});
      acceptor.accept(end->socket);
    }
    EXPECT_TRUE(run_until([&] { return changes_.size() > before; }));
    end->path = changes_.back().path;
    EXPECT_TRUE(changes_.back().open);
    end->socket.set_option(tcp::no_delay{true});
    ends_.push_back(end.get());
    return end;
  }
  /// As the stream carries it: to a server ChannelData, for `size` 0 without anything in it.
  static std::string frame(std::size_t size, char fill = 'x') {
    std::string out;
    if (framing() == Framing::Stun) out += "@\1";
    out.push_back(static_cast<char>(size >> 8U));
    out.push_back(static_cast<char>(size & 0xFFU));
    out.append(size, fill);
    if (framing() == Framing::Stun) out.append((4 - size % 4) % 4, '\0');
    return out;
  }
  static std::size_t datagram_size(std::size_t size) { return framing() == Framing::Stun ? size + 4 : size; }

  void say(End& end, std::string_view bytes) {
    boost::asio::async_write(end.socket, boost::asio::buffer(bytes.data(), bytes.size()),
                             [this](boost::system::error_code, std::size_t) { ++said_; });
    const std::size_t before = said_;
    EXPECT_TRUE(run_until([&] { return said_ > before; }, 20s));
  }
  /// Both ways.
  [[nodiscard]] bool works(End& end) {
    const std::size_t before = end.received.size();
    say(end, frame(5, 'w'));
    if (!run_until([&] { return end.received.size() == before + 1; })) return false;
    if (end.received.back().size() != datagram_size(5)) return false;
    send(end, 1);
    if (!run_until([&] { return end.socket.available() != 0; })) return false;
    std::array<char, 4'096> room;
    end.taken += end.socket.read_some(boost::asio::buffer(room));
    return true;
  }
  void send(const End& end, std::size_t count) {
    DatagramBatch batch;
    const std::string datagram = frame(1'200).substr(framing() == Framing::Stun ? 0 : 2);
    for (std::size_t i = 0; i < count; ++i) {
      const auto room = batch.begin(end.path, Ecn::NotEct, datagram.size());
      ASSERT_GE(room.size(), datagram.size());
      std::memcpy(room.data(), datagram.data(), datagram.size());
      batch.commit(datagram.size());
    }
    set_->send(batch.runs());
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    take_changes();
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      (void)io_.run_one_for(10ms);
    }
    return true;
  }
  /// Whatever there is to do is done.
  void rest() {
    for (int i = 0; i < 3; ++i) (void)run_until([] { return false; }, 15ms);
  }

  Tuning tuning_;
  boost::asio::io_context io_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::optional<StreamSet> set_;
  std::vector<StreamSet::Change> changes_;
  std::size_t said_ = 0;

 private:
  End* end_of(const Path& path) {
    for (End* end : ends_)
      if (end->path == path) return end;
    return nullptr;
  }
  void take(Stream& stream, std::span<const std::byte> datagram) {
    if (End* const end = end_of(stream.path())) end->received.emplace_back(as_text(datagram));
  }
  void note(Stream& stream) {
    if (End* const end = end_of(stream.path())) end->stream = &stream;
  }
  void take_changes() {
    for (StreamSet::Change& change : set_->take_changes()) changes_.push_back(std::move(change));
  }
  std::vector<End*> ends_;
  std::uint16_t number_ = 0;
};

TEST_P(HostileStream, OneByteAtATimeIsReadLikeAnyOther) {
  const auto end = open();
  for (const std::size_t size : {1U, 0U, 200U}) {
    for (const char& byte : frame(size)) {
      say(*end, {&byte, 1});
      (void)io_.poll();
    }
  }
  EXPECT_TRUE(run_until([&] { return !end->received.empty() && end->received.back().size() == datagram_size(200); }));
  EXPECT_EQ(end->received.front().size(), datagram_size(1));
  EXPECT_TRUE(works(*end));
}

TEST_P(HostileStream, ThatStopsInTheMiddleOfAFrameHoldsUpNoOther) {
  const auto end = open();
  const auto other = open();
  const std::string whole = frame(60'000);
  say(*end, std::string_view{whole}.substr(0, 40'000));
  rest();
  EXPECT_TRUE(end->received.empty());
  EXPECT_TRUE(works(*other));
  EXPECT_EQ(set_->size(), 2U) << "it may go on; that nothing comes is for the machines to notice";
  set_->disconnect(end->path);
  EXPECT_EQ(set_->size(), 1U);
  EXPECT_TRUE(works(*other));
}

TEST_P(HostileStream, OfFramesOf64KiBDeliversThemAll) {
  const auto end = open();
  const auto other = open();
  const std::string large = frame(65'535);
  for (int i = 0; i < 40; ++i) say(*end, large);
  ASSERT_TRUE(run_until([&] { return end->received.size() == 40; }));
  for (const std::string& datagram : end->received) EXPECT_EQ(datagram.size(), datagram_size(65'535));
  EXPECT_TRUE(works(*end));
  EXPECT_TRUE(works(*other));
}

TEST_P(HostileStream, OfEmptyFramesComesToAnEndWithThem) {
  const auto end = open();
  const auto other = open();
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += frame(0);
  say(*end, many);
  say(*end, frame(7));
  ASSERT_TRUE(run_until([&] { return !end->received.empty() && end->received.back().size() == datagram_size(7); }));
  EXPECT_TRUE(works(*end));
  EXPECT_TRUE(works(*other));
}

TEST_P(HostileStream, OfGarbageIsEndedOrIsAFrameLikeAnyOther) {
  const auto other = open();
  const auto end = open();
  say(*end, "\xff\xfeGET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
  rest();
  if (framing() == Framing::Stun) {
    ASSERT_TRUE(run_until([&] { return !changes_.back().open; }));
    EXPECT_EQ(changes_.back().path, end->path);
    EXPECT_EQ(changes_.back().why, "the stream holds something else than datagrams");
    EXPECT_EQ(set_->size(), 1U);
  } else {
    EXPECT_TRUE(end->received.empty()) << "a frame of 65,534 bytes has begun";
    say(*end, std::string(65'534, 'z'));
    EXPECT_TRUE(run_until([&] { return end->received.size() == 1; }));
  }
  EXPECT_TRUE(works(*other));
}

TEST_P(HostileStream, ThatReadsNothingIsKeptLittleFor) {
  const auto other = open();
  const auto end = open();
  say(*end, frame(1));
  ASSERT_TRUE(run_until([&] { return end->stream != nullptr; }));
  std::size_t most = 0;
  // Far more than the system keeps: 30 MB.
  for (int i = 0; i < 500; ++i) {
    if (set_->blocked()) (void)run_until([&] { return !set_->blocked(); });
    send(*end, 50);
    most = std::max(most, end->stream->kept());
    (void)io_.poll();
  }
  EXPECT_GT(most, Stream::high_mark) << "it was not slow";
  EXPECT_LE(most, Stream::max_kept);
  EXPECT_GT(end->discarded, 0U);
  EXPECT_EQ(end->discarded, end->stream->counters().dropped);
  EXPECT_EQ(end->discarded_bytes, end->discarded * datagram_size(1'200));
  EXPECT_EQ(other->discarded, 0U);
  EXPECT_FALSE(set_->blocked()) << "the others do not wait for it";
  EXPECT_TRUE(works(*other));
}

std::string name_of(const testing::TestParamInfo<Kind>& test) {
  switch (test.param) {
    case Kind::ToServer: return "ToServer";
    case Kind::ToPeer: return "ToPeer";
    case Kind::FromPeer: break;
  }
  return "FromPeer";
}
INSTANTIATE_TEST_SUITE_P(Each, HostileStream, testing::Values(Kind::ToServer, Kind::ToPeer, Kind::FromPeer), name_of);

}  // namespace
}  // namespace linnet::runtime
