#include "sdp/parser.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sdp/text.hpp"
#include "sdp/typed_attributes.hpp"

namespace linnet::sdp {
namespace {

/// One pass over the lines. Each `on_*` reads the part after "x=" and returns what is wrong, or nothing.
class Parser {
 public:
  explicit Parser(const Limits& limits) : limits_(limits) {}

  std::expected<Description, ParseError> run(std::string_view text) {
    if (text.size() > limits_.max_size) return error("the description is larger than allowed");
    description_.timings.clear();
    // Blank lines behind the last one are what copying and pasting adds.
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      if (line_ > limits_.max_lines) return error("the description has more lines than allowed");
      if (const char* wrong = on_line(line)) return error(wrong);
    }
    ++line_;
    if (stage_ != Stage::Body) return error(missing());
    if (description_.timings.empty()) return error("there is no t= line");
    return std::move(description_);
  }

 private:
  enum class Stage { Version, Origin, Name, Body };

  std::unexpected<ParseError> error(const char* text) const {
    return std::unexpected(ParseError{.line = std::max(line_, std::uint32_t{1}), .text = text});
  }

  const char* missing() const {
    switch (stage_) {
      case Stage::Version: return "v=0 is expected here";
      case Stage::Origin: return "an o= line is expected here";
      case Stage::Name: return "an s= line is expected here";
      case Stage::Body: break;
    }
    return "a line is missing";
  }

  // RFC 8866 section 9: v=, o= and s= open the description in this order. The order of what follows is
  // not enforced, as browsers do not enforce it, except that t= stands before the first m=.
  const char* on_line(std::string_view line) {
    if (line.size() < 2 || line[1] != '=') return "a line is not of the form x=...";
    if (line.find_first_of(std::string_view{"\0\r", 2}) != std::string_view::npos)
      return "a line holds a forbidden control character";
    const char type = line[0];
    const std::string_view value = line.substr(2);
    switch (stage_) {
      case Stage::Version:
        if (type != 'v' || value != "0") return missing();
        stage_ = Stage::Origin;
        return nullptr;
      case Stage::Origin:
        if (type != 'o') return missing();
        stage_ = Stage::Name;
        return on_origin(value);
      case Stage::Name:
        if (type != 's') return missing();
        stage_ = Stage::Body;
        description_.session_name = value;
        return nullptr;
      case Stage::Body: break;
    }
    if (type == 'm') return on_media(value);
    if (type == 'a') return on_attribute(value);
    return description_.media.empty() ? on_session_line(type, value) : on_media_line(type, value);
  }

  const char* on_session_line(char type, std::string_view value) {
    switch (type) {
      case 'i': return once(description_.information, value);
      case 'u': return once(description_.uri, value);
      case 'e': description_.emails.emplace_back(value); return nullptr;
      case 'p': description_.phones.emplace_back(value); return nullptr;
      case 'c': {
        if (description_.connection) return "a second c= line";
        auto connection = read_connection(value);
        if (!connection) return "c= is not of the form nettype addrtype address";
        description_.connection = std::move(*connection);
        return nullptr;
      }
      case 'b': return on_bandwidth(description_.bandwidths, value);
      case 't': return on_timing(value);
      case 'r':
        if (description_.timings.empty()) return "r= without a t= line before";
        description_.timings.back().repeats.emplace_back(value);
        return nullptr;
      case 'z': return once(description_.time_zones, value);
      case 'k': return once(description_.key, value);
      case 'v': return "a second v= line";
      case 'o': return "a second o= line";
      case 's': return "a second s= line";
      default: return "an unknown type of line";
    }
  }

  const char* on_media_line(char type, std::string_view value) {
    MediaSection& media = description_.media.back();
    switch (type) {
      case 'i': return once(media.title, value);
      case 'c': {
        auto connection = read_connection(value);
        if (!connection) return "c= is not of the form nettype addrtype address";
        media.connections.push_back(std::move(*connection));
        return nullptr;
      }
      case 'b': return on_bandwidth(media.bandwidths, value);
      case 'k': return once(media.key, value);
      default: return "this type of line does not belong into an m= section";
    }
  }

