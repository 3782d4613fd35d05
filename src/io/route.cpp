#include "io/route.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/file_descriptor.hpp"
#include "io/socket_address.hpp"

namespace linnet::io {

std::optional<IpAddress> source_address(const Endpoint& remote) {
  const FileDescriptor fd{::socket(remote.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, IPPROTO_UDP)};
  if (!fd || ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  const SocketAddress to = to_system(remote);
  if (::connect(fd.get(), to.get(), to.size) != 0) return std::nullopt;
  const auto local = local_endpoint(fd.get());
  if (!local || local->address.is_unspecified()) return std::nullopt;
  return local->address;
}

}  // namespace linnet::io
