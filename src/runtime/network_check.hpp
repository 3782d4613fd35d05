#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/system_generator.hpp"
#include "ice/nat_behavior.hpp"
#include "ice/server_probe.hpp"
#include "io/receive_batch.hpp"
#include "io/udp_socket.hpp"
#include "linnet/network_check.hpp"
#include "linnet/tuning.hpp"
#include "runtime/ready.hpp"
#include "runtime/stream_set.hpp"
#include "runtime/system_resolver.hpp"

namespace linnet::runtime {

/// One check_network(): resolves the servers' names, gives each machine its sockets and streams, and writes the report.
/// Owned by whatever it waits for, until it has completed. Lives on one executor.
class NetworkCheck : public std::enable_shared_from_this<NetworkCheck> {
 public:
  NetworkCheck(boost::asio::any_io_executor executor, NetworkCheckOptions options,
               detail::Completion<NetworkReport> completion);
  void start();

 private:
  using Socket = Ready<io::UdpSocket>;
  using Handle = std::shared_ptr<Socket>;
  /// One server at one address. Stays where it is.
  struct Trial {
    std::size_t server = 0;   ///< In the report,
    std::size_t attempt = 0;  ///< and there.
    ice::Server what;
    Endpoint remote{};
    Path path{};  ///< Of the stream, or of the probe's socket.
    std::optional<ice::NatBehavior> nat{};
    std::optional<ice::ServerProbe> probe{};
    std::vector<Handle> sockets{};
    bool connecting = false;
    bool over = false;
  };

  void look_at_addresses();
  void read_servers();
  void resolve(std::size_t server, const ice::Server& what);
  void resolved(std::size_t server, const ice::Server& what, std::vector<IpAddress> addresses);
  /// When all names are known, or it is no use to wait for them.
  void begin_trials();
  void begin(Trial& trial);
  void begin_udp(Trial& trial);
  void begin_stream(Trial& trial);
  void wait_readable(Trial& trial, const Handle& socket);
  void on_readable(Trial& trial, Socket& socket);
  void on_stream_readable(Stream& stream);
  void take_stream_changes(TimePoint now);
  void pump();
  void transmit(Trial& trial, TimePoint now);
  void note(Trial& trial, TimePoint now);
  void set_timer();
  void finish();
  [[nodiscard]] NetworkReport::Attempt& attempt_of(const Trial& trial);
  void fail(Trial& trial, ServerState state, std::string text);

  boost::asio::any_io_executor executor_;
  NetworkCheckOptions options_;
  detail::Completion<NetworkReport> completion_;
  Tuning tuning_;
  crypto::SystemGenerator generator_;
  std::shared_ptr<SystemResolver> names_;
  std::vector<SystemResolver::Id> asked_{};
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer names_limit_;
  boost::asio::steady_timer limit_;
  StreamSet streams_;
  io::ReceiveBatch received_;
  DatagramBatch batch_;
  NetworkReport report_;
  std::deque<Trial> trials_;
  std::size_t unresolved_ = 0;
  std::uint16_t next_stream_ = 1;
  bool begun_ = false;
  bool finished_ = false;
};

}  // namespace linnet::runtime
