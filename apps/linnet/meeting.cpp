#include "meeting.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <utility>

#include "continuity.hpp"
#include "linnet/signaling/client.hpp"
#include "linnet/signaling/negotiator.hpp"
#include "stdin_reader.hpp"

namespace linnet::app {
namespace {

namespace asio = boost::asio;

constexpr std::string_view stdio_peer = "peer";

std::string name_in(const boost::json::object& data, const std::string& id) {
  const auto* name = data.if_contains("name");
  const bool usable = name && name->is_string() && !name->get_string().empty();
  return Output::printable(usable ? std::string_view{name->get_string()}.substr(0, 64) : std::string_view{id});
}

}  // namespace

/// One peer in the meeting: its connection, the negotiation and what watches over both.
struct Member {
  Member(const Executor& executor, RemotePtr r) : remote(std::move(r)), connect_timer(executor) {}

  RemotePtr remote;
  Continuity continuity;
  std::optional<signaling::Negotiator> negotiator;
  asio::steady_timer connect_timer;
  std::vector<Subscription> subscriptions;
};

class Meeting::Impl : public std::enable_shared_from_this<Meeting::Impl> {
 public:
  Impl(Executor executor, MeetingOptions options, Output& output, Meeting& owner)
      : executor_(std::move(executor)), options_(std::move(options)), output_(output), owner_(&owner) {}

  asio::awaitable<void> open() { return options_.stdio() ? open_stdio() : open_room(); }

  void close() {
    owner_ = nullptr;
    input_.reset();
    if (client_) client_->close();
    for (auto& [id, member] : std::exchange(members_, {})) {
      if (options_.stdio()) member->negotiator->close();
      end(*member);
    }
  }

  std::size_t size() const { return members_.size(); }

  std::string link() const {
    if (options_.stdio()) return {};
    auto base = options_.server;
    if (base.starts_with("ws")) base.replace(0, 2, "http");
    if (const auto scheme = base.find("://"); scheme == std::string::npos) {
      base.insert(0, "http://");
    } else if (const auto path = base.find('/', scheme + 3); path != std::string::npos) {
      base.resize(path);
    }
    std::string room;
    for (const char c : options_.room) room += c == ' ' ? std::string{"%20"} : std::string(1, c);
    return base + "/r/" + room;
  }

  void drop(const RemotePtr& remote) {
    const auto found = members_.find(remote->id);
    if (found == members_.end() || found->second->remote != remote) return;
    const auto member = found->second;
    members_.erase(found);
    end(*member);
  }

 private:
  asio::awaitable<void> open_room() {
    client_ = std::make_unique<signaling::Client>(executor_, signaling::ClientOptions{.reconnect = true});
    const auto weak = weak_from_this();
    const auto with_self = [weak](auto handle) {
      return [weak, handle](const auto& event) {
        if (const auto self = weak.lock(); self && self->owner_) handle(*self, event);
      };
    };
    client_->on_peer_joined = with_self([](Impl& self, const signaling::PeerEvent& event) { self.peer_joined(event); });
    client_->on_peer_left = with_self([](Impl& self, const signaling::PeerEvent& event) { self.peer_left(event); });
    client_->on_signal = with_self([](Impl& self, const signaling::Signal& signal) { self.signal(signal); });
    client_->on_rejoined = with_self([](Impl& self, const signaling::Joined& joined) { self.call_all(joined); });
    client_->on_error = with_self([](Impl& self, const signaling::ServerError& error) {
      const auto found = self.members_.find(error.to);
      if (error.code == signaling::ErrorCode::PeerUnavailable && found != self.members_.end())
        found->second->continuity.not_told();
      spdlog::warn("signaling: {} {}", signaling::to_string(error.code), error.message);
    });
    client_->on_closed = with_self([](Impl& self, const signaling::Closed& closed) {
      if (closed.will_reconnect) {
        self.output_.status("the server is away; who is connected stays connected");
      } else {
        self.output_.status("disconnected from the server: " + Output::printable(closed.reason));
      }
    });
    client_->on_ice_servers =
        with_self([](Impl& self, const std::vector<signaling::IceServer>& servers) { self.use_anew(servers); });
    const auto ready = co_await client_->connect(options_.server);
    use(ready.ice_servers);
    boost::json::object presence{{"device", "computer"}};
    if (!options_.name.empty()) presence["name"] = options_.name;
    const auto joined = co_await client_->join(options_.room, std::move(presence));
    if (!owner_) co_return;
    call_all(joined);
  }

