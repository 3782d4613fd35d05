#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "io/udp_socket.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/session.hpp"
#include "linnet/tuning.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// The UDP sockets of one session, one for each address of this machine, and what they could not send yet. Owned by
/// the Host; waits for readiness on its executor.
class SocketSet {
 public:
  using Socket = Ready<io::UdpSocket>;
  /// A socket has something to read.
  using OnReadable = std::function<void(Socket&)>;
  /// Everything that had been kept back is sent.
  using OnWritable = std::function<void()>;

  struct Changes {
    std::vector<LocalSocket> added;
    std::vector<Endpoint> gone;  ///< Their address is no longer one of this machine's.
  };

  SocketSet(boost::asio::any_io_executor executor, const Tuning& tuning)
      : executor_(std::move(executor)), tuning_(tuning) {}

  /// Whatever waits keeps `owner` alive, which owns this object.
  void on_ready(std::weak_ptr<void> owner, OnReadable readable, OnWritable writable);

  /// Binds a socket on each host address that has none yet, and closes those whose address went away.
  [[nodiscard]] Changes refresh();
  void close(const Endpoint& local);
  void close();

  /// Sends the runs over UDP, each on the socket it names. What a full socket does not take is copied and kept.
  void send(std::span<const DatagramBatch::Run> runs);
  /// Something is kept back: make no more until `OnWritable`.
  [[nodiscard]] bool blocked() const noexcept { return blocked_; }

 private:
  void wait_readable(const std::shared_ptr<Socket>& socket);
  void wait_writable(const std::shared_ptr<Socket>& socket);
  void keep(std::span<const DatagramBatch::Run> runs, std::size_t skip);
  void resend();

  boost::asio::any_io_executor executor_;
  const Tuning& tuning_;
  std::weak_ptr<void> owner_;
  OnReadable readable_;
  OnWritable writable_;
  std::unordered_map<Endpoint, std::shared_ptr<Socket>> sockets_;
  std::optional<DatagramBatch> kept_;
  std::optional<DatagramBatch> resending_;
  bool blocked_ = false;
  bool closed_ = false;
};

}  // namespace linnet::runtime
