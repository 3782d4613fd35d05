#include "io/tcp_listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

void set_option(int fd, int level, int name, int value) noexcept {
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

bool listen_on(int fd, const Endpoint& local, int backlog) noexcept {
  const SocketAddress address = to_system(local);
  return ::bind(fd, address.get(), address.size) == 0 && ::listen(fd, backlog) == 0;
}

/// An address that the peer of a link-local socket has is on the same link.
Endpoint scoped(Endpoint remote, const IpAddress& local) noexcept {
  return local.is_link_local() ? remote : Endpoint{remote.address.unmapped(), remote.port};
}

}  // namespace

std::expected<TcpListener, std::error_code> TcpListener::bind(const Endpoint& local, const Options& options) {
  const bool range = local.port == 0 && options.port_min != 0;
  const unsigned first = range ? options.port_min : local.port;
  const unsigned last = range ? std::max(options.port_min, options.port_max) : local.port;
  for (unsigned port = first; port <= last; ++port) {
    // A socket that could not listen is bound all the same, so each port is tried with another one.
    FileDescriptor fd{::socket(local.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP)};
    if (!fd || !make_non_blocking(fd.get())) return std::unexpected(last_error());
    if (local.address.is_v6()) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // Connections of an earlier process that linger do not hold the port.
    if (port != 0) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (!listen_on(fd.get(), {local.address, static_cast<std::uint16_t>(port)}, options.backlog)) continue;
    const auto actual = local_endpoint(fd.get());
    if (!actual) return std::unexpected(last_error());
    // The caller's address is kept: it has the scope that it will look for.
    return TcpListener{std::move(fd), Endpoint{local.address, actual->port}};
  }
  return std::unexpected(last_error());
}

std::expected<TcpListener::Accepted, std::error_code> TcpListener::accept() {
  while (true) {
    SocketAddress from;
    from.size = sizeof from.storage;
    FileDescriptor fd{::accept(fd_.get(), from.get(), &from.size)};
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      const bool none = errno == EAGAIN || errno == EWOULDBLOCK;
      return std::unexpected(none ? std::make_error_code(std::errc::operation_would_block) : last_error());
    }
    const auto remote = from_system(from.get());
    if (!remote || !make_non_blocking(fd.get())) continue;
    return Accepted{TcpSocket{std::move(fd)}, scoped(*remote, local_.address)};
  }
}

}  // namespace linnet::io
