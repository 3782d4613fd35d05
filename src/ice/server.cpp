#include "ice/server.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace linnet::ice {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

/// A registered name as RFC 3986 has it, without percent-encoding, which no host name needs.
bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

struct Scheme {
  std::string_view name;
  Server::Kind kind;
  bool secure;
};
constexpr Scheme schemes[] = {{"stun", Server::Kind::Stun, false},
                              {"stuns", Server::Kind::Stun, true},
                              {"turn", Server::Kind::Turn, false},
                              {"turns", Server::Kind::Turn, true}};

/// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT.
bool read_host_and_port(std::string_view text, Server& server) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    const auto host = text.substr(1, end - 1);
    const auto address = IpAddress::parse(host);
    if (!address || address->is_v4()) return false;
    server.host = host;
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return false;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = text.find(':');
    const auto host = text.substr(0, colon);
    if (!is_host_name(host)) return false;
    server.host = host;
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (!has_port) return true;
  const auto number = parse_port(port);
  if (number) server.port = *number;
  return number.has_value();
}

}  // namespace

Result<Server> parse_server_url(std::string_view url) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorName::SyntaxError,
                "ICE server URL \"" + std::string(url.substr(0, 256)) + "\": " + std::string(why));
  };
  const auto colon = url.find(':');
  if (colon == std::string_view::npos) return wrong("has no scheme");
  const auto* const scheme =
      std::ranges::find_if(schemes, [&](const Scheme& s) { return equal_ignoring_case(s.name, url.substr(0, colon)); });
  if (scheme == std::end(schemes)) return wrong("the scheme is none of stun, stuns, turn and turns");

  // RFC 7064 section 3.1 and RFC 7065 section 3.1; the default ports are those of their sections 3.2.
  Server server;
  server.kind = scheme->kind;
  server.url = url;
  server.port = scheme->secure ? 5349 : 3478;
  server.protocol = scheme->secure ? Protocol::Tls : Protocol::Udp;
  auto rest = url.substr(colon + 1);
  if (const auto question = rest.find('?'); question != std::string_view::npos) {
    if (scheme->kind == Server::Kind::Stun) return wrong("a STUN URL has no query");
    const auto query = rest.substr(question + 1);
    if (equal_ignoring_case(query, "transport=tcp")) {
      server.protocol = scheme->secure ? Protocol::Tls : Protocol::Tcp;
    } else if (!equal_ignoring_case(query, "transport=udp")) {
      return wrong("the query is neither transport=udp nor transport=tcp");
    }
    rest = rest.substr(0, question);
  }
  if (!read_host_and_port(rest, server)) return wrong("has no valid host and port");
  return server;
}

}  // namespace linnet::ice
