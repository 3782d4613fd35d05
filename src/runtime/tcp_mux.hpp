#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/tcp_listener.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/tuning.hpp"
#include "runtime/listener.hpp"
#include "runtime/ready.hpp"
#include "transport/socket_demux.hpp"

namespace linnet::runtime {

/// One TCP port, listened at on each address of this machine, for all sessions of an executor with that
/// `Tuning::tcp_mux_port`. A stream that comes in belongs to the session whose username fragment its first frame names:
/// an RFC 4571 frame with a STUN check. Until then it is a stranger: of those there are few, they are read no further
/// than that frame, and not waited for for long. Whether the check is authentic is for the session to say. Found by
/// `at`; lives as long as a StreamSet holds it. On its executor, like the sessions: no lock is needed.
class TcpMux : public std::enable_shared_from_this<TcpMux> {
  struct Key {};

 public:
  using MemberId = transport::MemberId;
  struct Member {
    std::shared_ptr<void> owner;  ///< Lives until the member leaves.
    /// The stream and what was read of it: its first frame. Calls nothing foreign.
    std::function<void(io::TcpSocket, const Path&, std::vector<std::byte>)> accept;
  };
  struct Statistics {
    std::uint64_t accepted = 0;
    std::uint64_t handed_over = 0;
    std::uint64_t crowded_out = 0;  ///< There were too many strangers.
    std::uint64_t timed_out = 0;
    std::uint64_t malformed = 0;  ///< The first frame is no check, or longer than one.
    std::uint64_t unknown = 0;    ///< It names no session.
    std::uint64_t ended = 0;      ///< By the other side, before they had said whom they wanted.
  };
  struct Limits {
    std::size_t strangers = 256;
    std::chrono::steady_clock::duration patience = std::chrono::seconds{10};
  };
  static constexpr std::size_t max_first_frame = 1'500;

  /// The one that there is for this executor and port, else a new one. OperationError when the port cannot be had.
  [[nodiscard]] static Result<std::shared_ptr<TcpMux>> at(const boost::asio::any_io_executor& executor,
                                                          const Tuning& tuning);

  TcpMux(Key, boost::asio::any_io_executor executor, std::uint16_t port);
  /// For tests: one that nobody finds.
  [[nodiscard]] static std::shared_ptr<TcpMux> make(boost::asio::any_io_executor executor, std::uint16_t port,
                                                    const Limits& limits);

  [[nodiscard]] MemberId join(Member member);
  void leave(MemberId member);
  /// Those that checks for the member are addressed to.
  void set_username_fragments(MemberId member, std::vector<std::string> fragments) {
    demux_.set_username_fragments(member, std::move(fragments));
  }
  /// Listens on this address of the machine, too; nothing when the port cannot be had there.
  [[nodiscard]] std::optional<Endpoint> open(const IpAddress& address);
  /// The address is no longer one of this machine's.
  void close(const IpAddress& address);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t strangers() const noexcept { return strangers_.size(); }

  /// The execution context goes: whoever is kept alive is let go.
  void abandon();

 private:
  struct Stranger {
    Stranger(const boost::asio::any_io_executor& executor, io::TcpSocket tcp, const Path& p,
             std::chrono::steady_clock::time_point t)
        : socket(executor, std::move(tcp)), path(p), until(t) {}
    Ready<io::TcpSocket> socket;
    Path path;
    std::chrono::steady_clock::time_point until;
    std::vector<std::byte> bytes{};  ///< Of the first frame, with its length.
  };
  enum class Read : std::uint8_t { More, Whole, Over };

  void wait(const std::shared_ptr<Listener>& listener);
  void accept(const std::shared_ptr<Listener>& listener);
  void welcome(io::TcpListener::Accepted accepted, const Endpoint& local);
  void make_room();
  void wait(const std::shared_ptr<Stranger>& stranger);
  [[nodiscard]] Read read(Stranger& stranger);
  void hand_over(Stranger& stranger);
  void drop(const std::shared_ptr<Stranger>& stranger);
  void arm();
  void stop();

  boost::asio::any_io_executor executor_;
  std::uint16_t port_;
  Limits limits_{};
  transport::SocketDemux demux_;
  std::unordered_map<MemberId, Member> members_;
  std::unordered_map<IpAddress, std::shared_ptr<Listener>> listeners_;
  std::deque<std::shared_ptr<Stranger>> strangers_;  ///< The oldest first.
  boost::asio::steady_timer patience_;
  Statistics statistics_;
};

}  // namespace linnet::runtime
