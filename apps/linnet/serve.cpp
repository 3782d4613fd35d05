#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "file_limit.hpp"
#include "linnet/signaling/server.hpp"
#include "program_file.hpp"
#include "serve_turn.hpp"

namespace linnet::app {
namespace {

namespace fs = std::filesystem;

/// The web page: named by the user, installed beside the program, or where this build left it.
std::string find_web_root(const std::string& given) {
  if (!given.empty()) return given;
  std::error_code error;
  for (const fs::path& candidate : {program_file().parent_path() / "../share/linnet/web", fs::path{LINNET_WEB_DIST}})
    if (fs::exists(candidate / "index.html", error)) return fs::canonical(candidate, error).string();
  return {};
}

/// Where a browser finds the server. For one that listens on every address: at each address of this machine, those
/// that a phone could reach first.
std::vector<std::string> links_to(const std::string& bind, std::uint16_t port) {
  const auto end = ":" + std::to_string(port);
  if (bind == "127.0.0.1" || bind == "::1") return {"http://localhost" + end};
  if (bind != "0.0.0.0" && bind != "::")
    return {"http://" + (bind.find(':') == std::string::npos ? bind : "[" + bind + "]") + end};
  std::vector<std::string> links;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) == 0) {
    for (const auto* each = all; each != nullptr; each = each->ifa_next) {
      if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET || (each->ifa_flags & IFF_LOOPBACK) != 0)
        continue;
      std::array<char, NI_MAXHOST> host{};
      if (::getnameinfo(each->ifa_addr, sizeof(sockaddr_in), host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0)
        links.push_back("http://" + std::string{host.data()} + end);
    }
    ::freeifaddrs(all);
  }
  links.push_back("http://localhost" + end);
  return links;
}

/// The system gives a process only so many files, and a socket is one: half of them are for the page and signaling, a
/// quarter each for relays and for who comes to them over TCP, so that none takes what another needs.
void share_files(std::size_t files, signaling::ServerOptions& server, TurnOptions& turn) {
  constexpr std::size_t own = 64;
  const std::size_t room = files - std::min(files, own);
  server.max_connections = std::min(server.max_connections, room / 2);
  turn.max_relays = std::min(turn.max_relays, room / 4);
  turn.max_connections = std::min(turn.max_connections, room / 4);
}

}  // namespace

boost::asio::awaitable<ExitCode> run_serve(ServeOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  signaling::ServerOptions server_options{.bind_address = options.bind, .port = options.port};
  server_options.web_root = find_web_root(options.web);
  server_options.allowed_origins = options.origins;
  if (const auto files = raise_file_limit(); files != 0) share_files(files, server_options, options.turn);
  for (const auto& url : options.stun) server_options.ice_servers.push_back({.urls = {url}});
  if (server_options.web_root.empty())
    output.status("the web page is not here (--web DIR says where); serving signaling only");

  IceService ice;
  if (const auto started = ice.start(executor, options.turn, options.bind, server_options); !started) {
    output.error(started.error().message);
    co_return ExitCode::Usage;
  }

  boost::asio::signal_set signals{executor, SIGINT, SIGTERM};  // before anybody is told that there is something to stop
  signaling::Server server{executor, std::move(server_options)};
  if (const auto started = server.start(); !started) {
    output.error(started.error().message);
    co_return ExitCode::Usage;
  }
  const auto links = links_to(options.bind, server.port());
  const auto& link = links.front();
  for (const auto& each : links) output.status("linnet is at " + each);
  if (links.size() == 1 && link.starts_with("http://localhost:"))
    output.status("only this machine can reach it; --bind 0.0.0.0 opens it to the whole network");
  if (!options.no_qr && output.interactive()) print_qr_code(link);
  output.status("in a terminal:   linnet chat lobby" + (server.port() == 8080 ? std::string{} : " --server " + link));
  boost::json::object serving{{"url", link}, {"port", server.port()}};
  if (ice.port() != 0) {
    output.status("STUN and TURN on port " + std::to_string(ice.port()) + ", for demos and networks of your own");
    serving["stunTurnPort"] = ice.port();
  }
  output.event("serving", std::move(serving));

  co_await signals.async_wait(boost::asio::use_awaitable);
  output.status("stopping");
  server.stop();
  ice.stop();
  boost::asio::steady_timer timer{executor};
  for (int i = 0; i < 100 && server.connections() > 0; ++i) {
    timer.expires_after(std::chrono::milliseconds{20});
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_return ExitCode::Done;
}

}  // namespace linnet::app
