#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/receive_batch.hpp"
#include "io/udp_socket.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/tuning.hpp"
#include "runtime/ready.hpp"
#include "transport/socket_demux.hpp"

namespace linnet::runtime {

/// One UDP port, bound on each address of this machine, for all sessions of an executor with that
/// `Tuning::udp_mux_port`. Reads for all of them; each sends for itself, on sockets that it gets from here. Found by
/// `at`; lives as long as a SocketSet holds it. On its executor, like the sessions: no lock is needed.
class UdpMux : public std::enable_shared_from_this<UdpMux> {
  struct Key {};

 public:
  using Socket = Ready<io::UdpSocket>;
  using MemberId = transport::MemberId;
  struct Member {
    std::shared_ptr<void> owner;  ///< Lives until the member leaves.
    /// Takes datagrams, and calls nothing foreign.
    std::function<void(std::span<const Datagram>)> receive;
    /// What came in is to be acted upon; may call anything.
    std::function<void(TimePoint)> pump;
    bool to_be_pumped = false;
  };

  /// The one that there is for this executor and port, else a new one. OperationError when the port cannot be had.
  [[nodiscard]] static Result<std::shared_ptr<UdpMux>> at(const boost::asio::any_io_executor& executor,
                                                          const Tuning& tuning);

  UdpMux(Key, boost::asio::any_io_executor executor, const Tuning& tuning);

  [[nodiscard]] MemberId join(Member member);
  void leave(MemberId member);
  /// Those that checks for the member are addressed to.
  void set_username_fragments(MemberId member, std::vector<std::string> fragments) {
    demux_.set_username_fragments(member, std::move(fragments));
  }

  /// The socket on this address of the machine; null when the port cannot be bound there. Not to be closed. It is
  /// stopped when a session closes the address.
  [[nodiscard]] std::shared_ptr<Socket> open(const IpAddress& address);
  /// The address is no longer one of this machine's.
  void close(const IpAddress& address);
  [[nodiscard]] bool may_send(TimePoint now, MemberId member, const DatagramBatch::Run& run) {
    return demux_.may_send(now, member, run);
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const transport::SocketDemux::Statistics& statistics() const noexcept { return demux_.statistics(); }

  /// The execution context goes: whoever is kept alive is let go.
  void abandon();

 private:
  void wait(const std::shared_ptr<Socket>& socket);
  void on_readable(Socket& socket);
  void deliver(std::span<Datagram> datagrams);
  void pump(TimePoint now);

  boost::asio::any_io_executor executor_;
  io::UdpSocket::Options options_;
  std::uint16_t port_;
  io::ReceiveBatch batch_;
  transport::SocketDemux demux_;
  std::unordered_map<MemberId, std::shared_ptr<Member>> members_;
  std::deque<MemberId> to_pump_;
  std::unordered_map<IpAddress, std::shared_ptr<Socket>> sockets_;
};

}  // namespace linnet::runtime
