// Kernels without segmentation offload: those that never heard of it, and those that refuse it for a device or a run.
// The calls that a socket makes pass through here on their way to this kernel, which can.
#if defined(__linux__) && !defined(LINNET_IO_PORTABLE)

#include <gtest/gtest.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "io/udp_socket.hpp"

namespace {

/// What the kernel is to pretend; all zero: nothing.
struct Pretended {
  bool no_option = false;        // setsockopt does not know UDP_SEGMENT
  int error = 0;                 // of a message with UDP_SEGMENT
  std::size_t larger_than = 0;   // but only when it is
  unsigned most = 0;             // messages a call takes; 0: all
  unsigned blocked_after = 0;    // calls; then the buffer is full once
  unsigned calls = 0;            // of sendmmsg
  unsigned segmented_calls = 0;  // whose first message asked for segmentation
} pretended;

bool is_segmented(const msghdr& h) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(const_cast<msghdr*>(&h), c))
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT) return true;
  return false;
}

}  // namespace

// In this program these stand before libc's.
extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  ++pretended.calls;
  if (pretended.blocked_after != 0 && pretended.calls == pretended.blocked_after) {
    errno = EAGAIN;
    return -1;
  }
  if (pretended.most != 0) count = std::min(count, pretended.most);
  // As the kernel: what stands before the message that fails is sent, and the error told when that one is the first.
  if (pretended.error != 0) {
    for (unsigned i = 0; i < count; ++i) {
      const msghdr& h = messages[i].msg_hdr;
      if (!is_segmented(h) || h.msg_iov[0].iov_len <= pretended.larger_than) continue;
      if (i == 0) {
        ++pretended.segmented_calls;
        errno = pretended.error;
        return -1;
      }
      count = i;
    }
  }
  return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
}

extern "C" int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  if (pretended.no_option && level == IPPROTO_UDP && name == UDP_SEGMENT) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_setsockopt, fd, level, name, value, size));
}

namespace linnet::io {
namespace {

struct UdpOffload : testing::Test {
  void SetUp() override {
    pretended = {};
    if (!bound().segmentation_offload()) GTEST_SKIP() << "this kernel has no segmentation offload to take away";
  }
  void TearDown() override { pretended = {}; }

  static UdpSocket bound() {
    auto socket = UdpSocket::bind({IpAddress::v4({127, 0, 0, 1}), 0}, {});
    if (!socket) throw std::system_error{socket.error()};
    return std::move(*socket);
  }
  /// Numbered datagrams of these sizes.
  static void fill(DatagramBatch& batch, const UdpSocket& from, const UdpSocket& to,
                   const std::vector<std::size_t>& sizes) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto room = batch.begin({from.local(), to.local()}, Ecn::Ect0, sizes[i]);
      std::memset(room.data(), static_cast<int>(i), sizes[i]);
      batch.commit(sizes[i]);
    }
  }
  static void expect_all(UdpSocket& socket, const std::vector<std::size_t>& sizes) {
    ReceiveBatch batch;
    for (std::size_t i = 0; i < sizes.size();) {
      pollfd p{.fd = socket.native_handle(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&p, 1, 2'000), 1) << "lost: " << i;
      socket.receive(TimePoint{}, batch);
      for (const Datagram& d : batch.datagrams()) {
        ASSERT_LT(i, sizes.size());
        const std::vector<std::byte> expected(sizes[i], static_cast<std::byte>(i));
        ASSERT_TRUE(std::ranges::equal(d.bytes, expected)) << i;
        EXPECT_EQ(d.ecn, Ecn::Ect0);
        ++i;
      }
    }
  }
  /// Two long runs, and odd ones between them.
  static std::vector<std::size_t> two_runs() {
    std::vector<std::size_t> sizes(40, 1'200);
    sizes.insert(sizes.end(), {300, 7, 1'000});
    sizes.insert(sizes.end(), 40, 900);
    sizes.push_back(50);
    return sizes;
  }
};

TEST_F(UdpOffload, IsNotTriedWhereTheKernelDoesNotKnowIt) {
  pretended.no_option = true;
  auto a = bound(), b = bound();
  EXPECT_FALSE(a.segmentation_offload());
  pretended.error = EINVAL;  // of what must not be asked
  DatagramBatch batch;
  const auto sizes = two_runs();
  fill(batch, a, b, sizes);
  const auto sent = a.send(batch.runs());
  EXPECT_EQ(sent.runs, batch.runs().size());
  EXPECT_EQ(pretended.segmented_calls, 0U);
  EXPECT_EQ(a.counters().sent, sizes.size());
  EXPECT_EQ(a.counters().dropped, 0U);
  expect_all(b, sizes);
}

TEST_F(UdpOffload, IsGivenUpForGoodWhenTheDeviceCannot) {
  for (const int error : {EIO, EOPNOTSUPP}) {
    pretended = {.error = error};
    auto a = bound(), b = bound();
    DatagramBatch batch;
    const auto sizes = two_runs();
    fill(batch, a, b, sizes);
    for (int again = 0; again < 2; ++again) {
      const auto sent = a.send(batch.runs());
      EXPECT_EQ(sent.runs, batch.runs().size());
      expect_all(b, sizes);
    }
    EXPECT_FALSE(a.segmentation_offload());
    EXPECT_EQ(pretended.segmented_calls, 1U) << "it is not asked twice";
    EXPECT_EQ(a.counters().sent, 2 * sizes.size());
    EXPECT_EQ(a.counters().dropped, 0U);
  }
}

TEST_F(UdpOffload, IsLeftOutForARunThatIsRefusedAndKeptForOthers) {
  for (const int error : {EINVAL, EMSGSIZE}) {
    pretended = {.error = error, .larger_than = 40'000};  // the first run's 48,000 bytes
    auto a = bound(), b = bound();
    DatagramBatch batch;
    const auto sizes = two_runs();
    fill(batch, a, b, sizes);
    const auto sent = a.send(batch.runs());
    EXPECT_EQ(sent.runs, batch.runs().size());
    EXPECT_TRUE(a.segmentation_offload());
    EXPECT_EQ(pretended.segmented_calls, 1U);
    EXPECT_LT(pretended.calls, 6U) << "40 datagrams one by one in two calls, the rest in one or two";
    EXPECT_EQ(a.counters().sent, sizes.size());
    expect_all(b, sizes);
  }
}

TEST_F(UdpOffload, LosesNothingWhenTheFallbackIsInterruptedByAFullBuffer) {
  for (unsigned blocked = 2; blocked < 30; blocked += 3) {
    pretended = {.error = EIO, .most = 3, .blocked_after = blocked};
    auto a = bound(), b = bound();
    DatagramBatch batch;
    const auto sizes = two_runs();
    fill(batch, a, b, sizes);
    auto sent = a.send(batch.runs());
    ASSERT_TRUE(sent.blocked) << blocked;
    const auto rest = a.send(batch.runs().subspan(sent.runs), sent.bytes);
    EXPECT_EQ(sent.runs + rest.runs, batch.runs().size());
    EXPECT_EQ(a.counters().sent, sizes.size());
    EXPECT_EQ(a.counters().dropped, 0U);
    expect_all(b, sizes);
  }
}

}  // namespace
}  // namespace linnet::io

#endif
