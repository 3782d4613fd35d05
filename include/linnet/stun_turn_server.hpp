#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linnet/core/error.hpp"
#include "linnet/detail/completion.hpp"

namespace linnet {

/// Extension: how a StunTurnServer listens and whom it serves.
struct StunTurnServerOptions {
  struct User {
    std::string name;
    std::string password;
  };

  /// An address of this machine; "0.0.0.0": all its IPv4 addresses, "::": all its addresses, as they are at `start()`.
  std::string bind_address = "127.0.0.1";
  std::uint16_t port = 3478;  ///< UDP and TCP; 0 takes a free one, see StunTurnServer::port().
  bool tcp = true;            ///< Clients may come over TCP too; relays are UDP always.
  /// A second port: with it clients can find out how their NAT filters (RFC 5780, what `linnet doctor` asks). 0 takes a
  /// free one, see StunTurnServer::alternate_port().
  std::optional<std::uint16_t> alternate_port{};
  /// A second address of this machine, of the same family as `bind_address`: with it and the second port clients learn
  /// all about their NAT (RFC 5780). Empty: there is none. Not behind a NAT: `external_address` must be empty.
  std::string alternate_address{};
  /// Ports of relays; 0: any that the system gives. Open them in a firewall that is in the way.
  std::uint16_t relay_port_min = 0;
  std::uint16_t relay_port_max = 0;
  /// What peers see of relays when a 1:1 NAT is before this machine; empty: the machine's own addresses.
  std::string external_address{};

  std::string realm = "linnet";  ///< 1 to 127 bytes.
  std::vector<User> users{};     ///< With passwords that do not change.
  /// Shared with whoever hands out time-limited users "EXPIRY:NAME" (Unix seconds) with the password
  /// base64(HMAC-SHA1(secret, username)): what coturn calls use-auth-secret. Without users and secret it is a STUN
  /// server only.
  std::string secret{};
  bool allow_private_peers = false;   ///< Relays may reach private and link-local addresses, and this machine's own.
  bool allow_loopback_peers = false;  ///< Relays may reach this machine's loopback addresses.

  std::size_t max_allocations = 1'000;
  std::size_t max_allocations_per_user = 20;
  /// Of the clients at one IPv4 address or in one IPv6 /64, whatever their users.
  std::size_t max_allocations_per_address = 50;
  std::uint64_t max_bytes_per_second = 2'500'000;  ///< Of one allocation, each way; 0: no limit.
  /// Over TCP. With the relays and what else the program opens they must fit the limit of its descriptors.
  std::size_t max_connections = 1'000;
  std::size_t max_connections_per_address = 50;  ///< As `max_allocations_per_address`.
};

/// Extension: a small STUN (RFC 8489, RFC 5780) and TURN (RFC 8656) server inside your program, for demonstrations,
/// tests and networks of a home or an office. In production use coturn.
///
/// Two relays of the server reach each other wherever it stands; otherwise its own network is out of bounds unless the
/// options say more.
///
/// Owned by the application; runs wholly on the given executor and makes no thread. Thread safety: distinct objects
/// are safe; one object must be used from its executor's thread only. The executor must run one handler at a time: a
/// one-thread io_context or a strand.
class StunTurnServer {
 public:
  struct Stats {
    std::size_t allocations = 0;      ///< Now.
    std::size_t connections = 0;      ///< Over TCP, now.
    std::uint64_t bindings = 0;       ///< STUN requests answered.
    std::uint64_t allocated = 0;      ///< Allocations made.
    std::uint64_t refused = 0;        ///< Requests refused: passwords, quotas, peers that are out of bounds.
    std::uint64_t relayed = 0;        ///< Datagrams, both ways.
    std::uint64_t not_permitted = 0;  ///< Datagrams that were not relayed because nobody had allowed it.
  };

  explicit StunTurnServer(Executor executor, StunTurnServerOptions options = {});
  StunTurnServer(StunTurnServer&&) noexcept;
  StunTurnServer& operator=(StunTurnServer&&) noexcept;
  ~StunTurnServer();  ///< Stops.

  /// Binds and listens. TypeError for options that make no sense, NetworkError when the port is taken or forbidden;
  /// both with a sentence for the user.
  [[nodiscard]] Result<> start();
  /// Ends all allocations and closes all sockets at once.
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept;            ///< The port in use; 0 while not started.
  [[nodiscard]] std::uint16_t alternate_port() const noexcept;  ///< The second one; 0: there is none.
  [[nodiscard]] Stats stats() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace linnet
