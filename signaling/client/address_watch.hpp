#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "io/address_monitor.hpp"
#include "linnet/core/address.hpp"

namespace linnet::signaling {

/// Tells its client that an interface of this machine or an address came, went or changed: once for a burst. Owned by
/// the client; keeps the executor's context at work until `stop`.
class AddressWatch : public std::enable_shared_from_this<AddressWatch> {
  struct Key {};

 public:
  /// Null where the system does not tell. `changed` runs on the executor.
  [[nodiscard]] static std::shared_ptr<AddressWatch> start(const boost::asio::any_io_executor& executor,
                                                           std::function<void()> changed);

  AddressWatch(Key, const boost::asio::any_io_executor& executor, io::AddressMonitor monitor,
               std::function<void()> changed);
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;
  ~AddressWatch() { stop(); }

  void stop();

 private:
  void wait();
  void settle();

  io::AddressMonitor monitor_;  // Owns the descriptor.
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer settle_;  ///< Changes come in bursts: a link and its addresses, of both families.
  bool settling_ = false;
  std::function<void()> changed_;
};

/// Whether a socket bound to it has had its day: this machine has the address no more, or the interface has no link
/// while there is another network.
[[nodiscard]] bool is_gone(const IpAddress& local);

}  // namespace linnet::signaling
