#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/stream_framing.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"
#include "sim/network.hpp"

namespace linnet::sim {

struct StreamOptions {
  Duration latency = std::chrono::milliseconds{10};
  std::uint64_t bits_per_second = 0;             ///< 0: no limit.
  std::size_t segment = 1'448;                   ///< Bytes arrive in pieces of 1 to that many.
  Duration patience = std::chrono::seconds{10};  ///< Before a connection that nobody answers is given up.
};

/// Reliable ordered byte streams between the hosts of a Network: what TCP is to programs, without its packets. Speaks
/// as the runtime's StreamSet does: connections are asked for and named by a Path, what happened is told by events,
/// datagrams are framed. Deterministic in its generator.
class Streams {
 public:
  struct Event {
    enum class Kind : std::uint8_t { Connected, Disconnected, Datagram };
    Kind kind = Kind::Connected;
    Path path;
    std::vector<std::byte> bytes{};  ///< Datagram
    std::string why{};               ///< Disconnected
  };
  /// Whether `from` gets through to `to`: without, nothing comes back.
  std::function<bool(const Host& from, const Endpoint& to)> passes;
  /// How many bytes of what `from` sends on a new connection arrive; without it, all.
  std::function<std::optional<std::size_t>(const Host& from, const Path& path)> arriving;
  /// Instead of `poll`: called for what happened at that host, while `advance` runs.
  std::map<Host*, std::function<void(TimePoint, Event&)>> handlers;
  /// What the other side sees of a host that is behind a NAT.
  std::map<const Host*, IpAddress> outside;

  Streams(Network& network, Generator& generator, StreamOptions options = {})
      : network_(network), generator_(generator), options_(options) {}
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// `local.port` 0 picks one. Connections that come in have `framing`.
  Endpoint listen(Host& host, Endpoint local, Framing framing = Framing::Rfc4571);
  void close_listener(const Endpoint& local) { listeners_.erase(local); }
  void connect(Host& host, const Path& path, Framing framing);
  void disconnect(Host& host, const Path& path);
  void send(Host& host, const DatagramBatch::Run& run);
  /// Bytes as they are, framed or not.
  void send_bytes(Host& host, const Path& path, std::span<const std::byte> bytes);
  /// What has happened at a host by now, oldest first.
  [[nodiscard]] std::optional<Event> poll(Host& host);

  // Faults.
  /// Both ends hear that it has broken.
  void reset(Host& host, const Path& path);
  /// From now on only so many bytes of what `host` sends arrive, and then nothing.
  void stop_after(Host& host, const Path& path, std::size_t bytes);

  [[nodiscard]] TimePoint next_event() const noexcept;
  void advance(TimePoint now);
  /// Connections that are open or on their way.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::vector<Path> paths(const Host& host) const;
  [[nodiscard]] std::uint64_t attempts() const noexcept { return attempts_; }

 private:
  struct Listener {
    Host* host = nullptr;
    Framing framing{};
  };
  struct Segment {
    TimePoint at;
    std::vector<std::byte> bytes;  ///< Empty: the end.
  };
  /// One end of a connection.
  struct End {
    Host* host = nullptr;
    Path path;
    Framing framing{};
    bool open = false;
    bool gone = false;  ///< Its owner hears nothing more.
    std::optional<Deframer> deframer{};
    std::deque<Segment> incoming{};
    TimePoint wire_free{};
    TimePoint breaks = never;
    std::size_t may_send = std::numeric_limits<std::size_t>::max();
  };
  struct Connection {
    End ends[2];                 // [0] has connected
    TimePoint arrives = never;   ///< The request, at the listener.
    TimePoint answered = never;  ///< Told to who has connected.
    bool refused = false;
  };
  struct Found {
    Connection* connection = nullptr;
    std::size_t side = 0;
    [[nodiscard]] End& end() const { return connection->ends[side]; }
    [[nodiscard]] End& other() const { return connection->ends[1 - side]; }
  };
  [[nodiscard]] std::optional<Found> find(const Host& host, const Path& path);
  void arrive(Connection& connection);
  void answer(Connection& connection);
  void deliver(End& end, TimePoint now);
  void tell(End& end, Event::Kind kind, std::string why = {}, std::span<const std::byte> bytes = {});
  void put(const Found& found, std::span<const std::byte> bytes);
  [[nodiscard]] TimePoint next_of(const Connection& connection) const noexcept;

  Network& network_;
  Generator& generator_;
  StreamOptions options_;
  std::map<Endpoint, Listener> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::map<const Host*, std::deque<Event>> events_;
  std::uint16_t next_port_ = 32'768;
  std::uint64_t attempts_ = 0;
};

}  // namespace linnet::sim
