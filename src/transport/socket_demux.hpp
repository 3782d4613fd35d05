#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/strong.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/time.hpp"
#include "stun/types.hpp"

namespace linnet::transport {

/// One session among those that share a socket.
using MemberId = Strong<struct MemberIdTag, std::uint32_t>;

/// Whose a datagram is, where many sessions share one UDP socket: a first STUN check names the session by its username
/// fragment, an answer by the transaction it answers, and everything else by its path, which belongs to the one session
/// that has proved who is at its other end. Owned by whoever owns the socket, who hands it each datagram before the
/// session sees it, and asks it before a session sends. Plain memory; knows no socket and looks at no more than STUN's
/// header and USERNAME: whether a check is authentic is for the session to say.
///
/// Two sessions cannot share a path, because DTLS does not name its session: the second one's checks on it are not
/// sent. So two processes that both share a port have one connection with each other on it, and other candidates
/// for the next; and of the sessions on one socket only one has an allocation of a given TURN server, from its first
/// Allocate on: a server would take the second one's for the first one's (RFC 8656 section 7.2).
class SocketDemux {
 public:
  struct Options {
    std::size_t max_requests = 65'536;  ///< Unanswered STUN requests, over all members; the oldest are forgotten.
    std::size_t max_paths = 64;         ///< Of one member; the one that was silent for longest goes.
    Duration idle = std::chrono::seconds{30};  ///< A path silent for so long may pass to another member.
  };
  struct Statistics {
    std::uint64_t unknown = 0;    ///< Received, and nobody's.
    std::uint64_t contested = 0;  ///< Not sent, because the path is another member's.
  };

  SocketDemux() : SocketDemux(Options{}) {}
  explicit SocketDemux(const Options& options) : options_(options) {}

  [[nodiscard]] MemberId add();
  void remove(MemberId member);
  /// What checks for the member are addressed to from now on. A fragment that another member has stays that one's: 48
  /// random bits are not met twice by chance.
  void set_username_fragments(MemberId member, std::vector<std::string> fragments);

  /// Whose it is; nothing: drop it.
  [[nodiscard]] std::optional<MemberId> route(const Datagram& datagram);
  /// Before a member sends `run`; false: it must not.
  [[nodiscard]] bool may_send(TimePoint now, MemberId member, const DatagramBatch::Run& run);

  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t paths() const noexcept { return owners_.size(); }
  [[nodiscard]] std::size_t requests() const noexcept { return requests_.size(); }

 private:
  struct Owner {
    MemberId member;
    TimePoint heard;
    TimePoint until{};  ///< The end of its allocation there, which may be silent.
  };
  /// Whom a message names, and what it says of an allocation: LIFETIME of a success.
  struct Named {
    MemberId member;
    std::optional<std::uint32_t> lifetime{};
  };
  struct Member {
    std::vector<std::string> fragments;
    std::vector<Path> paths;
  };
  struct Request {
    MemberId member;
    std::uint64_t number = 0;  ///< Which entry of `order_` is its own.
  };
  struct TransactionHash {
    std::size_t operator()(const stun::TransactionId& id) const noexcept;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] std::optional<Named> named_by(const Datagram& datagram) const;
  [[nodiscard]] bool claim(TimePoint now, MemberId member, const Path& path);
  /// Until when nobody else may have it.
  [[nodiscard]] TimePoint reserved_until(const Owner& owner) const;
  [[nodiscard]] bool is_others(TimePoint now, MemberId member, const Path& path) const;
  void remember_request(MemberId member, const stun::TransactionId& id);

  Options options_;
  std::uint32_t next_member_ = 1;
  std::uint64_t next_request_ = 0;
  std::unordered_map<MemberId, Member> members_;
  std::unordered_map<std::string, MemberId, TextHash, std::equal_to<>> fragments_;
  std::unordered_map<Path, Owner> owners_;
  std::unordered_map<stun::TransactionId, Request, TransactionHash> requests_;
  std::deque<std::pair<stun::TransactionId, std::uint64_t>> order_;  ///< Of `requests_`, oldest first.
  Statistics statistics_;
};

}  // namespace linnet::transport
