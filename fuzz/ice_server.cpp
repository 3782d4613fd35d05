// Any text as a STUN or TURN server's URL: what is read has a host and a port that can be used, and the URL written
// from its parts reads the same. What is refused is said in bounded words.
#include <string>

#include "check.hpp"
#include "ice/server.hpp"

using namespace linnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  const auto server = ice::parse_server_url(text);
  if (!server) {
    require(server.error().name == ErrorName::SyntaxError && server.error().message.size() < 400);
    return 0;
  }
  require(server->url == text && server->port != 0 && !server->host.empty() && server->host.size() <= 255);
  for (const char c : server->host)
    require(c > ' ' && c < '\x7f' && std::string_view{"[]/?#@\\"}.find(c) == std::string_view::npos);
  require(server->username.empty() && server->credential.empty());

  const bool turn = server->kind == ice::Server::Kind::Turn;
  const bool v6 = server->host.find(':') != std::string::npos;
  std::string url = turn ? "turn" : "stun";
  if (server->protocol == Protocol::Tls) url += 's';
  url += ':' + (v6 ? '[' + server->host + ']' : server->host) + ':' + std::to_string(server->port);
  if (server->protocol == Protocol::Tcp) url += "?transport=tcp";
  auto again = ice::parse_server_url(url);
  require(again.has_value());
  again->url = server->url;
  require(*again == *server);
  return 0;
}
