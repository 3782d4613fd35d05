#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::sdp {

/// One a= line. Unknown ones are kept as they are, in their order.
struct Attribute {
  std::string name;
  std::optional<std::string> value{};  ///< Empty for a property attribute such as a=ice-lite.
  std::uint32_t line = 0;              ///< Where it stood, from 1; 0 when it was not read from text.

  friend bool operator==(const Attribute& a, const Attribute& b) { return a.name == b.name && a.value == b.value; }
};

/// A list of attributes with look-ups; the order is the order of the text.
class Attributes {
 public:
  [[nodiscard]] const Attribute* find(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// The first one's value; empty when there is none (or it has no value).
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;

  void add(std::string name) { list.push_back({.name = std::move(name)}); }
  void add(std::string name, std::string value) {
    list.push_back({.name = std::move(name), .value = std::move(value)});
  }
  void remove(std::string_view name);

  std::vector<Attribute> list;

  friend bool operator==(const Attributes&, const Attributes&) = default;
};

/// RFC 8866 section 5.2. The two numbers stay text: their size is not bounded by the grammar.
struct Origin {
  std::string username = "-";
  std::string session_id;
  std::string session_version;
  std::string net_type = "IN";
  std::string addr_type = "IP4";
  std::string address = "127.0.0.1";

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// RFC 8866 section 5.7.
struct Connection {
  std::string net_type = "IN";
  std::string addr_type = "IP4";
  std::string address = "0.0.0.0";

  friend bool operator==(const Connection&, const Connection&) = default;
};

/// RFC 8866 section 5.9 with its r= lines (kept as text).
struct Timing {
  std::string start = "0";
  std::string stop = "0";
  std::vector<std::string> repeats{};

  friend bool operator==(const Timing&, const Timing&) = default;
};

/// One m= section, RFC 8866 section 5.14.
struct MediaSection {
  std::string kind;  ///< "application", "audio", "video", ...
  std::uint16_t port = 0;
  std::optional<std::uint32_t> port_count{};
  std::string protocol;                ///< "UDP/DTLS/SCTP", ...
  std::vector<std::string> formats;    ///< At least one.
  std::optional<std::string> title{};  ///< i=
  std::vector<Connection> connections{};
  std::vector<std::string> bandwidths{};  ///< b=
  std::optional<std::string> key{};       ///< k=
  Attributes attributes{};
  std::uint32_t line = 0;  ///< Of the m= line, from 1; 0 when not read from text.

  friend bool operator==(const MediaSection& a, const MediaSection& b);
};

/// A session description as RFC 8866 sections 5 and 9 have it: plain data, no negotiation.
struct Description {
  Origin origin{};
  std::string session_name = "-";
  std::optional<std::string> information{};
  std::optional<std::string> uri{};
  std::vector<std::string> emails{};
  std::vector<std::string> phones{};
  std::optional<Connection> connection{};
  std::vector<std::string> bandwidths{};
  std::vector<Timing> timings{Timing{}};
  std::optional<std::string> time_zones{};
  std::optional<std::string> key{};
  Attributes attributes{};
  std::vector<MediaSection> media{};

  friend bool operator==(const Description&, const Description&) = default;
};

}  // namespace linnet::sdp
