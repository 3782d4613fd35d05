// Any frame of a server, as the client reads it: numbers are within their limits, a signal means the same when it is
// written and read again, and nothing but a number is echoed.
#include <boost/json/serialize.hpp>

#include "check.hpp"
#include "client/server_message.hpp"

using namespace linnet::signaling;

namespace {

struct Laws {
  std::size_t frame;  // How large it was: nothing that is read from it is larger.

  void operator()(const UnknownMessage&) const {}
  void operator()(const WelcomeMessage&) const {}
  void operator()(const ReadyMessage& m) const {
    require(m.ready.heartbeat.count() >= 0 && m.ready.heartbeat <= std::chrono::hours{24});
    require(m.ready.peer.size() + m.ready.session.size() + m.resume.size() <= frame);
    (*this)(IceServersMessage{m.ready.ice_servers});
  }
  void operator()(const IceServersMessage& m) const {
    require(m.ice_servers.size() <= frame);
    for (const auto& server : m.ice_servers) require(!server.urls.empty());
  }
  void operator()(const JoinedMessage& m) const {
    require(m.joined.peers.size() <= frame);
    for (const auto& peer : m.joined.peers) require(peer.since >= 0);
  }
  void operator()(const AckMessage&) const {}
  void operator()(const ErrorMessage& m) const {
    require(parse_error_code(to_string(m.error.code)) == m.error.code);
    require(m.error.message.size() + m.error.to.size() <= frame);
  }
  void operator()(const GoAwayMessage& m) const { require(m.after.count() >= 0 && m.after <= std::chrono::minutes{1}); }
  void operator()(const PresenceMessage& m) const { require(m.event.info.since >= 0); }
  void operator()(const Signal& m) const {
    const auto again = parse_signal_line(to_line(m.body));
    require(again && *again == m.body);
  }
  void operator()(const Message& m) const { (void)boost::json::serialize(m.data); }
  void operator()(const PingMessage& m) const { require(m.t.is_null() || m.t.is_number()); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = parse_server_message(text_of(data, size));
  if (message) std::visit(Laws{size}, *message);
  return 0;
}
