#include "io/udp_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

void set_option(int fd, int level, int name, int value) noexcept {
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

void ask_buffer(int fd, int name, [[maybe_unused]] int force_name, std::size_t bytes) noexcept {
  const int value = static_cast<int>(std::min(bytes, std::size_t{1} << 30));
  // The plain option is cut to a system-wide maximum; the forced one needs CAP_NET_ADMIN.
  if (force_name != 0 && ::setsockopt(fd, SOL_SOCKET, force_name, &value, sizeof value) == 0) return;
  set_option(fd, SOL_SOCKET, name, value);
}

bool bind_port(int fd, const Endpoint& local) noexcept {
  const SocketAddress address = to_system(local);
  return ::bind(fd, address.get(), address.size) == 0;
}

}  // namespace

std::expected<UdpSocket, std::error_code> UdpSocket::bind(const Endpoint& local, const Options& options) {
  FileDescriptor fd{::socket(local.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, IPPROTO_UDP)};
  if (!fd) return std::unexpected(last_error());
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 || ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0)
    return std::unexpected(last_error());
  if (local.address.is_v6()) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);

  bool bound = false;
  if (local.port != 0 || options.port_min == 0) {
    bound = bind_port(fd.get(), local);
  } else {
    for (unsigned port = options.port_min; !bound && port <= std::max(options.port_min, options.port_max); ++port)
      bound = bind_port(fd.get(), {local.address, static_cast<std::uint16_t>(port)});
  }
  if (!bound) return std::unexpected(last_error());

  auto actual = local_endpoint(fd.get());
  if (!actual) return std::unexpected(last_error());
  // The caller's address is kept: it has the scope that it will look for.
  UdpSocket out{std::move(fd), Endpoint{local.address, actual->port}};
  out.configure(options);
  return out;
}

void UdpSocket::configure(const Options& options) {
#ifdef SO_RCVBUFFORCE
  ask_buffer(fd_.get(), SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer);
  ask_buffer(fd_.get(), SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer);
#else
  ask_buffer(fd_.get(), SO_RCVBUF, 0, options.receive_buffer);
  ask_buffer(fd_.get(), SO_SNDBUF, 0, options.send_buffer);
#endif
  // ECN of what arrives.
  if (local_.address.is_v4())
    set_option(fd_.get(), IPPROTO_IP, IP_RECVTOS, 1);
  else
    set_option(fd_.get(), IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  configure_platform();
}

UdpSocket::Verdict UdpSocket::judge(int error) noexcept {
  switch (error) {
    case EAGAIN:
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
      return Verdict::Blocked;
    case EINTR:
    // An ICMP answer to an earlier datagram: reading the error cleared it, this datagram was not sent.
    case ECONNREFUSED: return Verdict::Retry;
    // ENOBUFS: the device's queue is full and no readiness will tell when it is not. EMSGSIZE: larger than the path
    // takes. EPERM: a firewall. ENETUNREACH and the like: no route now. A datagram may be lost anywhere; so here.
    default: return Verdict::Drop;
  }
}

void UdpSocket::drop(const DatagramBatch::Run& run, std::size_t bytes) {
  const std::uint64_t datagrams = run.segment_size == 0 ? 1 : (bytes + run.segment_size - 1) / run.segment_size;
  counters_.dropped += datagrams;
  if (dropped_.empty() || dropped_.back().path != run.path) dropped_.push_back({.path = run.path});
  dropped_.back().datagrams += datagrams;
  dropped_.back().bytes += bytes;
}

}  // namespace linnet::io
