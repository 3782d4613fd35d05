#include "runtime/mdns_names.hpp"

#include <algorithm>
#include <utility>

#include "crypto/system_generator.hpp"
#include "mdns/responder.hpp"

namespace linnet::runtime {

void MdnsNames::add(LocalSocket& socket) {
  const auto same = [&](const LocalSocket& other) { return other.local.address == socket.local.address; };
  const auto known = std::ranges::find_if(sockets_, same);
  socket.name = known == sockets_.end() ? publish(socket) : known->name;
  sockets_.push_back(socket);
}

std::string MdnsNames::publish(const LocalSocket& socket) {
  if (!publisher_) publisher_ = MdnsPublisher::at(executor_);
  auto name =
      publisher_->publish(socket.local.address, socket.network_id, [weak = weak_from_this()](const std::string& gone) {
        if (const auto self = weak.lock()) self->lost(gone);
      });
  if (name) return std::move(*name);
  // Where the machine has more names than it can answer for. The address stays hidden, and the socket is good for all
  // that needs nobody to know it: server-reflexive and relayed candidates, and checks that go out from it.
  crypto::SystemGenerator generator;
  return mdns::random_name(generator);
}

template <class Gone>
void MdnsNames::remove_if(Gone gone) {
  std::vector<std::string> names;
  std::erase_if(sockets_, [&](const LocalSocket& socket) {
    if (!gone(socket)) return false;
    names.push_back(socket.name);
    return true;
  });
  for (const std::string& name : names)
    if (std::ranges::find(sockets_, name, &LocalSocket::name) == sockets_.end()) publisher_->withdraw(name);
}

void MdnsNames::remove(const Endpoint& local, Protocol protocol) {
  remove_if([&](const LocalSocket& socket) { return socket.local == local && socket.protocol == protocol; });
}
void MdnsNames::remove(const IpAddress& address) {
  remove_if([&](const LocalSocket& socket) { return socket.local.address == address; });
}
void MdnsNames::clear() {
  remove_if([](const LocalSocket&) { return true; });
  publisher_.reset();
}

/// Somebody else has it.
void MdnsNames::lost(const std::string& name) {
  const auto same = [&](const LocalSocket& socket) { return socket.name == name; };
  const auto first = std::ranges::find_if(sockets_, same);
  if (first == sockets_.end()) return;
  const std::string another = publish(*first);
  std::vector<LocalSocket> renamed;
  for (LocalSocket& socket : sockets_) {
    if (!same(socket)) continue;
    socket.name = another;
    renamed.push_back(socket);
  }
  for (const LocalSocket& socket : renamed) renamed_(socket);
}

}  // namespace linnet::runtime
