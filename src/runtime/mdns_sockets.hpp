#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "io/interfaces.hpp"
#include "io/multicast_socket.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"
#include "runtime/mdns_packet.hpp"
#include "runtime/network_watch.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// The sockets and the timer of an executor's users of multicast DNS: one socket for each family, as of several on one
/// port the system would give an answer that is for us alone to any one. Open as long as there is a user; in the groups
/// of those links that a user has sent to. Found by `at`; lives as long as somebody holds it. On its executor.
class MdnsSockets : public std::enable_shared_from_this<MdnsSockets> {
  struct Key {};

 public:
  /// Drives a machine. May stop being a user while it is called, and is called no more soon after.
  class User {
   public:
    virtual ~User() = default;
    virtual void handle_packet(TimePoint now, const MdnsPacket& packet) = 0;
    virtual void handle_timeout(TimePoint now) = 0;
    [[nodiscard]] virtual TimePoint next_timeout() const = 0;
    /// Sends what is to be sent, and acts on what has happened. Calls nothing foreign.
    virtual void flush(TimePoint now) = 0;

   protected:
    User() = default;
    User(const User&) = default;
    User& operator=(const User&) = default;
  };

  [[nodiscard]] static std::shared_ptr<MdnsSockets> at(const boost::asio::any_io_executor& executor);

  MdnsSockets(Key, boost::asio::any_io_executor executor);
  MdnsSockets(const MdnsSockets&) = delete;
  MdnsSockets& operator=(const MdnsSockets&) = delete;
  ~MdnsSockets() { close(); }

  /// Nothing, where it is one. Without any multicast on this machine it hears nothing.
  void add(const std::shared_ptr<User>& user);
  void remove(const User& user);
  void abandon();

  /// The interfaces with multicast, and loopback, that such a policy lets in.
  [[nodiscard]] std::vector<std::uint32_t> links(const io::HostAddressPolicy& policy);
  /// To both groups, or to `to` alone, on that link and no other. What cannot be sent is lost.
  void send(std::span<const std::byte> packet, std::uint32_t link, const std::optional<Endpoint>& to = {});
  /// After a user's `next_timeout` may have come closer.
  void arm(TimePoint next);

 private:
  using Group = Ready<io::MulticastSocket>;
  struct Known {
    const User* user;
    std::weak_ptr<User> weak;
  };

  void open();
  void close();
  void refresh();
  void network_changed();
  void read(std::shared_ptr<Group> group);
  void receive(Group& group);
  void expire();

  boost::asio::any_io_executor executor_;
  std::vector<Known> users_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::shared_ptr<NetworkWatch> watch_;  ///< Null: closed, or the system does not tell.
  NetworkWatch::Id watched_as_ = 0;
  std::vector<io::InterfaceAddress> interfaces_;
  bool stale_ = true;  ///< `interfaces_` may have changed.
  bool abandoned_ = false;
  boost::asio::steady_timer timer_;
  TimePoint armed_ = never;  ///< When the timer will fire; never later than a user needs.
};

}  // namespace linnet::runtime
