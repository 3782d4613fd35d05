#include "io/look_up.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>

#include "io/socket_address.hpp"

namespace linnet::io {

std::vector<IpAddress> look_up(const std::string& host) {
  addrinfo wish{};
  wish.ai_family = AF_UNSPEC;
  wish.ai_socktype = SOCK_DGRAM;  // Each address once.
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &wish, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  std::vector<IpAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (const auto endpoint = from_system(each->ai_addr)) addresses.push_back(endpoint->address);
  }
  return addresses;
}

}  // namespace linnet::io
