#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "crypto/system_generator.hpp"
#include "io/receive_batch.hpp"
#include "io/udp_socket.hpp"
#include "linnet/core/error.hpp"
#include "runtime/listener.hpp"
#include "runtime/network_watch.hpp"
#include "runtime/ready.hpp"
#include "runtime/stream.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::runtime {

struct TurnHostOptions {
  std::vector<IpAddress> addresses;  ///< To listen on.
  std::uint16_t port = 0;
  /// RFC 5780: on this port, too, of all addresses; 0: any free one.
  std::optional<std::uint16_t> alternate_port{};
  /// RFC 5780: the second one of its family, besides `addresses` or one of them.
  std::optional<IpAddress> alternate_address{};
  bool tcp = true;
  std::uint16_t relay_port_min = 0;  ///< 0: the system chooses.
  std::uint16_t relay_port_max = 0;
  std::optional<IpAddress> external{};  ///< What peers see of relays.
  std::size_t max_streams = 1'000;
  std::size_t max_streams_per_address = 50;  ///< By `network_of`.
  /// Who connects and asks for no relay in this time is closed,
  Duration first_limit = std::chrono::seconds{10};
  /// and who has none any more when this has passed another time.
  Duration idle_limit = std::chrono::seconds{30};
  turn_server::Options server{};  ///< `peers.own` and `discovery` come from above and from the machine.
};

/// Drives one TurnServer: its sockets, those of its relays, its clients' TCP connections and its timer. Owned by
/// StunTurnServer and by whatever it waits for. Lives on one executor. A socket that takes no more loses datagrams, as
/// the network may.
class TurnHost : public std::enable_shared_from_this<TurnHost> {
 public:
  TurnHost(boost::asio::any_io_executor executor, TurnHostOptions options);

  [[nodiscard]] Result<> start();
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t alternate_port() const noexcept { return alternate_port_; }
  [[nodiscard]] const turn_server::TurnServer& server() const noexcept { return *server_; }
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }
  /// Bytes that the streams could not send yet.
  [[nodiscard]] std::size_t kept() const noexcept;
  static constexpr std::size_t max_kept = 65'536;  ///< Of one stream; more is dropped.

 private:
  using Socket = Ready<io::UdpSocket>;
  using Handle = std::shared_ptr<Stream>;

  // turn_host.cpp
  [[nodiscard]] Result<> listen();
  [[nodiscard]] Result<> listen(const IpAddress& address, std::uint16_t& port);
  [[nodiscard]] std::vector<turn_server::BehaviorDiscovery> discovery() const;
  [[nodiscard]] std::vector<IpAddress> own_addresses() const;
  void watch_networks();
  void open(const turn_server::NeedRelay& wish);
  [[nodiscard]] std::optional<io::UdpSocket> bind_relay(const IpAddress& address, bool even_port);
  [[nodiscard]] std::optional<IpAddress> relay_address(const turn_server::NeedRelay& wish) const;
  void close_relay(turn_server::RelayId id);
  void wait_readable(const std::shared_ptr<Socket>& socket);
  void on_readable(Socket& socket);
  /// The time, after the server was told what the wall clock says, by which users expire.
  [[nodiscard]] TimePoint tell_time();
  void pump(TimePoint now);
  void transmit(TimePoint now);
  void set_timer();

  // turn_host_streams.cpp
  void wait_acceptable(const std::shared_ptr<Listener>& listener);
  void accept(const std::shared_ptr<Listener>& listener);
  [[nodiscard]] bool has_room_for(const Path& path) const;
  void wait_readable(const Handle& stream);
  void wait_writable(const Handle& stream);
  void on_readable(const Handle& stream);
  /// Closes it when it has no relay after that time.
  void watch(const Handle& stream, Duration time);
  void settle(const Handle& stream);
  void send(const DatagramBatch::Run& run);

  boost::asio::any_io_executor executor_;
  TurnHostOptions options_;
  crypto::SystemGenerator generator_;
  std::optional<turn_server::TurnServer> server_;  ///< From `start` on: which ports there are is known by then.
  boost::asio::steady_timer timer_;
  TimePoint armed_ = never;
  io::ReceiveBatch received_;
  DatagramBatch batch_;
  std::uint16_t port_ = 0;
  std::uint16_t alternate_port_ = 0;
  bool stopped_ = false;
  std::unordered_map<Endpoint, std::shared_ptr<Socket>> sockets_;  ///< Those that clients come to, and relays.
  std::unordered_map<turn_server::RelayId, Endpoint> relays_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::unordered_map<Path, Handle> streams_;
  std::shared_ptr<NetworkWatch> watch_{};  ///< Null: the system does not tell.
  NetworkWatch::Id watched_as_ = 0;
};

}  // namespace linnet::runtime
