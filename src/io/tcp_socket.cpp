#include "io/tcp_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cassert>
#include <cerrno>

#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

void set_option(int fd, int level, int name, int value) noexcept {
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

bool is_would_block(int error) noexcept {
#if EAGAIN != EWOULDBLOCK
  if (error == EWOULDBLOCK) return true;
#endif
  return error == EAGAIN;
}

#ifdef MSG_NOSIGNAL
constexpr int no_signal = MSG_NOSIGNAL;
#else
constexpr int no_signal = 0;
#endif

}  // namespace

bool make_non_blocking(int fd) noexcept {
  return ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

std::expected<TcpSocket, std::error_code> TcpSocket::connect(const IpAddress& local, const Endpoint& remote) {
  FileDescriptor fd{::socket(remote.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP)};
  if (!fd || !make_non_blocking(fd.get())) return std::unexpected(last_error());
  if (!local.is_unspecified()) {
    const SocketAddress from = to_system(Endpoint{local, 0});
    if (::bind(fd.get(), from.get(), from.size) != 0) return std::unexpected(last_error());
  }
  const SocketAddress to = to_system(remote);
  if (::connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS && errno != EINTR)
    return std::unexpected(last_error());
  return TcpSocket{std::move(fd)};
}

TcpSocket::TcpSocket(FileDescriptor fd) : fd_(std::move(fd)) {
  set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_NOTSENT_LOWAT
  set_option(fd_.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes);
#endif
#ifdef SO_NOSIGPIPE
  set_option(fd_.get(), SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

std::error_code TcpSocket::connect_result() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return last_error();
  return {error, std::system_category()};
}

TcpSocket::Moved TcpSocket::read(std::span<std::byte> out) noexcept {
  while (true) {
    const ssize_t n = ::recv(fd_.get(), out.data(), out.size(), 0);
    if (n > 0) return {.bytes = static_cast<std::size_t>(n)};
    if (n == 0) return {.ended = true};
    if (errno == EINTR) continue;
    if (is_would_block(errno)) return {.blocked = true};
    return {.error = last_error()};
  }
}

TcpSocket::Moved TcpSocket::write(std::span<const std::span<const std::byte>> pieces) noexcept {
  assert(pieces.size() <= max_pieces);
  std::array<iovec, max_pieces> vectors;
  std::size_t all = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    // sendmsg only reads, whatever iovec says.
    vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
    all += pieces[i].size();
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(pieces.size());
  while (true) {
    const ssize_t n = ::sendmsg(fd_.get(), &message, no_signal);
    if (n >= 0) return {.bytes = static_cast<std::size_t>(n), .blocked = static_cast<std::size_t>(n) < all};
    if (errno == EINTR) continue;
    if (is_would_block(errno)) return {.blocked = true};
    return {.error = last_error()};
  }
}

void TcpSocket::end() noexcept { (void)::shutdown(fd_.get(), SHUT_WR); }

}  // namespace linnet::io
