#include "io/multicast_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/interfaces.hpp"
#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

template <class T>
bool set_option(int fd, int level, int name, const T& value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

ip_mreqn membership(const IpAddress& group, std::uint32_t interface) noexcept {
  ip_mreqn m{};
  std::memcpy(&m.imr_multiaddr, group.bytes().data(), 4);
  m.imr_ifindex = static_cast<int>(interface);
  return m;
}

}  // namespace

std::expected<MulticastSocket, std::error_code> MulticastSocket::join(const Endpoint& group) {
  const auto last_error = [] { return std::unexpected(std::error_code{errno, std::system_category()}); };
  const bool v4 = group.address.is_v4();
  FileDescriptor fd{::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM, IPPROTO_UDP)};
  if (!fd) return last_error();
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 || ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) return last_error();
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
#ifdef SO_REUSEPORT
  set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
#endif
  if (v4) {
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, 255);  // RFC 6762 section 11.
  } else {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
  }
  // Bound to the wildcard, not to the group: then an answer that is sent to us alone arrives too.
  const SocketAddress any = to_system({v4 ? IpAddress{} : IpAddress::v6({}), group.port});
  if (::bind(fd.get(), any.get(), any.size) != 0) return last_error();

  MulticastSocket out{std::move(fd), group};
  out.join_new_interfaces();
  if (out.interfaces_.empty()) return std::unexpected(std::make_error_code(std::errc::network_unreachable));
  return out;
}

void MulticastSocket::join_new_interfaces() noexcept {
  const bool v4 = group_.address.is_v4();
  for (const InterfaceAddress& a : io::interfaces()) {
    if (a.address.is_v4() != v4 || (!a.multicast && !a.loopback)) continue;
    if (std::ranges::find(interfaces_, a.index) != interfaces_.end()) continue;
    bool joined = false;
    if (v4) {
      joined = set_option(fd_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, membership(group_.address, a.index));
    } else {
      ipv6_mreq m{};
      std::memcpy(&m.ipv6mr_multiaddr, group_.address.bytes().data(), 16);
      m.ipv6mr_interface = a.index;
      joined = set_option(fd_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, m);
    }
    if (joined) interfaces_.push_back(a.index);
  }
}

void MulticastSocket::send(std::span<const std::byte> packet) noexcept {
  for (const std::uint32_t interface : interfaces_) {
    if (group_.address.is_v4())
      set_option(fd_.get(), IPPROTO_IP, IP_MULTICAST_IF, membership(group_.address, interface));
    else
      set_option(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface));
    const SocketAddress to = to_system(group_);
    (void)::sendto(fd_.get(), packet.data(), packet.size(), 0, to.get(), to.size);
  }
}

std::span<const std::byte> MulticastSocket::receive(std::span<std::byte> buffer) noexcept {
  const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  if (got <= 0 || static_cast<std::size_t>(got) > buffer.size()) return {};
  return buffer.first(static_cast<std::size_t>(got));
}

}  // namespace linnet::io
