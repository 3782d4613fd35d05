// ICE servers that peers are told of, and the users that they are given for them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "crypto/time_limited_password.hpp"
#include "hub/hub.hpp"

namespace linnet::signaling {

namespace json = boost::json;

namespace {

/// A host that may stand in a url: a name, an IPv4 address or an IPv6 address in brackets.
bool is_host(std::string_view host) {
  const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  constexpr std::size_t most = 253;
  return !host.empty() && host.size() <= most && std::ranges::all_of(host, [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '.' || (v6 ? c == ':' : c == '-');
  });
}

/// The urls with the client's host in them, without those that need one and have none.
json::array urls_for(const std::vector<std::string>& urls, std::string_view host) {
  constexpr std::string_view place = "{host}";
  // The name may lead to ::1 first, and nothing tells a client over UDP that nobody is there.
  if (host == "localhost") host = "127.0.0.1";
  json::array out;
  for (const std::string& url : urls) {
    const auto at = url.find(place);
    if (at == std::string::npos) {
      out.emplace_back(url);
    } else if (is_host(host)) {
      std::string filled = url;
      filled.replace(at, place.size(), host);
      out.emplace_back(filled);
    }
  }
  return out;
}

}  // namespace

json::array Hub::ice_servers_for(Session& session) {
  json::array out;
  const auto add = [&](const std::vector<std::string>& urls, const std::string& username,
                       const std::string& credential) {
    auto mine = urls_for(urls, session.host);
    if (mine.empty()) return;
    json::object entry{{"urls", std::move(mine)}};
    if (!username.empty()) entry["username"] = username;
    if (!credential.empty()) entry["credential"] = credential;
    out.push_back(std::move(entry));
  };
  for (const IceServer& server : options_.ice_servers) add(server.urls, server.username, server.credential);

  session.next_ice_servers = never;
  const auto unix_time = std::chrono::milliseconds(options_.unix_ms_at_start) + now_.time_since_epoch();
  for (const TurnService& turn : options_.turn) {
    const auto lifetime = std::max(turn.lifetime, std::chrono::seconds(2));
    const auto expiry = std::chrono::floor<std::chrono::seconds>(unix_time + lifetime).count();
    const std::string username = std::to_string(expiry) + ':' + session.peer;
    add(turn.urls, username, crypto::time_limited_password(turn.secret, username));
    // With a quarter left: time enough for one who is away for a moment.
    session.next_ice_servers = std::min(session.next_ice_servers, now_ + Duration(lifetime) * 3 / 4);
  }
  return out;
}

void Hub::set_unix_time(TimePoint now, std::chrono::milliseconds unix_time) {
  const Turn turn(*this, now);
  const auto before = options_.unix_ms_at_start;
  const auto since_start = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  options_.unix_ms_at_start = (unix_time - since_start).count();
  // Clocks that are adjusted bit by bit are far below this, and lifetimes above it.
  constexpr std::int64_t jump_ms = 10'000;
  if (std::abs(options_.unix_ms_at_start - before) < jump_ms) return;
  for (auto& [id, session] : sessions_) {
    if (session.next_ice_servers == never) continue;
    session.next_ice_servers = now_;
    schedule(id, session);
  }
}

void Hub::renew_ice_servers(ConnectionId id, Session& session) {
  send(id, {{"type", "ice-servers"}, {"iceServers", ice_servers_for(session)}});
}

}  // namespace linnet::signaling