  static const char* once(std::optional<std::string>& field, std::string_view value) {
    if (field) return "this line stands twice";
    field = value;
    return nullptr;
  }

  static bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  }

  const char* on_origin(std::string_view value) {
    const auto fields = words(value, 7);
    if (fields.size() != 6) return "o= does not have six fields";
    if (!is_digits(fields[1]) || !is_digits(fields[2])) return "the session id or version in o= is not a number";
    if (!is_token(fields[3]) || !is_token(fields[4])) return "the network or address type in o= is not a token";
    description_.origin = {.username = std::string{fields[0]},
                           .session_id = std::string{fields[1]},
                           .session_version = std::string{fields[2]},
                           .net_type = std::string{fields[3]},
                           .addr_type = std::string{fields[4]},
                           .address = std::string{fields[5]}};
    return nullptr;
  }

  static std::optional<Connection> read_connection(std::string_view value) {
    const auto fields = words(value, 4);
    if (fields.size() != 3 || !is_token(fields[0]) || !is_token(fields[1])) return std::nullopt;
    return Connection{
        .net_type = std::string{fields[0]}, .addr_type = std::string{fields[1]}, .address = std::string{fields[2]}};
  }

  static const char* on_bandwidth(std::vector<std::string>& list, std::string_view value) {
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos || colon == 0 || !is_digits(value.substr(colon + 1)))
      return "b= is not of the form type:number";
    list.emplace_back(value);
    return nullptr;
  }

  const char* on_timing(std::string_view value) {
    const auto fields = words(value, 3);
    if (fields.size() != 2 || !is_digits(fields[0]) || !is_digits(fields[1])) return "t= does not have two numbers";
    description_.timings.push_back({.start = std::string{fields[0]}, .stop = std::string{fields[1]}});
    return nullptr;
  }

  const char* on_media(std::string_view value) {
    if (description_.timings.empty()) return "a t= line is expected before the first m= line";
    if (description_.media.size() >= limits_.max_media) return "the description has more m= sections than allowed";
    const auto fields = words(value);
    if (fields.size() < 4) return "m= is not of the form media port proto fmt...";
    if (!is_token(fields[0])) return "the media type in m= is not a token";
    MediaSection media{.kind = std::string{fields[0]}, .line = line_};
    if (const char* wrong = on_port(media, fields[1])) return wrong;
    media.protocol = fields[2];
    std::string_view protocol = fields[2];
    while (true) {
      const std::size_t slash = protocol.find('/');
      if (!is_token(protocol.substr(0, slash))) return "the protocol in m= is not made of tokens";
      if (slash == std::string_view::npos) break;
      protocol.remove_prefix(slash + 1);
    }
    for (std::size_t i = 3; i < fields.size(); ++i) media.formats.emplace_back(fields[i]);
    description_.media.push_back(std::move(media));
    return nullptr;
  }

  static const char* on_port(MediaSection& media, std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto port = parse_number(text.substr(0, slash));
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return "the port in m= is not a port number";
    media.port = static_cast<std::uint16_t>(*port);
    if (slash == std::string_view::npos) return nullptr;
    const auto count = parse_number(text.substr(slash + 1));
    if (!count || *count == 0 || *count > std::numeric_limits<std::uint16_t>::max())
      return "the number of ports in m= is not a number";
    media.port_count = static_cast<std::uint32_t>(*count);
    return nullptr;
  }

  const char* on_attribute(std::string_view value) {
    const std::size_t colon = value.find(':');
    const std::string_view name = value.substr(0, colon);
    if (name.empty() || name.find(' ') != std::string_view::npos) return "a= has no proper name";
    Attribute attribute{.name = std::string{name}, .line = line_};
    if (colon != std::string_view::npos) attribute.value = std::string{value.substr(colon + 1)};
    Attributes& to = description_.media.empty() ? description_.attributes : description_.media.back().attributes;
    to.list.push_back(std::move(attribute));
    return nullptr;
  }

  const Limits& limits_;
  Description description_;
  Stage stage_ = Stage::Version;
  std::uint32_t line_ = 0;
};

}  // namespace

std::expected<Description, ParseError> parse(std::string_view text, const Limits& limits) {
  return Parser{limits}.run(text);
}

}  // namespace linnet::sdp
