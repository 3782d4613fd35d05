#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "client/address_watch.hpp"
#include "client/link.hpp"
#include "client/liveness.hpp"
#include "client/random_device.hpp"
#include "client/retry_plan.hpp"
#include "client/server_message.hpp"
#include "linnet/signaling/client.hpp"

namespace linnet::signaling {

/// The client's inside: it outlives the handle while an operation still runs, but calls nobody then.
class Client::Impl : public std::enable_shared_from_this<Client::Impl> {
 public:
  template <class... Args>
  using State = std::shared_ptr<detail::EventState<Args...>>;

  Impl(Executor executor, ClientOptions options);

  // client.cpp
  void connect(std::string url, detail::Completion<Ready> completion);
  void join(std::string room, boost::json::object data, detail::Completion<Joined> completion);
  void request(boost::json::object message, detail::Completion<> completion);
  void send(std::string_view peer, boost::json::object body, std::string_view room, std::string_view conn);
  void message(std::string_view peer, boost::json::value data, std::string_view room);
  void close();
  void destroy();
  void network_changed();  // client_run.cpp

  Executor executor;
  ClientOptions options;
  Ready ready{};
  bool open = false;                                              ///< `ready` was received on the current link.
  std::map<std::string, boost::json::object, std::less<>> rooms;  ///< That we are in, to join again.

  State<PeerEvent> peer_joined, peer_updated, peer_left;
  State<Signal> signal;
  State<Message> app_message;
  State<ServerError> error;
  State<std::vector<IceServer>> ice_servers;
  State<Ready> reconnected;
  State<Joined> rejoined;
  State<Closed> closed;

 private:
  using AnyCompletion = std::variant<detail::Completion<>, detail::Completion<Joined>>;
  struct Pending {
    AnyCompletion completion;
    std::string room;  ///< Of a join.
    boost::json::object data;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };

  // client_run.cpp: the life of the connection
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> run_once();
  void lost(std::exception_ptr why);
  void fail_pending(const Error& error);
  void heard();
  void follow(Liveness::Advice advice, std::string_view why);
  void watch_silence();

  // client_dispatch.cpp: what the server says
  void dispatch(std::string_view text);
  void on(UnknownMessage&) {}
  void on(WelcomeMessage& message);
  void on(ReadyMessage& message);
  void on(IceServersMessage& message);
  void on(JoinedMessage& message);
  void on(AckMessage& message);
  void on(ErrorMessage& message);
  void on(GoAwayMessage& message);
  void on(PresenceMessage& message);
  void on(PingMessage& message);
  void on(Signal& message);
  void on(Message& message);

  void write(const boost::json::object& message);
  void start_request(boost::json::object message, Pending pending);
  void timed_out(std::uint64_t id);
  void complete(Pending pending, const Error& error);
  [[nodiscard]] std::optional<Pending> take(std::optional<std::uint64_t> id);

  RandomDevice random_;
  RetryPlan plan_;
  Url url_;
  std::shared_ptr<Link> link_;
  detail::Completion<Ready> connecting_;
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t last_id_ = 0;
  std::string resume_;
  std::string server_words_;  ///< The last fatal error's message.
  bool not_allowed_ = false;  ///< The server refused our hello: who we are, not how we said it.
  bool ended_ = false;        ///< By us: no more tries, and nothing to tell when destroyed.
  bool destroyed_ = false;
  Liveness liveness_;
  std::uint64_t asked_ = 0;  ///< Pings of ours.
  std::shared_ptr<AddressWatch> watch_;
  boost::asio::steady_timer retry_;
  boost::asio::steady_timer idle_;
};

/// What a request that the server refused with `code` fails with.
[[nodiscard]] ErrorName error_name(ErrorCode code);

}  // namespace linnet::signaling
