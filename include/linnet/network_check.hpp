#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linnet/configuration.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"
#include "linnet/detail/completion.hpp"
#include "linnet/nat_behavior.hpp"

namespace linnet {

/// Extension: what check_network() is to find out.
struct NetworkCheckOptions {
  /// Of one check; the others are left out. A signaling server that hands out more than that means no good.
  static constexpr std::size_t max_servers = 64;

  std::vector<IceServer> ice_servers{};  ///< Each URL is asked, `stuns:` too, all at once.
  bool use_ipv4 = true;
  bool use_ipv6 = true;
  /// A file of certificates (PEM) whom TLS servers may have theirs from, besides the system's; see Tuning::tls_ca_file.
  std::string tls_ca_file{};
  /// For everything. What has not answered by then has not answered.
  Duration limit = std::chrono::seconds{15};
};

/// How it went with one address of a server.
enum class ServerState : std::uint8_t {
  Works,              ///< STUN: it told our address. TURN: it gave a relay, which was given back.
  BadUrl,             ///< No URL of RFC 7064 or RFC 7065.
  NameNotFound,       ///< The name has no address.
  Unreachable,        ///< This machine has no way to that address, or no socket left: it was not asked.
  NoAnswer,           ///< In time.
  ConnectionRefused,  ///< TCP: nobody listens there.
  ConnectionFailed,   ///< TCP: it opened and broke, or something else went wrong.
  TlsFailed,          ///< The certificate is not valid for the name, or there is no TLS.
  Unauthorized,       ///< The user name or the password is not right (any more).
  Refused,            ///< The server says no for another reason: `error_code`.
};
/// "works", "bad-url", "name-not-found", "unreachable", "no-answer", "connection-refused", "connection-failed",
/// "tls-failed", "unauthorized", "refused".
[[nodiscard]] std::string_view to_string(ServerState state) noexcept;

/// Extension: what check_network() found out.
struct NetworkReport {
  struct Address {
    std::string interface;
    IpAddress address;
    bool loopback = false;
    bool wireless = false;
    bool point_to_point = false;
    bool gathered = false;  ///< Connections have a host candidate on it.
  };
  /// Between this machine and one server, over UDP: RFC 4787 in the words of RFC 5780.
  struct Nat {
    bool translated = false;  ///< There is a NAT: the server sees another address than the socket has.
    bool discovers = false;   ///< The server has a second address, so that all of this could be asked (RFC 5780).
    NatMapping mapping = NatMapping::Unknown;
    unsigned compared = 0;  ///< With how many other servers the mapping was compared, when the server cannot do it.
    NatFiltering filtering = NatFiltering::Unknown;
    std::optional<bool>
        hairpins{};  ///< Two sockets behind it reach each other by their outside addresses; empty: not known.
    std::string mapping_unknown{};    ///< Why, for people.
    std::string filtering_unknown{};  ///< Why, for people.
  };
  struct Attempt {
    Endpoint address{};  ///< The server's.
    Protocol protocol = Protocol::Udp;
    ServerState state = ServerState::NoAnswer;
    std::uint16_t error_code = 0;  ///< STUN's, when the server refuses.
    std::string text{};            ///< Why it does not work, for people.
    std::optional<Duration> round_trip{};
    std::optional<IpAddress> local{};  ///< From where.
    std::optional<Endpoint> mapped{};  ///< How the server sees us.
    std::vector<Endpoint> relayed{};   ///< TURN.
    std::optional<Nat> nat{};          ///< When it answered over UDP.
  };
  struct Server {
    std::string url;
    bool turn = false;
    Protocol protocol = Protocol::Udp;
    std::vector<Attempt> attempts{};  ///< One for each address family that the name has; at least one.

    [[nodiscard]] bool works() const noexcept {
      for (const Attempt& attempt : attempts)
        if (attempt.state == ServerState::Works) return true;
      return false;
    }
  };
  std::vector<Address> addresses{};  ///< Of all interfaces that are up.
  std::vector<Server> servers{};     ///< One for each URL, in their order.
};

namespace detail {
void start_network_check(Executor executor, NetworkCheckOptions options, Completion<NetworkReport> completion);
}  // namespace detail

/// Extension: looks at this machine's addresses, asks each server whether it serves us, and finds out how the NAT
/// between behaves (RFC 5780). Opens sockets of its own; takes up to `limit`, and a few seconds where filters are. It
/// runs wholly on `executor`, which must run one handler at a time. Completes with void(std::exception_ptr,
/// NetworkReport): a server that does not work is a finding, no error.
template <class Token = boost::asio::use_awaitable_t<>>
auto check_network(Executor executor, NetworkCheckOptions options, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(std::exception_ptr, NetworkReport)>(
      [](auto handler, Executor on, NetworkCheckOptions what) {
        auto completion = detail::make_completion<NetworkReport>(std::move(handler), on);
        detail::start_network_check(std::move(on), std::move(what), std::move(completion));
      },
      token, std::move(executor), std::move(options));
}

}  // namespace linnet