  asio::awaitable<void> open_stdio() {
    add_own_servers();
    const auto weak = weak_from_this();
    input_ = std::make_unique<StdinReader>(executor_, [weak](std::optional<std::string> line) {
      const auto self = weak.lock();
      if (!self || !self->owner_) return;
      if (line) {
        self->stdio_line(*line);
      } else {
        self->stdio_end();
      }
    });
    add(std::string{stdio_peer}, std::string{stdio_peer}, options_.offer);
    co_return;
  }

  void use(const std::vector<signaling::IceServer>& servers) {
    configuration_.ice_servers.clear();
    for (auto server : servers) {
      if (options_.no_relay) std::erase_if(server.urls, [](const std::string& url) { return url.starts_with("turn"); });
      if (server.urls.empty()) continue;
      configuration_.ice_servers.push_back(
          {.urls = server.urls, .username = server.username, .credential = server.credential});
      // A server's mistake is no reason not to talk.
      if (!usable(configuration_)) {
        spdlog::warn("the server names an ICE server that cannot be used: {}",
                     server.urls.empty() ? "" : server.urls.front());
        configuration_.ice_servers.pop_back();
      }
    }
    add_own_servers();
  }

  /// Others, or new credentials because the old ones expire: for connections to come, and for a restart of ICE.
  void use_anew(const std::vector<signaling::IceServer>& servers) {
    use(servers);
    for (const auto& [id, member] : members_) {
      auto& connection = member->remote->connection;
      auto changed = connection.get_configuration();
      changed.ice_servers = configuration_.ice_servers;
      try {
        connection.set_configuration(std::move(changed));
      } catch (const Exception& problem) {
        spdlog::warn("{}: {}", member->remote->name, problem.what());
      }
    }
  }

  void add_own_servers() {
    if (options_.relay_only) configuration_.ice_transport_policy = IceTransportPolicy::Relay;
    if (!options_.stun.empty()) configuration_.ice_servers.push_back({.urls = options_.stun});
  }

  /// Standard input has ended. A connection goes on; without a description it can never come up.
  void stdio_end() {
    const auto found = members_.find(std::string{stdio_peer});
    if (found != members_.end() && !found->second->remote->connection.remote_description())
      gone(*found->second, Ending::Failed, "standard input ended before the other side described itself");
  }

  void stdio_line(const std::string& line) {
    if (line.empty()) return;
    auto body = signaling::parse_signal_line(line);
    if (!body) {
      if (owner_->on_line) {
        owner_->on_line(line);
      } else {
        output_.error("a line of standard input is no signaling and was ignored: " +
                      Output::printable(body.error().message));
      }
      return;
    }
    if (const auto found = members_.find(std::string{stdio_peer}); found != members_.end())
      found->second->negotiator->handle(std::move(*body));
  }

  /// Whether a connection can be made with it.
  bool usable(const Configuration& configuration) const {
    try {
      const PeerConnection probe{executor_, configuration};
      return true;
    } catch (const Exception&) {
      return false;
    }
  }

  void signal(const signaling::Signal& signal) {
    const auto* description = std::get_if<SessionDescription>(&signal.body);
    // Who was given up may call again: the connection failed, but the peer never left the room.
    if (!members_.contains(signal.from) && description && description->type == SdpType::Offer)
      add(signal.from, Output::printable(signal.from), false);
    if (const auto found = members_.find(signal.from); found != members_.end())
      found->second->negotiator->handle(signal.body);
  }

  void call_all(const signaling::Joined& joined) {
    for (const auto& info : joined.peers) {
      if (info.peer == client_->peer()) continue;
      const auto known = members_.find(info.peer);
      if (known != members_.end()) {
        const auto member = known->second;
        const auto step = member->continuity.rejoined(unanswered(*member));
        if (step == Continuity::Step::CallAgain)
          gone(*member, Ending::Closed, "calling " + member->remote->name + " again");
        else
          follow(*member, step);
      }
      add(info.peer, name_in(info.data, info.peer), true);
    }
  }

  static void follow(Member& member, Continuity::Step step) {
    if (step == Continuity::Step::RestartIce) member.negotiator->restart_ice();
  }
  static bool unanswered(const Member& member) {
    return member.remote->connection.signaling_state() == SignalingState::HaveLocalOffer;
  }

