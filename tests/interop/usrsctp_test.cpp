// Our association against usrsctp, the SCTP of Firefox and older libwebrtc, over UDP on loopback: as in those,
// usrsctp's AF_CONN hands packets to a function and takes them by a call, and each packet is a datagram between two
// sockets.
#include <gtest/gtest.h>
#include <usrsctp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "io/clock.hpp"
#include "io/udp_socket.hpp"
#include "sctp/association/association.hpp"

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

struct Received {
  std::uint16_t stream;
  std::uint32_t ppid;
  std::vector<std::byte> payload;
};

/// usrsctp's end: one socket. Its output and what it received are collected under a lock, for its timer thread.
class Usrsctp {
 public:
  Usrsctp() {
    usrsctp_init(0, &Usrsctp::output, nullptr);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_register_address(this);
    socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
    EXPECT_NE(socket_, nullptr);
    usrsctp_set_non_blocking(socket_, 1);
    constexpr int buffer = 4 * 1'024 * 1'024;
    set(SOL_SOCKET, SO_RCVBUF, buffer);
    set(SOL_SOCKET, SO_SNDBUF, buffer);
    set(IPPROTO_SCTP, SCTP_NODELAY, 1);
    set(IPPROTO_SCTP, SCTP_RECVRCVINFO, 1);
    set(IPPROTO_SCTP, SCTP_EXPLICIT_EOR, 0);
    const sctp_assoc_value resets{.assoc_id = SCTP_ALL_ASSOC,
                                  .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ};
    set(IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, resets);
    const sctp_initmsg init{.sinit_num_ostreams = 1'024, .sinit_max_instreams = 65'535};
    set(IPPROTO_SCTP, SCTP_INITMSG, init);
    for (const std::uint16_t type : {std::uint16_t{SCTP_ASSOC_CHANGE}, std::uint16_t{SCTP_STREAM_RESET_EVENT}}) {
      const sctp_event event{.se_assoc_id = SCTP_ALL_ASSOC, .se_type = type, .se_on = 1};
      set(IPPROTO_SCTP, SCTP_EVENT, event);
    }
    sockaddr_conn address = self();
    EXPECT_EQ(usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Usrsctp() {
    if (socket_ != nullptr) usrsctp_close(socket_);
    usrsctp_deregister_address(this);
    for (int i = 0; i < 200 && usrsctp_finish() != 0; ++i) std::this_thread::sleep_for(10ms);
  }
  /// RFC 8260; false where this usrsctp cannot. Its public header does not name the option.
  bool interleave() {
    constexpr int interleaving_supported = 0x1206;
    constexpr int between_streams = 2;
    const sctp_assoc_value on{.assoc_id = SCTP_ALL_ASSOC, .assoc_value = 1};
    return usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &between_streams,
                              sizeof between_streams) == 0 &&
           usrsctp_setsockopt(socket_, IPPROTO_SCTP, interleaving_supported, &on, sizeof on) == 0;
  }
  void connect() {
    sockaddr_conn address = self();
    (void)usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  void listen() { EXPECT_EQ(usrsctp_listen(socket_, 1), 0); }
  bool accept() {
    struct socket* accepted = usrsctp_accept(socket_, nullptr, nullptr);
    if (accepted == nullptr) return false;
    usrsctp_close(socket_);
    socket_ = accepted;
    usrsctp_set_non_blocking(socket_, 1);
    return true;
  }
  bool send(std::uint16_t stream, const std::vector<std::byte>& payload, bool unordered = false) {
    sctp_sndinfo info{};
    info.snd_sid = stream;
    info.snd_ppid = htonl(51);
    info.snd_flags = unordered ? SCTP_UNORDERED : 0;
    return usrsctp_sendv(socket_, payload.data(), payload.size(), nullptr, 0, &info, sizeof info, SCTP_SENDV_SNDINFO,
                         0) == static_cast<ssize_t>(payload.size());
  }
  void reset(std::uint16_t stream) {
    std::array<std::byte, sizeof(sctp_reset_streams) + 2> memory{};
    auto* const request = reinterpret_cast<sctp_reset_streams*>(memory.data());
    request->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    request->srs_number_streams = 1;
    request->srs_stream_list[0] = stream;
    EXPECT_EQ(usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, request, memory.size()), 0);
  }
  void shutdown() { EXPECT_EQ(usrsctp_shutdown(socket_, SHUT_WR), 0); }
  void input(std::span<const std::byte> packet) { usrsctp_conninput(this, packet.data(), packet.size(), 0); }
  std::deque<std::vector<std::byte>> take_output() {
    const std::lock_guard lock(mutex_);
    return std::exchange(output_, {});
  }
  void read() {
    std::vector<std::byte> buffer(300'000);
    while (true) {
      sctp_rcvinfo info{};
      socklen_t info_size = sizeof info;
      unsigned type = 0;
      int flags = 0;
      socklen_t from = 0;
      const ssize_t size =
          usrsctp_recvv(socket_, buffer.data(), buffer.size(), nullptr, &from, &info, &info_size, &type, &flags);
      if (size < 0) return;
      if (size == 0) {
        closed = true;
        return;
      }
      if ((flags & MSG_NOTIFICATION) != 0) {
        sctp_notification note;
        std::memcpy(&note, buffer.data(), std::min(sizeof note, static_cast<std::size_t>(size)));
        if (note.sn_header.sn_type == SCTP_ASSOC_CHANGE && note.sn_assoc_change.sac_state == SCTP_COMM_UP) up = true;
        if (note.sn_header.sn_type == SCTP_ASSOC_CHANGE && note.sn_assoc_change.sac_state == SCTP_SHUTDOWN_COMP)
          closed = true;
        if (note.sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
          if ((note.sn_strreset_event.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0) ++incoming_resets;
          if ((note.sn_strreset_event.strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0) ++outgoing_resets;
        }
        continue;
      }
      std::vector<std::byte>& partial = partial_[{info.rcv_sid, (info.rcv_flags & SCTP_UNORDERED) != 0}];
      partial.insert(partial.end(), buffer.begin(), buffer.begin() + size);
      if ((flags & MSG_EOR) == 0) continue;
      messages.push_back({info.rcv_sid, ntohl(info.rcv_ppid), std::exchange(partial, {})});
    }
  }

  bool up = false;
  bool closed = false;
  int incoming_resets = 0;
  int outgoing_resets = 0;
  std::vector<Received> messages;

 private:
  sockaddr_conn self() {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(5000);
    address.sconn_addr = this;
    return address;
  }
  template <class T>
  void set(int level, int name, const T& value) {
    EXPECT_EQ(usrsctp_setsockopt(socket_, level, name, &value, sizeof value), 0) << name;
  }
  static int output(void* address, void* bytes, std::size_t size, std::uint8_t, std::uint8_t) {
    auto* const me = static_cast<Usrsctp*>(address);
    const auto* const from = static_cast<const std::byte*>(bytes);
    const std::lock_guard lock(me->mutex_);
    me->output_.emplace_back(from, from + size);
    return 0;
  }
  struct socket* socket_ = nullptr;
  std::mutex mutex_;
  std::deque<std::vector<std::byte>> output_;
  std::map<std::pair<std::uint16_t, bool>, std::vector<std::byte>> partial_;
};

/// Packets from one socket to the other, on ports that the kernel chose.
class Wire {
 public:
  void from_us(std::span<const std::byte> packet) { send(ours_, theirs_, packet); }
  void from_them(std::span<const std::byte> packet) { send(theirs_, ours_, packet); }
  template <class Take>
  void to_us(Take&& take) {
    receive(ours_, take);
  }
  template <class Take>
  void to_them(Take&& take) {
    receive(theirs_, take);
  }

 private:
  static io::UdpSocket bound() {
    auto socket = io::UdpSocket::bind({IpAddress::v4({127, 0, 0, 1}), 0}, {});
    if (!socket) throw std::system_error{socket.error()};
    return std::move(*socket);
  }
  void send(io::UdpSocket& from, const io::UdpSocket& to, std::span<const std::byte> packet) {
    out_.clear();
    std::ranges::copy(packet, out_.begin({from.local(), to.local()}, Ecn::NotEct, packet.size()).begin());
    out_.commit(packet.size());
    // A full buffer loses the packet, as it may.
    (void)from.send(out_.runs());
  }
  template <class Take>
  void receive(io::UdpSocket& socket, Take&& take) {
    for (bool more = true; more;) {
      more = socket.receive(io::SteadyClock::now(), in_);
      for (const Datagram& datagram : in_.datagrams()) take(datagram.bytes);
    }
  }
  io::UdpSocket ours_ = bound();
  io::UdpSocket theirs_ = bound();
  DatagramBatch out_;
  io::ReceiveBatch in_;
};

struct UsrsctpInterop : testing::Test {
  SeededGenerator generator{1};
  Association ours{{}, generator};
  Usrsctp theirs;
  Wire wire;
  std::vector<Event> events;
  std::vector<Message> messages;
  SeededGenerator path{2};
  bool lossy = false;  // one packet of ours in seven is lost

  static TimePoint now() { return io::SteadyClock::now(); }
  template <class E>
  std::size_t count() const {
    std::size_t n = 0;
    for (const Event& event : events) n += std::holds_alternative<E>(event) ? 1U : 0U;
    return n;
  }
  template <class Done>
  bool run(Done done, std::chrono::seconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      for (const auto& packet : theirs.take_output()) wire.from_them(packet);
      wire.to_us([&](std::span<const std::byte> packet) { ours.handle_packet(now(), packet); });
      if (ours.next_timeout() <= now()) ours.handle_timeout(now());
      while (auto event = ours.poll_event()) {
        if (const auto* ready = std::get_if<MessageReady>(&*event))
          while (auto message = ours.receive(ready->stream)) messages.push_back(std::move(*message));
        events.push_back(std::move(*event));
      }
      std::array<std::byte, 2'048> out;
      while (const std::size_t size = ours.poll_packet(now(), out))
        if (!lossy || path.below(7) != 0) wire.from_us(std::span<const std::byte>(out).first(size));
      wire.to_them([&](std::span<const std::byte> packet) { theirs.input(packet); });
      theirs.read();
      if (done()) return true;
      std::this_thread::sleep_for(200us);
    }
    return false;
  }
  bool connect() {
    ours.connect(now());
    theirs.connect();
    return run([&] { return theirs.up && count<Connected>() == 1; });
  }
  static std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + size);
    return bytes;
  }
};

TEST_F(UsrsctpInterop, MessagesOfAllSizesGoBothWaysAfterASimultaneousOpen) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(ours.incoming_streams(), 1'024);
  const std::size_t sizes[] = {1, 3, 1'000, 1'163, 1'164, 1'165, 5'000, 65'536, 262'144};
  for (const std::size_t size : sizes) {
    ASSERT_TRUE(ours.send(now(), StreamId{1}, Ppid{51}, pattern(size)));
    ASSERT_TRUE(theirs.send(2, pattern(size), size == 1'000));
  }
  ASSERT_TRUE(run([&] { return messages.size() == std::size(sizes) && theirs.messages.size() == std::size(sizes); }))
      << messages.size() << " " << theirs.messages.size();
  for (std::size_t i = 0; i < std::size(sizes); ++i) EXPECT_EQ(theirs.messages[i].payload, pattern(sizes[i]));
  std::size_t unordered = 0;
  std::size_t next = 0;
  for (const Message& message : messages) {
    if (message.unordered) {
      ++unordered;
      EXPECT_EQ(message.payload, pattern(1'000));
      continue;
    }
    if (sizes[next] == 1'000) ++next;
    EXPECT_EQ(message.payload, pattern(sizes[next++]));
  }
  EXPECT_EQ(unordered, 1U);
}

TEST_F(UsrsctpInterop, LostPacketsAreRetransmittedAndUnreliableMessagesSkipped) {
  ASSERT_TRUE(connect());
  lossy = true;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ours.send(now(), StreamId{1}, Ppid{51}, pattern(5'000)));
    ASSERT_TRUE(ours.send(now(), StreamId{2}, Ppid{51}, pattern(3'000), {.max_retransmits = std::uint16_t{0}}));
  }
  const auto reliable = [&] {
    return std::ranges::count_if(theirs.messages, [](const Received& m) { return m.stream == 1; });
  };
  ASSERT_TRUE(run([&] { return reliable() == 100 && ours.statistics().unacked_chunks == 0; }, 60s)) << reliable();
  EXPECT_GT(ours.statistics().messages_abandoned, 0U);
  for (const Received& message : theirs.messages)
    EXPECT_EQ(message.payload, pattern(message.stream == 1 ? 5'000 : 3'000));
}

TEST_F(UsrsctpInterop, WhatUsrsctpDoesNotOfferIsNotUsed) {
  ASSERT_TRUE(connect());
  EXPECT_FALSE(ours.interleaving());
}

TEST_F(UsrsctpInterop, InterleavedMessagesGoBothWaysAndUnreliableOnesAreSkipped) {
  if (!theirs.interleave()) GTEST_SKIP() << "this usrsctp does not interleave";
  ASSERT_TRUE(connect());
  ASSERT_TRUE(ours.interleaving());
  lossy = true;
  std::size_t sent = 0;
  constexpr int count = 24;
  for (int i = 0; i < count; ++i) {
    const auto stream = static_cast<std::uint16_t>(i % 4);
    const std::size_t size = 100 + static_cast<std::size_t>(i) * 977 % 12'000;
    SendOptions how{.unordered = stream == 1};
    if (stream == 3) how.max_retransmits = std::uint16_t{0};
    ASSERT_TRUE(ours.send(now(), StreamId{stream}, Ppid{51}, pattern(size), how));
    ASSERT_TRUE(theirs.send(static_cast<std::uint16_t>(stream + 4), pattern(size), stream == 1));
    sent += stream == 3 ? 0U : 1U;
  }
  const auto reliable = [&] {
    return static_cast<std::size_t>(
        std::ranges::count_if(theirs.messages, [](const Received& m) { return m.stream != 3; }));
  };
  ASSERT_TRUE(
      run([&] { return reliable() == sent && messages.size() == count && ours.statistics().unacked_chunks == 0; }, 60s))
      << reliable() << " " << messages.size();
  EXPECT_GT(ours.statistics().messages_abandoned, 0U);
  for (const Received& message : theirs.messages) EXPECT_EQ(message.payload, pattern(message.payload.size()));
  for (const Message& message : messages) EXPECT_EQ(message.payload, pattern(message.payload.size()));
}

TEST_F(UsrsctpInterop, BothSidesResetStreamsAndUseThemAgain) {
  ASSERT_TRUE(connect());
  for (int round = 1; round <= 2; ++round) {
    ASSERT_TRUE(ours.send(now(), StreamId{4}, Ppid{51}, pattern(100)));
    ASSERT_TRUE(theirs.send(4, pattern(100)));
    const auto each = static_cast<std::size_t>(round);
    ASSERT_TRUE(run([&] { return messages.size() == each && theirs.messages.size() == each; }));
    const std::array streams{StreamId{4}};
    ASSERT_TRUE(ours.reset_streams(now(), streams));
    ASSERT_TRUE(run([&] { return count<OutgoingStreamsReset>() == each && theirs.incoming_resets == round; }));
    theirs.reset(4);
    ASSERT_TRUE(run([&] { return count<IncomingStreamsReset>() == each && theirs.outgoing_resets == round; }));
  }
}

TEST_F(UsrsctpInterop, ShutdownFromOurSideDeliversFirst) {
  ASSERT_TRUE(connect());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ours.send(now(), StreamId{1}, Ppid{51}, pattern(20'000)));
  ours.shutdown(now());
  ASSERT_TRUE(run([&] { return count<Closed>() == 1; }));
  EXPECT_EQ(theirs.messages.size(), 20U);
}

TEST_F(UsrsctpInterop, ShutdownFromTheirSideDeliversFirst) {
  ASSERT_TRUE(connect());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(theirs.send(1, pattern(20'000)));
  theirs.shutdown();
  ASSERT_TRUE(run([&] { return count<Closed>() == 1; }));
  EXPECT_EQ(messages.size(), 20U);
}

TEST_F(UsrsctpInterop, TheyConnectWhileWeOnlyAnswer) {
  theirs.connect();
  ASSERT_TRUE(run([&] { return theirs.up && count<Connected>() == 1; }));
}

TEST_F(UsrsctpInterop, WeConnectWhileTheyListen) {
  theirs.listen();
  ours.connect(now());
  ASSERT_TRUE(run([&] { return count<Connected>() == 1; }));
  ASSERT_TRUE(theirs.accept());
  ASSERT_TRUE(ours.send(now(), StreamId{1}, Ppid{51}, pattern(100)));
  ASSERT_TRUE(run([&] { return theirs.messages.size() == 1; }));
}

}  // namespace
}  // namespace linnet::sctp
