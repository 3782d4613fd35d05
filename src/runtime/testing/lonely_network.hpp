#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

#ifdef __linux__
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

// Multicast goes out on every interface that there is, and no network should hear of tests: they run in a network of
// their own, with nothing but loopback.

namespace linnet::runtime::testing {

constexpr int status_not_possible = 77;

[[noreturn]] inline void leave(int status) {
  std::exit(status);
}  // NOLINT(concurrency-mt-unsafe): there is one thread.
/// Of what a body needs: the test is skipped.
[[noreturn]] inline void not_possible() { leave(status_not_possible); }

#ifdef __linux__
inline bool enter_network_of_loopback() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWNET) != 0) return false;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::ranges::copy(std::string_view{"lo"}, request.ifr_name);
  request.ifr_flags = IFF_UP;
  const bool up = fd >= 0 && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  if (fd >= 0) ::close(fd);
  return up;
}

/// Runs `body` in a process of its own, for the network cannot be left again. What the body expects in vain makes
/// this test fail.
inline void with_loopback_alone(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!enter_network_of_loopback()) not_possible();
    body();
    leave(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == status_not_possible) GTEST_SKIP() << "no network of one's own, or no multicast in it";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
#else
inline void with_loopback_alone(const std::function<void()>&) {
  GTEST_SKIP() << "no network of one's own on this system";
}
#endif

}  // namespace linnet::runtime::testing
