#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "io/interfaces.hpp"
#include "io/udp_socket.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/session.hpp"
#include "linnet/tuning.hpp"
#include "runtime/ready.hpp"
#include "runtime/udp_mux.hpp"

namespace linnet::runtime {

/// The UDP sockets of one session, one for each address of this machine, and what they could not send yet. Owned by
/// the Host; waits for readiness on its executor. The sockets are the session's own or, with `Tuning::udp_mux_port`,
/// those of a UdpMux, which then reads them.
class SocketSet {
 public:
  using Socket = Ready<io::UdpSocket>;
  struct Handlers {
    /// A socket has something to read.
    std::function<void(Socket&)> readable;
    /// A shared socket was read; calls nothing foreign.
    std::function<void(std::span<const Datagram>)> received;
    /// That is to be acted upon.
    std::function<void(TimePoint)> pump;
    /// Everything that had been kept back is sent.
    std::function<void()> writable;
    /// So many datagrams and bytes of that path were not sent. Calls nothing foreign.
    std::function<void(const Path&, std::uint64_t, std::uint64_t)> discarded{};
  };

  struct Changes {
    std::vector<LocalSocket> added;
    std::vector<Endpoint> gone;  ///< Their address is lost, see io::is_lost.
  };

  SocketSet(boost::asio::any_io_executor executor, const Tuning& tuning);

  /// Whatever waits keeps `owner` alive, which owns this object.
  void on_ready(std::weak_ptr<void> owner, Handlers handlers);
  /// Before the first `refresh`: its sockets, not own ones.
  void share(std::shared_ptr<UdpMux> mux) { mux_ = std::move(mux); }
  /// Which interfaces and addresses the session may use.
  [[nodiscard]] const io::HostAddressPolicy& policy() const noexcept { return policy_; }
  /// How peers name the session in their first checks.
  void set_username_fragments(std::vector<std::string> fragments);

  /// Binds a socket on each host address that has none yet, and closes those whose address is lost. With
  /// `Tuning::ice_udp` off the addresses are told, with port 0, and nothing is bound.
  [[nodiscard]] Changes refresh();
  void close(const Endpoint& local);
  void close();

  /// Sends the runs over UDP, each on the socket it names. What a full socket does not take is copied and kept.
  void send(TimePoint now, std::span<const DatagramBatch::Run> runs);
  /// Something is kept back: make no more until `OnWritable`.
  [[nodiscard]] bool blocked() const noexcept { return blocked_; }
  /// Null: the sockets are own ones.
  [[nodiscard]] const UdpMux* mux() const noexcept { return mux_.get(); }

 private:
  void refresh_one(const io::InterfaceAddress& address, Changes& out);
  void wait_readable(const std::shared_ptr<Socket>& socket);
  void wait_writable(const std::shared_ptr<Socket>& socket);
  void keep(std::span<const DatagramBatch::Run> runs, std::size_t skip);
  void resend();
  void discard(const Path& path, std::uint64_t datagrams, std::uint64_t bytes) const;
  [[nodiscard]] std::shared_ptr<Socket> open(const IpAddress& address);
  void send_on(const std::shared_ptr<Socket>& socket, std::span<const DatagramBatch::Run> runs);

  boost::asio::any_io_executor executor_;
  const Tuning& tuning_;
  io::HostAddressPolicy policy_;
  std::weak_ptr<void> owner_;
  Handlers handlers_;
  std::shared_ptr<UdpMux> mux_;  ///< Null: the sockets are own ones.
  std::optional<UdpMux::MemberId> member_;
  std::vector<std::string> fragments_;
  std::unordered_map<Endpoint, std::shared_ptr<Socket>> sockets_;  ///< Null: of an address without one.
  std::optional<DatagramBatch> kept_;
  std::optional<DatagramBatch> resending_;
  bool blocked_ = false;
  bool closed_ = false;
};

}  // namespace linnet::runtime
