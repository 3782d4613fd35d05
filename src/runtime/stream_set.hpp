#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crypto/tls_client.hpp"
#include "linnet/core/session.hpp"
#include "linnet/tuning.hpp"
#include "runtime/listener.hpp"
#include "runtime/stream.hpp"
#include "runtime/tcp_mux.hpp"

namespace linnet::runtime {

/// The TCP and TLS connections of one session, and the sockets that they come in at. Owned by the Host; waits for
/// readiness on its executor. Tells what happened to them by `take_changes`, so that the session hears of it at rest.
///
/// One slow connection holds the session back only shortly: what it does not take is dropped from then on.
class StreamSet {
 public:
  /// A stream has something to read: `receive` from it.
  using OnReadable = std::function<void(Stream&)>;
  /// There are changes, or the session need not be held back any longer.
  using OnChange = std::function<void()>;
  /// So many datagrams and bytes of that path were not sent. Calls nothing foreign.
  using OnDiscarded = std::function<void(const Path&, std::uint64_t, std::uint64_t)>;

  struct Change {
    Path path;
    bool open = false;
    std::string why;          ///< It is not.
    std::error_code error{};  ///< As Stream::error.
  };
  /// Whatever the session allows: descriptors are few.
  static constexpr std::size_t max_streams = 256;

  StreamSet(boost::asio::any_io_executor executor, const Tuning& tuning);

  /// Whatever waits keeps `owner` alive, which owns this object.
  void on_ready(std::weak_ptr<void> owner, OnReadable readable, OnChange changed, OnDiscarded discarded = {});

  /// Answers with a change, sooner or later.
  void connect(const Session::Connect& wish);
  /// No change follows.
  void disconnect(const Path& path);
  /// Before the first `listen`: waits with others on one port.
  void share(std::shared_ptr<TcpMux> mux) { mux_ = std::move(mux); }
  /// How peers name the session in their first checks.
  void set_username_fragments(std::vector<std::string> fragments);
  /// Waits for connections at that address; nothing when it cannot.
  [[nodiscard]] std::optional<Endpoint> listen(const IpAddress& address);
  void close_listener(const Endpoint& local);
  /// The address went away: the listeners on it that are closed now.
  std::vector<Endpoint> close_listeners(const IpAddress& address);
  void close();

  /// Reads from a stream that is readable; false when nothing more waits.
  bool receive(Stream& stream);
  /// What is left to be told after `receive` and `next`: a stream that is broken ends.
  void settle(Stream& stream);
  /// Sends the runs of streams.
  void send(std::span<const DatagramBatch::Run> runs);

  /// Make no more datagrams until `OnChange`.
  [[nodiscard]] bool blocked() const noexcept { return holding_ != 0; }
  [[nodiscard]] bool has_changes() const noexcept { return !changes_.empty(); }
  [[nodiscard]] std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  [[nodiscard]] std::size_t size() const noexcept { return streams_.size(); }
  /// Null: the listening sockets are own ones.
  [[nodiscard]] const TcpMux* mux() const noexcept { return mux_.get(); }

 private:
  using Handle = std::shared_ptr<Stream>;
  void add(const Handle& stream);
  void wait_readable(const Handle& stream);
  void wait_writable(const Handle& stream);
  void wait_acceptable(const std::shared_ptr<Listener>& listener);
  void accept(const std::shared_ptr<Listener>& listener);
  bool adopt(io::TcpSocket socket, const Path& path, std::vector<std::byte> first);
  void take_over(io::TcpSocket socket, const Path& path, std::vector<std::byte> first);
  void on_writable(const Handle& stream);
  void retire(const Handle& stream);
  void hold(Stream& stream);
  void release(Stream& stream);
  [[nodiscard]] Result<std::unique_ptr<crypto::TlsClient>> tls_for(const std::string& server_name);
  void tell();

  boost::asio::any_io_executor executor_;
  const Tuning& tuning_;
  std::weak_ptr<void> owner_;
  OnReadable readable_;
  OnChange changed_;
  OnDiscarded discarded_;
  std::unordered_map<Path, Handle> streams_;
  std::unordered_map<Endpoint, std::shared_ptr<Listener>> listeners_;  ///< Null: the mux's.
  std::shared_ptr<TcpMux> mux_;                                        ///< Null: the listening sockets are own ones.
  std::optional<TcpMux::MemberId> member_;
  std::vector<std::string> fragments_;
  std::optional<crypto::TlsTrust> trust_;
  std::vector<Change> changes_;
  boost::asio::steady_timer hold_timer_;
  std::size_t holding_ = 0;
  bool closed_ = false;
};

}  // namespace linnet::runtime
