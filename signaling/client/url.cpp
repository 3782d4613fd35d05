#include "client/url.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace linnet::signaling {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::unexpected<Error> wrong(std::string_view url, std::string_view why) {
  return fail(ErrorName::SyntaxError,
              '"' + std::string(url.substr(0, 256)) + "\" is no signaling address: " + std::string(why));
}

/// It goes into the Host header and into "ws://HOST": nothing that separates there, no control character.
bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::none_of(host, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '@' || c == '\\' || c == '[' || c == ']';
  });
}

/// Takes "host", "host:port", "[v6]" or "[v6]:port" apart.
bool parse_authority(std::string_view authority, Url& url) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url.host = authority.substr(1, end - 1);
    // What has no colon needs no brackets, and could not be written with them again.
    if (url.host.find(':') == std::string::npos) return false;
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) return false;
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = authority.substr(colon + 1);
      if (port.empty()) return false;
    }
  }
  if (!is_host(url.host)) return false;
  if (port.empty()) return true;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return ec == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (tls ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::string Url::text() const { return (tls ? "wss://" : "ws://") + authority(); }

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (const std::size_t at = text.find("://"); at != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, at);
    if (scheme == "wss" || scheme == "https") {
      url.tls = true;
      url.port = 443;
    } else if (scheme != "ws" && scheme != "http") {
      return wrong(text, "the scheme must be ws, wss, http or https");
    }
    rest = text.substr(at + 3);
  }
  const std::size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  if (!parse_authority(rest.substr(0, path_at), url)) return wrong(text, "host or port is missing or broken");
  std::string_view path = rest.substr(path_at);
  path = path.substr(0, path.find_first_of("?#"));
  if (path.starts_with("/r/") && path.size() > 3) {
    url.room = percent_decode(path.substr(3));
  } else if (!path.empty() && path != "/" && path != "/v1/ws") {
    return wrong(text, "the path must be /r/ROOM, /v1/ws or nothing");
  }
  return url;
}

}  // namespace linnet::signaling
