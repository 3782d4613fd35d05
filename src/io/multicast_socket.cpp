#include "io/multicast_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/ancillary.hpp"
#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

template <class T>
bool set_option(int fd, int level, int name, const T& value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Asks for packets of groups that this very socket has joined, not of all that somebody on this machine has; and to be
/// told where each one came in.
void ask_where_from(int fd, bool v4) noexcept {
  if (v4) {
    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
#ifdef IP_MULTICAST_ALL
    set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
#endif
  } else {
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
#ifdef IPV6_MULTICAST_ALL
    set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
  }
}

template <class Address>
std::array<std::uint8_t, sizeof(Address)> bytes_of(const Address& address) noexcept {
  std::array<std::uint8_t, sizeof(Address)> out{};
  std::memcpy(out.data(), &address, out.size());
  return out;
}

void read_destination(const cmsghdr& field, MulticastSocket::Received& out) noexcept {
  if (field.cmsg_level == IPPROTO_IP && field.cmsg_type == IP_PKTINFO) {
    const auto info = ancillary_value<in_pktinfo>(field);
    out.to = IpAddress::v4(bytes_of(info.ipi_addr));
    out.interface = static_cast<std::uint32_t>(info.ipi_ifindex);
  } else if (field.cmsg_level == IPPROTO_IPV6 && field.cmsg_type == IPV6_PKTINFO) {
    const auto info = ancillary_value<in6_pktinfo>(field);
    out.to = IpAddress::v6(bytes_of(info.ipi6_addr));
    out.interface = static_cast<std::uint32_t>(info.ipi6_ifindex);
  }
}

}  // namespace

std::expected<MulticastSocket, std::error_code> MulticastSocket::open(const Endpoint& group) {
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
  ask_where_from(fd.get(), v4);
  // Bound to the wildcard, not to the group: then an answer that is sent to us alone arrives too.
  const SocketAddress any = to_system({v4 ? IpAddress{} : IpAddress::v6({}), group.port});
  if (::bind(fd.get(), any.get(), any.size) != 0) return last_error();

  return MulticastSocket{std::move(fd), group};
}

bool MulticastSocket::join(std::uint32_t interface) noexcept {
  if (std::ranges::find(interfaces_, interface) != interfaces_.end()) return true;
  if (interface == 0) return false;  // The system would choose one.
  bool joined = false;
  if (group_.address.is_v4()) {
    ip_mreqn m{};
    std::memcpy(&m.imr_multiaddr, group_.address.bytes().data(), 4);
    m.imr_ifindex = static_cast<int>(interface);
    joined = set_option(fd_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, m);
  } else {
    ipv6_mreq m{};
    std::memcpy(&m.ipv6mr_multiaddr, group_.address.bytes().data(), 16);
    m.ipv6mr_interface = interface;
    joined = set_option(fd_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, m);
  }
  if (!joined && errno != EADDRINUSE) return false;
  interfaces_.push_back(interface);
  return true;
}

void MulticastSocket::forget(std::uint32_t interface) noexcept { std::erase(interfaces_, interface); }

bool MulticastSocket::send(std::span<const std::byte> packet, std::uint32_t interface,
                           const std::optional<Endpoint>& to) noexcept {
  const bool v4 = group_.address.is_v4();
  const Endpoint& target = to ? *to : group_;
  if (interface == 0 || target.address.is_v4() != v4) return false;
  SocketAddress address = to_system(target);
  Ancillary control{};
  iovec buffer{.iov_base = const_cast<std::byte*>(packet.data()), .iov_len = packet.size()};
  msghdr header{};
  header.msg_name = address.get();
  header.msg_namelen = address.size;
  header.msg_iov = &buffer;
  header.msg_iovlen = 1;
  header.msg_control = &control;
  // The interface goes with the packet: a socket option would keep the one before when it cannot be set.
  if (v4) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface);
    append_ancillary(header, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    info.ipi6_ifindex = interface;
    append_ancillary(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if (::sendmsg(fd_.get(), &header, 0) >= 0) return true;
  if (!to && (errno == ENODEV || errno == ENXIO)) forget(interface);
  return false;
}

std::optional<MulticastSocket::Received> MulticastSocket::receive(std::span<std::byte> buffer) noexcept {
  while (true) {
    SocketAddress from;
    Ancillary control{};
    iovec room{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr header{};
    header.msg_name = from.get();
    header.msg_namelen = sizeof from.storage;
    header.msg_iov = &room;
    header.msg_iovlen = 1;
    header.msg_control = &control;
    header.msg_controllen = sizeof control;
    const auto got = ::recvmsg(fd_.get(), &header, 0);
    if (got < 0) return std::nullopt;
    const auto source = from_system(from.get());
    if ((header.msg_flags & MSG_TRUNC) != 0 || !source) continue;
    Received out{.bytes = buffer.first(static_cast<std::size_t>(got)), .from = *source, .to = {}};
    for (const cmsghdr* field = CMSG_FIRSTHDR(&header); field != nullptr;
         field = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(field)))
      read_destination(*field, out);
    return out;
  }
}

}  // namespace linnet::io
