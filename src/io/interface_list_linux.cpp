// What addresses there are, with Linux's system calls. interface_list_posix.cpp is the same for other systems.
#if defined(__linux__) && !defined(LINNET_IO_PORTABLE)

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "io/file_descriptor.hpp"
#include "io/interfaces.hpp"
#include "io/socket_address.hpp"

namespace linnet::io {
namespace {

// rtnetlink(7). getifaddrs() would do, but it asks for all that the kernel knows of each interface, and says neither
// an interface's number nor whether an address is deprecated: that took twice the system calls, for each connection.
using Bytes = std::span<const std::byte>;

/// The kernel's structure at the start; nothing where the bytes end before it does.
template <class T>
std::optional<T> front(Bytes bytes) noexcept {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T out;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

/// What follows a message or attribute of `size` bytes: each begins at a multiple of four.
Bytes after(Bytes bytes, std::size_t size) noexcept {
  return bytes.subspan(std::min(bytes.size(), (size + 3) & ~std::size_t{3}));
}

/// What each address of an interface has in common.
struct Link {
  int index = 0;
  std::string name;
  short flags = 0;  ///< None where the interface is gone already.
  bool wireless = false;
};

class Links {
 public:
  const Link& operator[](int index) {
    const auto known = std::ranges::find(links_, index, &Link::index);
    return known != links_.end() ? *known : links_.emplace_back(look_at(index));
  }

 private:
  Link look_at(int index) const {
    Link out{.index = index};
    ifreq request{};
    request.ifr_ifindex = index;
    if (::ioctl(socket_.get(), SIOCGIFNAME, &request) != 0) return out;
    out.name = request.ifr_name;
    if (::ioctl(socket_.get(), SIOCGIFFLAGS, &request) != 0) return out;
    out.flags = request.ifr_flags;
    out.wireless =
        (out.flags & IFF_LOOPBACK) == 0 && ::access(("/sys/class/net/" + out.name + "/wireless").c_str(), F_OK) == 0;
    return out;
  }

  // Of no network of its own; ioctl() wants one.
  FileDescriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::vector<Link> links_;
};

struct Attributes {
  Bytes address;
  Bytes local;  ///< Of a point-to-point interface this is ours, and `address` the other end's.
  Bytes label;
  std::optional<std::uint32_t> flags;
};

Attributes attributes(Bytes bytes) noexcept {
  Attributes out;
  while (const auto head = front<rtattr>(bytes)) {
    if (head->rta_len < sizeof *head || head->rta_len > bytes.size()) break;
    const Bytes value = bytes.first(head->rta_len).subspan(sizeof *head);
    if (head->rta_type == IFA_ADDRESS) out.address = value;
    if (head->rta_type == IFA_LOCAL) out.local = value;
    if (head->rta_type == IFA_LABEL) out.label = value;
    if (head->rta_type == IFA_FLAGS) out.flags = front<std::uint32_t>(value);
    bytes = after(bytes, head->rta_len);
  }
  return out;
}

std::optional<IpAddress> address_of(const ifaddrmsg& head, Bytes bytes) noexcept {
  if (const auto v4 = front<in_addr>(bytes); v4 && head.ifa_family == AF_INET) {
    const sockaddr_in whole{.sin_family = AF_INET, .sin_port = 0, .sin_addr = *v4, .sin_zero = {}};
    return from_system(reinterpret_cast<const sockaddr*>(&whole))->address;
  }
  if (const auto v6 = front<in6_addr>(bytes); v6 && head.ifa_family == AF_INET6) {
    const sockaddr_in6 whole{
        .sin6_family = AF_INET6, .sin6_port = 0, .sin6_flowinfo = 0, .sin6_addr = *v6, .sin6_scope_id = head.ifa_index};
    return from_system(reinterpret_cast<const sockaddr*>(&whole))->address;
  }
  return std::nullopt;
}

std::optional<InterfaceAddress> read_address(Bytes bytes, Links& links) {
  const auto head = front<ifaddrmsg>(bytes);
  if (!head) return std::nullopt;
  const Attributes found = attributes(after(bytes, sizeof *head));
  const auto address = address_of(*head, found.local.empty() ? found.address : found.local);
  const Link& link = links[static_cast<int>(head->ifa_index)];
  if (!address || (link.flags & IFF_UP) == 0) return std::nullopt;
  constexpr std::uint32_t unusable = IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED;
  InterfaceAddress out;
  // IPv4 addresses may have names of their own, "eth0:1".
  const auto* const label = reinterpret_cast<const char*>(found.label.data());
  out.name = found.label.empty() ? link.name : std::string{label, ::strnlen(label, found.label.size())};
  out.index = head->ifa_index;
  out.address = *address;
  out.loopback = (link.flags & IFF_LOOPBACK) != 0 || out.address.is_loopback();
  out.running = (link.flags & IFF_RUNNING) != 0;
  out.multicast = (link.flags & IFF_MULTICAST) != 0;
  out.point_to_point = (link.flags & IFF_POINTOPOINT) != 0;
  out.wireless = link.wireless;
  out.prefix_length = head->ifa_prefixlen;
  out.deprecated = out.address.is_v6() && (found.flags.value_or(head->ifa_flags) & unusable) != 0;
  return out;
}

bool ask(int fd) noexcept {
  struct {
    nlmsghdr head;
    ifaddrmsg body;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETADDR;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.ifa_family = AF_UNSPEC;
  return ::send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
}

/// Whether more comes.
bool read_messages(Bytes bytes, Links& links, std::vector<InterfaceAddress>& out) {
  while (const auto head = front<nlmsghdr>(bytes)) {
    if (head->nlmsg_len < sizeof *head || head->nlmsg_len > bytes.size()) return false;
    if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR) return false;
    if (head->nlmsg_type == RTM_NEWADDR) {
      if (auto found = read_address(bytes.first(head->nlmsg_len).subspan(sizeof *head), links))
        out.push_back(std::move(*found));
    }
    bytes = after(bytes, head->nlmsg_len);
  }
  return true;
}

}  // namespace

std::vector<InterfaceAddress> interfaces() {
  std::vector<InterfaceAddress> out;
  const FileDescriptor fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd || !ask(fd.get())) return out;
  Links links;
  std::array<std::byte, 16'384> buffer;
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t size =
        ::recvfrom(fd.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return out;
    if (from.nl_pid != 0) continue;  // Any process of this machine may write to us; only the kernel is believed.
    if (!read_messages(Bytes{buffer}.first(static_cast<std::size_t>(size)), links, out)) return out;
  }
}

}  // namespace linnet::io

#endif
