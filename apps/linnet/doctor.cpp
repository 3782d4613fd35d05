#include "doctor.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "commands.hpp"
#include "doctor_report.hpp"
#include "linnet/exception.hpp"
#include "linnet/network_check.hpp"
#include "linnet/signaling/client.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;

std::string url_of(const std::string& url, std::string_view scheme) {
  const auto colon = url.find(':');
  const auto name = url.substr(0, colon);
  if (colon != std::string::npos && colon + 1 < url.size() && (name == scheme || name == std::string{scheme} + 's'))
    return {};
  return "'" + url + "' is no " + (scheme == "stun" ? "STUN" : "TURN") + " server: " + std::string{scheme} + ":HOST, " +
         std::string{scheme} + ":HOST:PORT or " + std::string{scheme} + "s:HOST";
}

/// From the file, else the environment: a command line is there for every user of the machine to read.
Result<std::string> read_password(const std::string& file) {
  if (file.empty()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment.
    const char* value = std::getenv("LINNET_TURN_PASSWORD");
    return std::string{value ? value : ""};
  }
  std::ifstream in{file, std::ios::binary};
  std::string password;
  if (!in || !std::getline(in, password))
    return fail(ErrorName::NotFoundError, "there is no password in " + file + ": its first line is it");
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

/// The connection to the signaling server, and the servers that it hands out.
awaitable<SignalingCheck> ask_signaling(std::string url, const DoctorOptions& options,
                                        std::vector<IceServer>& ice_servers) {
  const auto executor = co_await boost::asio::this_coro::executor;
  SignalingCheck out{.url = url};
  signaling::ClientOptions client_options;
  client_options.connect_timeout = std::chrono::seconds{options.timeout};
  client_options.ca_file = options.tls_ca_file;
  signaling::Client client{executor, std::move(client_options)};
  const auto begin = Clock::now();
  try {
    const auto ready = co_await client.connect(std::move(url));
    out.time = Clock::now() - begin;
    for (const auto& server : ready.ice_servers)
      ice_servers.push_back({.urls = server.urls, .username = server.username, .credential = server.credential});
  } catch (const Exception& problem) {
    if (problem.name() == ErrorName::SyntaxError) throw;
    out.result = problem.name() == ErrorName::InvalidAccessError ? ExitCode::NotAllowed : ExitCode::NoPath;
    out.text = problem.error().message;
  }
  client.close();
  co_return out;
}

}  // namespace

void add_doctor_arguments(CLI::App& doctor, DoctorOptions& options) {
  doctor
      .add_option("--server", options.server,
                  "A signaling server to connect to; the STUN and TURN servers that it hands out are asked, too (also "
                  "LINNET_SERVER)")
      ->type_name("URL");
  doctor
      .add_option("--stun", options.stun, "A STUN server, as stun:host:port or stuns:host; may be given more than once")
      ->check([](const std::string& url) { return url_of(url, "stun"); });
  auto* turn =
      doctor
          .add_option(
              "--turn", options.turn,
              "A TURN server, as turn:host:port, turn:host?transport=tcp or turns:host; may be given more than once")
          ->check([](const std::string& url) { return url_of(url, "turn"); });
  doctor.add_option("--turn-user", options.turn_user, "The user name at the --turn servers")->needs(turn);
  doctor
      .add_option("--turn-password-file", options.turn_password_file,
                  "File whose first line is the password there (or the environment's LINNET_TURN_PASSWORD)")
      ->needs(turn)
      ->check(CLI::ExistingFile);
  doctor
      .add_option("--tls-ca-file", options.tls_ca_file,
                  "Certificates (PEM) of authorities to believe besides the system's")
      ->check(CLI::ExistingFile);
  doctor
      .add_option("--timeout", options.timeout, "Seconds for the signaling server, and for all other servers together")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 600));
}

awaitable<ExitCode> run_doctor(DoctorOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  NetworkCheckOptions wish;
  wish.tls_ca_file = options.tls_ca_file;
  wish.limit = std::chrono::seconds{options.timeout};
  for (const auto& url : options.stun) wish.ice_servers.push_back({.urls = {url}});
  if (!options.turn.empty()) {
    auto password = read_password(options.turn_password_file);
    if (!password) {
      output.error(password.error().message);
      co_return ExitCode::Usage;
    }
    wish.ice_servers.push_back(
        {.urls = options.turn, .username = options.turn_user, .credential = std::move(*password)});
  }
  DoctorReport report;
  if (!options.server.empty()) {
    output.status("asking " + Output::printable(options.server));
    auto found = co_await ask_signaling(options.server, options, wish.ice_servers);
    report.signaling = std::move(found);
  }
  std::size_t urls = 0;
  for (const auto& server : wish.ice_servers) urls += server.urls.size();
  if (urls != 0) {
    output.status("asking " + std::to_string(urls) + (urls == 1 ? " server" : " servers") + "; this takes up to " +
                  std::to_string(options.timeout) + " s");
  }
  report.network = co_await check_network(executor, std::move(wish));
  for (const auto& line : report.text()) output.data(line);
  output.event("report", report.json());
  co_return report.exit_code();
}

}  // namespace linnet::app
