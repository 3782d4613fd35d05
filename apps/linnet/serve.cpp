#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <utility>

#include "commands.hpp"
#include "linnet/signaling/server.hpp"

namespace linnet::app {
namespace {

namespace fs = std::filesystem;

/// The web page: named by the user, installed beside the program, or where this build left it.
std::string find_web_root(const std::string& given) {
  if (!given.empty()) return given;
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& candidate : {program.parent_path() / "../share/linnet/web", fs::path{LINNET_WEB_DIST}})
    if (fs::exists(candidate / "index.html", error)) return fs::canonical(candidate, error).string();
  return {};
}

}  // namespace

boost::asio::awaitable<ExitCode> run_serve(ServeOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  signaling::ServerOptions server_options{.bind_address = options.bind, .port = options.port};
  server_options.web_root = find_web_root(options.web);
  server_options.allowed_origins = options.origins;
  for (const auto& url : options.stun) server_options.ice_servers.push_back({.urls = {url}});
  if (server_options.web_root.empty())
    output.status("the web page is not here (--web DIR says where); serving signaling only");

  signaling::Server server{executor, std::move(server_options)};
  if (const auto started = server.start(); !started) {
    output.error(started.error().message);
    co_return ExitCode::Usage;
  }
  const auto local = "http://localhost:" + std::to_string(server.port());
  const auto link = options.bind == "127.0.0.1" || options.bind == "::1" ? local : server.url();
  output.status("linnet is at " + link);
  if (!options.no_qr && output.interactive()) print_qr_code(link);
  output.status("in a terminal:   linnet chat lobby" + (server.port() == 8080 ? std::string{} : " --server " + link));
  output.event("serving", {{"url", link}, {"port", server.port()}});

  boost::asio::signal_set signals{executor, SIGINT, SIGTERM};
  co_await signals.async_wait(boost::asio::use_awaitable);
  output.status("stopping");
  server.stop();
  boost::asio::steady_timer timer{executor};
  for (int i = 0; i < 100 && server.connections() > 0; ++i) {
    timer.expires_after(std::chrono::milliseconds{20});
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_return ExitCode::Done;
}

}  // namespace linnet::app
