#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ice/server.hpp"
#include "ice/turn/turn_client.hpp"
#include "linnet/core/datagram.hpp"

namespace linnet::ice::turn {

/// The allocations of one agent: one client for each TURN server and local socket, or stream. Owned by the agent, which
/// says where to allocate and makes candidates of what it gets. Moves the clients' packets, opens and closes their
/// streams, follows a server that points to another one, and turns a relayed path into the server's and back: the only
/// place that knows which is which.
class Relays {
 public:
  /// For each client; the names are those of turn::Options.
  struct Options {
    Duration rto{};
    unsigned max_sends = 0;
    unsigned last_wait = 0;
    Duration allocate_timeout{};
    Duration keepalive{};
    std::size_t max_relays = 0;
    bool bound_streams = false;  ///< Streams leave from the address of the socket, not from any.
  };
  /// Where a client lives and what for.
  struct Site {
    Server server;
    Path path;                     ///< To the server.
    Endpoint socket;               ///< The local socket that asked for it; of UDP it is `path.local`.
    std::uint32_t network_id = 0;  ///< Of that socket.
  };

  struct Allocated {
    Site site;
    std::vector<Endpoint> relayed;
    std::optional<Endpoint> mapped;
  };
  /// `relayed`: what there was until now. Without a code it is no server's fault.
  struct Failed {
    Site site;
    std::vector<Endpoint> relayed;
    std::uint16_t code = 0;
    std::string text;
    bool lost = false;  ///< It could be used until now.
  };
  struct Refused {
    std::vector<Endpoint> relayed;
    IpAddress peer;
  };
  struct Connect {
    Path path;
    std::string server_name;
  };
  struct Disconnect {
    Path path;
  };
  using Event = std::variant<Allocated, Failed, Refused, Connect, Disconnect>;
  /// How many numbers name streams to servers; those after them are other streams'.
  static constexpr std::uint16_t stream_numbers = 256;

  Relays(const Options& options, std::uint16_t first_stream, Generator& generator)
      : options_(options), first_stream_(first_stream), generator_(generator) {}

  [[nodiscard]] bool empty() const noexcept { return relays_.empty(); }
  /// Whether there is a client for that server already that does for this socket: on the same one or the same network,
  /// and of streams anyone of the address family, as the system chooses the way (but with `bound_streams`).
  [[nodiscard]] bool serves(const Server& server, const Endpoint& socket, std::uint32_t network_id) const noexcept;
  /// False: there are too many.
  bool start(TimePoint now, const Server& server, const Endpoint& socket, std::uint32_t network_id,
             const Endpoint& remote);
  /// For a new generation: those of these servers and users stay, and are asked whether they are still there; Allocated
  /// tells of them again. The others go, but the one that relays `but`.
  void keep(TimePoint now, std::span<const Server> servers, const std::optional<Endpoint>& but);
  /// Gives back what `keep` has kept for `but`.
  void drop_retired(TimePoint now);
  /// An address that it was given is none that we can have: the client on this path to a server goes.
  void reject(TimePoint now, const Path& path, std::string text);
  void remove_socket(TimePoint now, const Endpoint& local);
  /// Asks the server whether it still knows this relay; asks again when that is asked already.
  void probe(TimePoint now, const Endpoint& relayed);
  void connected(TimePoint now, const Path& path);
  void disconnected(TimePoint now, const Path& path, std::string_view why);
  /// Gives all allocations back. Goodbyes are there to be polled, and streams to be closed.
  void close(TimePoint now);

  [[nodiscard]] bool is_relayed(const Endpoint& local) const noexcept { return find(local) != nullptr; }
  /// Whether what is sent from this relayed address goes that way.
  [[nodiscard]] bool goes_by(const Endpoint& relayed, const Path& server) const noexcept {
    const Relay* const relay = find(relayed);
    return relay != nullptr && relay->site.path == server;
  }
  /// Somebody still waits for an allocation.
  [[nodiscard]] bool pending() const noexcept;
  [[nodiscard]] bool has_goodbyes() const noexcept { return !goodbyes_.empty(); }

  // Of relayed paths; others are nothing to them.
  bool permit(TimePoint now, const Path& path);  ///< False: the server of this path has to know too many.
  void bind(TimePoint now, const Path& path);
  /// Lets go of all peers that are on none of these paths.
  void release(TimePoint now, std::span<const Path> but);

  /// As those of DatagramBatch. What goes on a relayed path is wrapped where it lies.
  [[nodiscard]] std::span<std::byte> begin(DatagramBatch& batch, const Path& path, Ecn ecn, std::size_t at_least);
  void commit(DatagramBatch& batch, std::size_t size, Sizing sizing);
  /// What a server relayed is told as what it is, what it says itself is taken (nothing), the rest is handed back.
  [[nodiscard]] std::optional<Datagram> unwrap(TimePoint now, const Datagram& datagram);

  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();
  /// Of all clients that there were.
  [[nodiscard]] Statistics statistics() const noexcept;

 private:
  struct Relay {
    Site site;
    std::string server_name;
    std::unique_ptr<TurnClient> client;
    TimePoint connect_by = never;     ///< Of a stream that is being opened.
    std::vector<Endpoint> visited{};  ///< Servers that pointed elsewhere.
    bool retired = false;             ///< Of an earlier generation: it makes no candidates any more.
  };
  [[nodiscard]] const Relay* find(const Endpoint& relayed) const noexcept;
  [[nodiscard]] Relay* find(const Endpoint& relayed) noexcept {
    return const_cast<Relay*>(std::as_const(*this).find(relayed));
  }
  [[nodiscard]] Relay* find(const Path& path) noexcept;
  [[nodiscard]] static std::vector<Endpoint> relayed_of(const TurnClient& client);
  [[nodiscard]] std::unique_ptr<TurnClient> make_client(const Server& server) const;
  [[nodiscard]] std::uint16_t next_stream_number() noexcept;
  void launch(TimePoint now, Relay& relay);
  void follow(TimePoint now, Relay& relay, const TurnClient::Alternate& alternate);
  void fail(TimePoint now, Relay& relay, std::uint16_t code, std::string text, bool usable = true);
  /// The client and its stream go; `relay` is to be erased by `sweep`.
  void drop(TimePoint now, Relay& relay);
  void sweep();
  void take_events(TimePoint now, Relay& relay);
  void tell_allocated(const Relay& relay);

  Options options_;
  std::uint16_t first_stream_;
  std::uint16_t next_stream_ = 0;
  Generator& generator_;
  std::vector<Relay> relays_;  ///< A client that is null: to be swept.
  std::vector<std::pair<Path, std::vector<std::byte>>> goodbyes_;
  std::vector<Event> events_;
  Statistics past_;

  // Between `begin` and `commit`.
  Relay* open_ = nullptr;
  Endpoint open_peer_;
  std::span<std::byte> open_room_;
};

}  // namespace linnet::ice::turn
