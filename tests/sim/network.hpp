#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sim/link.hpp"
#include "sim/nat.hpp"

namespace linnet::sim {

class Host;
class Nat;
class Network;

/// One address space: the internet, or what lies behind a NAT. Internal to Network.
struct Realm;

/// An access to a realm: where a host's address or a NAT's outside is plugged in.
struct Access {
  Realm* realm = nullptr;
  Link up;    ///< Towards the realm.
  Link down;  ///< Towards the host or NAT.
};

struct NetworkStats {
  std::uint64_t unroutable = 0;  ///< No one has the destination address here.
  std::uint64_t unbound = 0;     ///< The host has it, but no socket on that port.
  std::uint64_t filtered = 0;    ///< A NAT let it not pass.
};

/// A computer: addresses, each with its own access, and sockets. Made by Network::add_host.
class Host {
 public:
  using Handler = std::function<void(TimePoint, const Packet&)>;

  Host(Network& network, std::string name);

  /// One more interface: `address` in the space behind `behind` (nullptr: the internet), with `access` in
  /// both directions.
  Host& add_address(IpAddress address, Nat* behind = nullptr, LinkOptions access = {});
  /// The interface goes away, with the sockets on it.
  void remove_address(const IpAddress& address);
  [[nodiscard]] std::vector<IpAddress> addresses() const;
  [[nodiscard]] Access& access(const IpAddress& address);

  /// Opens a socket on one of the host's addresses; port 0 picks a free one. Nothing when taken or not ours.
  [[nodiscard]] std::optional<Endpoint> bind(Endpoint local);
  void close(const Endpoint& local);
  [[nodiscard]] bool is_bound(const Endpoint& local) const { return sockets_.contains(local); }
  [[nodiscard]] std::vector<Endpoint> sockets() const;

  /// From a bound socket; from another one it is dropped.
  void send(const Endpoint& local, const Endpoint& remote, std::span<const std::byte> bytes, Ecn ecn = Ecn::NotEct,
            Sizing sizing = Sizing::Path);
  /// Sends what is for UDP of `batch`. Its paths' `local` are bound sockets.
  void send(const DatagramBatch& batch);
  /// Takes the oldest datagram that reached any socket; the address of the socket is `out.to`.
  [[nodiscard]] bool receive(Packet& out);
  /// Instead of `receive`: called for each datagram while Network::advance runs.
  Handler handler;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Network& network() noexcept { return network_; }

 private:
  friend class Network;
  Network& network_;
  std::string name_;
  std::map<IpAddress, std::unique_ptr<Access>> accesses_;
  std::set<Endpoint> sockets_;
  std::deque<Packet> inbox_;
  std::vector<std::vector<std::byte>> spare_;
};

/// A NAT box with one outside address; hosts and other NATs plug in behind it. Made by Network::add_nat.
class Nat {
 public:
  Nat(NatOptions options, IpAddress outside, Generator& generator);
  ~Nat();

  [[nodiscard]] NatTable& table() noexcept { return table_; }
  [[nodiscard]] Access& access() noexcept { return *access_; }
  /// All mappings change in the middle of whatever flows.
  void rebind() { table_.rebind(); }

 private:
  friend class Network;
  NatTable table_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Realm> inside_;
};

/// A simulated internet: hosts, NAT boxes between them, and links with luck of their own. Owns the virtual
/// clock of everything on it. Deterministic in its generator.
class Network {
 public:
  explicit Network(Generator& generator);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] Host& add_host(std::string name);
  /// A host with one address.
  [[nodiscard]] Host& add_host(std::string name, IpAddress address, Nat* behind = nullptr, LinkOptions access = {});
  [[nodiscard]] Nat& add_nat(IpAddress outside, NatOptions options = {}, Nat* behind = nullptr,
                             LinkOptions access = {});
  /// A host that answers RFC 8489 Binding requests on `local`, without authentication.
  Host& add_stun_server(Endpoint local, Nat* behind = nullptr, LinkOptions access = {});
  /// Moves a NAT's outside to another address (and forgets its mappings).
  void rebind(Nat& nat, IpAddress outside);

  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// When something moves next, or `never`.
  [[nodiscard]] TimePoint next_event() const noexcept;
  /// Lets time pass up to `to`; datagrams reach the inboxes in order.
  void advance(TimePoint to);
  [[nodiscard]] const NetworkStats& stats() const noexcept { return stats_; }

 private:
  friend class Host;
  /// Who is behind an access: one of the two.
  struct Plug {
    IpAddress address;
    Access* access = nullptr;
    Host* host = nullptr;
    Nat* nat = nullptr;
  };
  [[nodiscard]] std::unique_ptr<Access> plug(const IpAddress& address, Nat* behind, LinkOptions options, Host* host,
                                             Nat* nat);
  void unplug(Access& access);
  [[nodiscard]] const Plug* find(const Realm& realm, const IpAddress& address) const;
  bool move_one();
  void route(Realm& realm, const Packet& packet);
  void leave(Nat& nat, const Packet& packet);
  void enter(Nat& nat, Packet& packet);
  void arrive(Host& host, Packet& packet);

  Generator& generator_;
  std::unique_ptr<Realm> internet_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Nat>> nats_;
  std::vector<Plug> plugs_;
  NetworkStats stats_;
  Packet packet_;
  TimePoint now_;
};

}  // namespace linnet::sim