  void peer_joined(const signaling::PeerEvent& event) {
    const auto known = members_.find(event.info.peer);
    if (known != members_.end())
      follow(*known->second, known->second->continuity.peer_came_back(unanswered(*known->second)));
    else
      add(event.info.peer, name_in(event.info.data, event.info.peer), false);
  }

  void peer_left(const signaling::PeerEvent& event) {
    const auto found = members_.find(event.info.peer);
    if (found == members_.end() || found->second->continuity.outlives(event.reason)) return;
    gone(*found->second, Ending::Closed, found->second->remote->name + " left");
  }

  void add(const std::string& id, std::string name, bool caller) {
    if (members_.contains(id)) return;
    const auto remote = std::make_shared<Remote>(executor_, configuration_, options_.tuning);
    remote->id = id;
    remote->name = std::move(name);
    remote->caller = caller;
    const auto member = std::make_shared<Member>(executor_, remote);
    members_.emplace(id, member);
    negotiate(*member);
    watch(member);
    if (owner_->on_remote) owner_->on_remote(remote);
  }

  void negotiate(Member& member) {
    auto& remote = *member.remote;
    const bool stdio = options_.stdio();
    const bool polite = stdio ? !options_.offer : signaling::is_polite(client_->peer(), remote.id);
    member.negotiator.emplace(
        remote.connection,
        [this, stdio, id = remote.id](const signaling::SignalBody& body) {
          if (stdio) {
            std::cout << signaling::to_line(body) << std::endl;
          } else {
            client_->send(id, body, options_.room);
          }
        },
        signaling::NegotiatorOptions{.polite = polite, .offers_first = remote.caller});
    member.negotiator->on_error([](std::exception_ptr error) {
      try {
        std::rethrow_exception(std::move(error));
      } catch (const std::exception& problem) {
        spdlog::warn("negotiation: {}", problem.what());
      }
    });
    const auto weak = weak_from_this();
    member.negotiator->on_remote_close([weak, id = remote.id](const std::string& why) {
      const auto self = weak.lock();
      if (!self || !self->owner_) return;
      if (const auto found = self->members_.find(id); found != self->members_.end())
        self->gone(*found->second, Ending::Closed,
                   why.empty() ? "the other side closed the connection" : Output::printable(why));
    });
  }

  /// Calls `handle(self, member)` on an event of `member`, as long as both are there.
  auto guarded(const std::shared_ptr<Member>& member, auto handle) {
    return [weak = weak_from_this(), weak_member = std::weak_ptr{member}, handle](const auto&... event) {
      const auto self = weak.lock();
      const auto alive = weak_member.lock();
      if (self && alive && self->owner_) handle(*self, alive, event...);
    };
  }

  void watch(const std::shared_ptr<Member>& member) {
    auto& connection = member->remote->connection;
    member->subscriptions.push_back(connection.on_connection_state_change.add(
        guarded(member, [](Impl& self, const std::shared_ptr<Member>& m, PeerConnectionState state) {
          self.state_changed(m, state);
        })));
    // When the association under the channels is over, the peer has closed the connection.
    member->subscriptions.push_back(connection.on_sctp_transport_state_change.add(
        guarded(member, [](Impl& self, const std::shared_ptr<Member>& m, SctpTransportState state) {
          const bool failed = m->remote->connection.connection_state() == PeerConnectionState::Failed;
          if (state == SctpTransportState::Closed && !failed) self.closed_by_peer(m);
        })));
    // The first path to answer need not be the one to stay: a relay is often quicker than a NAT is opened from both
    // sides.
    member->subscriptions.push_back(connection.on_selected_candidate_pair_change.add(
        guarded(member, [](Impl& self, const std::shared_ptr<Member>& m, const Path&) { self.path_changed(*m); })));
    member->subscriptions.push_back(connection.on_ice_candidate_error.add([](const IceCandidateErrorEvent& event) {
      spdlog::warn("{}: {} {}", event.url, event.error_code, event.error_text);
    }));
    // Over stdio the peer may be a person with a clipboard: the clock starts with the first answer, ICE has its own.
    if (options_.stdio()) return;
    member->connect_timer.expires_after(std::chrono::seconds{options_.connect_timeout});
    member->connect_timer.async_wait(
        guarded(member, [](Impl& self, const std::shared_ptr<Member>& m, boost::system::error_code error) {
          if (!error && !m->remote->was_connected)
            self.gone(*m, Ending::Failed, "no connection to " + m->remote->name + " came up in time");
        }));
  }

