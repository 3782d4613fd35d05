#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/multicast_socket.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/session.hpp"
#include "mdns/resolver.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// Drives an mdns::Resolver on both multicast groups: the sockets are open only while a question is under way. Owned
/// by NameLookup, on whose executor it lives.
class MdnsClient : public std::enable_shared_from_this<MdnsClient> {
 public:
  using Answer = std::move_only_function<void(ResolveId, std::vector<IpAddress>)>;

  MdnsClient(boost::asio::any_io_executor executor, Generator& generator, Answer answer);

  void query(ResolveId id, const std::string& host);
  void close();

 private:
  using Group = Ready<io::MulticastSocket>;

  void open();
  void leave_groups();
  void read(std::shared_ptr<Group> group);
  void pump();
  void set_timer();

  boost::asio::any_io_executor executor_;
  mdns::Resolver resolver_;
  Answer answer_;
  std::vector<std::shared_ptr<Group>> groups_;
  boost::asio::steady_timer timer_;
};

}  // namespace linnet::runtime
