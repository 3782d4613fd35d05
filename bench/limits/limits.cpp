// What this machine could at most, as one JSON object: raw UDP over loopback between two processes, with and without
// segmentation offload, and AES-128-GCM on one core.
//   bench_limits [SECONDS]
#include <netinet/in.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t datagram = 1'200;
constexpr std::size_t batch = 32;
constexpr std::size_t most_segments = 48;  // below 64 KiB, which is what one send takes

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A socket of 127.0.0.1 with a port of its own.
int bound(sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) fail("bind");
  const int room = 4 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return fd;
}

struct Pair {
  Pair() {
    sockaddr_in a{};
    sockaddr_in b{};
    here = bound(a);
    there = bound(b);
    if (::connect(here, reinterpret_cast<sockaddr*>(&b), sizeof b) != 0 ||
        ::connect(there, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0)
      fail("connect");
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(here);
    ::close(there);
  }
  int here = -1;
  int there = -1;
};

enum class Way { Single, Batched, Offloaded };

/// What the receiver writes to the sender's pipe when nothing came for a while.
struct Arrived {
  std::uint64_t bytes = 0;
  double seconds = 0;
  double cpu = 0;
};

/// Headers of `batch` datagrams for sendmmsg and recvmmsg.
struct Batch {
  explicit Batch(std::size_t size) : memory(batch * size) {
    for (std::size_t i = 0; i < batch; ++i) {
      vectors[i] = {.iov_base = memory.data() + i * size, .iov_len = size};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::vector<char> memory;
  std::array<iovec, batch> vectors{};
  std::array<mmsghdr, batch> headers{};
};

Arrived receive(int fd, Way way) {
  const timeval patience{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int on = 1;
  if (way == Way::Offloaded) ::setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  Batch many{datagram};
  std::vector<char> one(65'536);
  Arrived out;
  Clock::time_point first{};
  Clock::time_point last{};
  double cpu = 0;
  for (;;) {
    std::size_t got = 0;
    if (way == Way::Batched) {
      const int n = ::recvmmsg(fd, many.headers.data(), batch, MSG_WAITFORONE, nullptr);
      for (int i = 0; i < n; ++i) got += many.headers[static_cast<std::size_t>(i)].msg_len;
    } else {
      const ssize_t n = ::recv(fd, one.data(), one.size(), 0);
      got = n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    if (got == 0) {
      if (out.bytes == 0) continue;
      break;
    }
    last = Clock::now();
    if (out.bytes == 0) {
      first = last;
      cpu = cpu_seconds();
    }
    out.bytes += got;
  }
  out.seconds = Seconds(last - first).count();
  out.cpu = cpu_seconds() - cpu;
  return out;
}

void send_for(int fd, Way way, double seconds) {
  const int segment = datagram;
  std::vector<char> data(datagram * most_segments);
  if (way == Way::Offloaded && ::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0)
    fail("UDP_SEGMENT");
  Batch many{datagram};
  for (const auto end = Clock::now() + Seconds(seconds); Clock::now() < end;) {
    switch (way) {
      case Way::Single:
        for (std::size_t i = 0; i < batch; ++i) (void)::send(fd, data.data(), datagram, 0);
        break;
      case Way::Batched: (void)::sendmmsg(fd, many.headers.data(), batch, 0); break;
      case Way::Offloaded: (void)::send(fd, data.data(), data.size(), 0); break;
    }
  }
}

struct Rate {
  double mbps = 0;
  double datagrams_per_s = 0;
  double cpu_s_per_gb = 0;
};

/// This process sends, another receives; only what arrives counts.
Rate throughput(Way way, double seconds) {
  Pair sockets;
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) fail("pipe");
  const pid_t receiver = ::fork();
  if (receiver < 0) fail("fork");
  if (receiver == 0) {
    const Arrived out = receive(sockets.there, way);
    ::_exit(::write(pipe[1], &out, sizeof out) == sizeof out ? 0 : 1);
  }
  const double before = cpu_seconds();
  send_for(sockets.here, way, seconds);
  const double sender = cpu_seconds() - before;
  Arrived out;
  if (::read(pipe[0], &out, sizeof out) != sizeof out || out.seconds <= 0) fail("receiver");
  ::waitpid(receiver, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  const auto bytes = static_cast<double>(out.bytes);
  return {.mbps = bytes * 8 / 1e6 / out.seconds,
          .datagrams_per_s = bytes / datagram / out.seconds,
          .cpu_s_per_gb = (sender + out.cpu) / (bytes / 1e9)};
}

/// Microseconds of blocking round trips of 64 bytes, sorted.
std::vector<double> round_trips(double seconds) {
  Pair sockets;
  const pid_t echo = ::fork();
  if (echo < 0) fail("fork");
  std::array<char, 64> message{};
  if (echo == 0) {
    while (::recv(sockets.there, message.data(), message.size(), 0) > 1)
      (void)::send(sockets.there, message.data(), message.size(), 0);
    ::_exit(0);
  }
  std::vector<double> out;
  for (const auto end = Clock::now() + Seconds(seconds); Clock::now() < end;) {
    const auto at = Clock::now();
    if (::send(sockets.here, message.data(), message.size(), 0) < 0 ||
        ::recv(sockets.here, message.data(), message.size(), 0) < 0)
      fail("echo");
    out.push_back(Seconds(Clock::now() - at).count() * 1e6);
  }
  (void)::send(sockets.here, message.data(), 1, 0);
  ::waitpid(echo, nullptr, 0);
  std::ranges::sort(out);
  return out;
}

double aes_gcm_mbps(double seconds) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  std::array<unsigned char, 16> key{};
  std::array<unsigned char, 12> nonce{};
  std::array<unsigned char, 13> additional{};
  std::array<unsigned char, 16> tag{};
  std::vector<unsigned char> text(datagram);
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, key.data(), nullptr);
  double bytes = 0;
  const auto start = Clock::now();
  while (Clock::now() - start < Seconds(seconds)) {
    for (int i = 0; i < 1'000; ++i) {
      int n = 0;
      ++nonce[0];
      EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data());
      EVP_EncryptUpdate(context, nullptr, &n, additional.data(), static_cast<int>(additional.size()));
      EVP_EncryptUpdate(context, text.data(), &n, text.data(), static_cast<int>(text.size()));
      EVP_EncryptFinal_ex(context, tag.data(), &n);
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data());
    }
    bytes += 1'000.0 * datagram;
  }
  const double took = Seconds(Clock::now() - start).count();
  EVP_CIPHER_CTX_free(context);
  return bytes * 8 / 1e6 / took;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::clamp(std::atof(argv[1]), 0.05, 60.0) : 2;
  const Rate single = throughput(Way::Single, seconds);
  const Rate batched = throughput(Way::Batched, seconds);
  const Rate offloaded = throughput(Way::Offloaded, seconds);
  const auto times = round_trips(seconds);
  const auto share = [&](double part) {
    return times.empty() ? 0 : times[static_cast<std::size_t>(static_cast<double>(times.size() - 1) * part)];
  };
  std::printf("{\"udp_mbps\": %.0f, \"udp_cpu_s_per_gb\": %.3f, \"udp_datagrams_per_s\": %.0f, ", single.mbps,
              single.cpu_s_per_gb, single.datagrams_per_s);
  std::printf("\"udp_sendmmsg_mbps\": %.0f, ", batched.mbps);
  std::printf("\"udp_offload_mbps\": %.0f, \"udp_offload_cpu_s_per_gb\": %.3f, ", offloaded.mbps,
              offloaded.cpu_s_per_gb);
  std::printf("\"udp_rtt_us_p50\": %.1f, \"udp_rtt_us_p99\": %.1f, ", share(0.5), share(0.99));
  std::printf("\"aes_gcm_mbps\": %.0f}\n", aes_gcm_mbps(seconds));
}