  /// Its last messages are read first: the channels are drained before what is posted here runs.
  void closed_by_peer(const std::shared_ptr<Member>& member) {
    asio::post(executor_, guarded(member, [](Impl& self, const std::shared_ptr<Member>& m) {
                 self.gone(*m, Ending::Closed, m->remote->name + " closed the connection");
               }));
  }

  void state_changed(const std::shared_ptr<Member>& member, PeerConnectionState state) {
    auto& remote = *member->remote;
    spdlog::info("{}: {}", remote.name, to_string(state));
    output_.event("connection", {{"peer", remote.id}, {"name", remote.name}, {"state", to_string(state)}});
    follow(*member, member->continuity.became(state));
    if (state == PeerConnectionState::Connected && !std::exchange(remote.was_connected, true)) {
      member->connect_timer.cancel();
      remote.path = path_in_words(remote.connection);
      output_.status((options_.stdio() ? "connected, " : "connected to " + remote.name + ", ") + remote.path);
      output_.event("connected", {{"peer", remote.id}, {"name", remote.name}, {"path", remote.path}});
      if (owner_ && owner_->on_connected) owner_->on_connected(member->remote);
    } else if (state == PeerConnectionState::Disconnected) {
      output_.status("the connection to " + remote.name + " is interrupted");
    } else if (state == PeerConnectionState::Failed) {
      const auto failure = remote.connection.failure();
      const bool refused = failure && failure->detail == ErrorDetail::FingerprintFailure;
      const auto why = failure ? ": " + failure->message
                               : std::string{remote.was_connected ? ": it was lost" : ": no path was found"};
      gone(*member, refused ? Ending::Refused : Ending::Failed, "the connection to " + remote.name + " failed" + why);
    }
  }

  void path_changed(const Member& member) {
    auto& remote = *member.remote;
    auto path = path_in_words(remote.connection);
    if (!remote.was_connected || path == std::exchange(remote.path, path)) return;
    output_.status("the connection" + (options_.stdio() ? "" : " to " + remote.name) + " is " + path + " now");
    output_.event("path", {{"peer", remote.id}, {"name", remote.name}, {"path", path}});
  }

  void gone(Member& member, Ending ending, const std::string& why) {
    const auto remote = member.remote;
    const auto found = members_.find(remote->id);
    if (found == members_.end() || found->second->remote != remote) return;
    const auto kept = found->second;
    members_.erase(found);
    if (!options_.stdio()) output_.status(why);
    output_.event("gone", {{"peer", remote->id}, {"name", remote->name}, {"reason", why}});
    if (owner_->on_gone) owner_->on_gone(remote, ending, why);
    end(*kept);
  }

  /// Closes the connection. What it still calls back is run first: it may hold the last handle.
  void end(Member& member) {
    const auto self = shared_from_this();
    member.subscriptions.clear();
    member.connect_timer.cancel();
    member.remote->connection.close();
    const auto failure = member.remote->connection.trace_failure();
    if (failure) output_.incomplete_trace(failure->message);
  }

  Executor executor_;
  MeetingOptions options_;
  Output& output_;
  Meeting* owner_;  // null once the meeting is over
  Configuration configuration_;
  std::unique_ptr<signaling::Client> client_;
  std::unique_ptr<StdinReader> input_;
  std::map<std::string, std::shared_ptr<Member>> members_;
};

Meeting::Meeting(Executor executor, MeetingOptions options, Output& output)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), output, *this)) {}
Meeting::~Meeting() { impl_->close(); }
asio::awaitable<void> Meeting::open() { return impl_->open(); }
std::size_t Meeting::size() const { return impl_->size(); }
std::string Meeting::link() const { return impl_->link(); }
void Meeting::drop(const RemotePtr& remote) { impl_->drop(remote); }

namespace {

/// Whether `description` has a relayed candidate with this address.
bool relays(const std::optional<SessionDescription>& description, const Endpoint& endpoint) {
  const auto line = ' ' + to_string(endpoint.address) + ' ' + std::to_string(endpoint.port) + " typ relay";
  return description && description->sdp.find(line) != std::string::npos;
}

}  // namespace

std::string path_in_words(const PeerConnection& connection) {
  const auto path = connection.selected_path();
  if (path &&
      (relays(connection.local_description(), path->local) || relays(connection.remote_description(), path->remote)))
    return "relayed";
  return path && path->remote.address.is_v6() && path->remote.address.unmapped().is_v6() ? "direct over IPv6"
                                                                                         : "direct";
}

}  // namespace linnet::app
