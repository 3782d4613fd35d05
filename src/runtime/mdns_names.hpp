#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/session.hpp"
#include "runtime/mdns_publisher.hpp"

namespace linnet::runtime {

/// The names that one session tells instead of the addresses of its sockets: one for each address. Owned by the Host,
/// which tells it of sockets that come and go.
class MdnsNames : public std::enable_shared_from_this<MdnsNames> {
 public:
  /// This socket has another name now.
  using OnRenamed = std::function<void(const LocalSocket& socket)>;

  MdnsNames(boost::asio::any_io_executor executor, OnRenamed renamed)
      : executor_(std::move(executor)), renamed_(std::move(renamed)) {}
  MdnsNames(const MdnsNames&) = delete;
  MdnsNames& operator=(const MdnsNames&) = delete;
  ~MdnsNames() { clear(); }

  /// Gives the socket its name.
  void add(LocalSocket& socket);
  /// The last one of an address takes the name with it.
  void remove(const Endpoint& local, Protocol protocol);
  /// All sockets on it.
  void remove(const IpAddress& address);
  void clear();

 private:
  [[nodiscard]] std::string publish(const LocalSocket& socket);
  void lost(const std::string& name);
  template <class Gone>
  void remove_if(Gone gone);

  boost::asio::any_io_executor executor_;
  OnRenamed renamed_;
  std::shared_ptr<MdnsPublisher> publisher_;  ///< Null: no socket yet.
  std::vector<LocalSocket> sockets_;
};

}  // namespace linnet::runtime
