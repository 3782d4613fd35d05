#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/system_generator.hpp"
#include "io/multicast_socket.hpp"
#include "linnet/core/address.hpp"
#include "mdns/responder.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// Gives addresses of this machine random names of multicast DNS, and answers for them on both groups as long as they
/// are wanted. One for all sessions of an executor, found by `at`; lives as long as one of them holds it. On its
/// executor.
class MdnsPublisher : public std::enable_shared_from_this<MdnsPublisher> {
  struct Key {};

 public:
  /// Somebody else has the name that was given. Calls nothing foreign; may publish anew.
  using OnLost = std::function<void(const std::string& name)>;

  [[nodiscard]] static std::shared_ptr<MdnsPublisher> at(const boost::asio::any_io_executor& executor);

  MdnsPublisher(Key, boost::asio::any_io_executor executor);
  MdnsPublisher(const MdnsPublisher&) = delete;
  MdnsPublisher& operator=(const MdnsPublisher&) = delete;
  ~MdnsPublisher() { abandon(); }

  /// A name that hides the address. Where there is no multicast nobody can resolve it.
  [[nodiscard]] std::string publish(const IpAddress& address, OnLost lost);
  /// Says goodbye.
  void withdraw(const std::string& name);
  void abandon();

 private:
  using Group = Ready<io::MulticastSocket>;

  void join_groups();
  void leave_groups();
  void read(std::shared_ptr<Group> group);
  void pump();
  void send();
  void set_timer();

  boost::asio::any_io_executor executor_;
  crypto::SystemGenerator generator_;
  mdns::Responder responder_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::unordered_map<std::string, OnLost> names_;
  boost::asio::steady_timer timer_;
};

}  // namespace linnet::runtime
