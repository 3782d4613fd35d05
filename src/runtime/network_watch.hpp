#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "io/address_monitor.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// Tells the sessions of one executor that this machine's addresses have changed. Found by `at`; lives, and keeps the
/// executor's context at work, as long as somebody holds it. On its executor.
class NetworkWatch : public std::enable_shared_from_this<NetworkWatch> {
  struct Key {};

 public:
  using Id = std::uint64_t;

  /// Null where the system does not tell.
  [[nodiscard]] static std::shared_ptr<NetworkWatch> at(const boost::asio::any_io_executor& executor);

  NetworkWatch(Key, const boost::asio::any_io_executor& executor, io::AddressMonitor monitor);
  NetworkWatch(const NetworkWatch&) = delete;
  NetworkWatch& operator=(const NetworkWatch&) = delete;

  /// `changed` calls nothing foreign, nor this object.
  [[nodiscard]] Id add(std::function<void()> changed);
  void remove(Id id) { subscribers_.erase(id); }
  void abandon() { subscribers_.clear(); }

 private:
  void wait();
  void tell();

  Ready<io::AddressMonitor> monitor_;
  boost::asio::steady_timer settle_;  ///< Changes come in bursts: addresses of both families, a link and its addresses.
  bool settling_ = false;
  Id next_id_ = 1;
  std::unordered_map<Id, std::function<void()>> subscribers_;
};

}  // namespace linnet::runtime
