#include "sdp/writer.hpp"

#include <cassert>
#include <initializer_list>
#include <string_view>

namespace linnet::sdp {
namespace {

class Writer {
 public:
  std::string take() { return std::move(out_); }

  /// x= and the words with one space between.
  void line(char type, std::initializer_list<std::string_view> words) {
    out_ += type;
    out_ += '=';
    bool first = true;
    for (const std::string_view word : words) {
      assert(word.find_first_of("\r\n") == std::string_view::npos);
      if (!first) out_ += ' ';
      out_ += word;
      first = false;
    }
    out_ += "\r\n";
  }
  template <class List>
  void lines(char type, const List& values) {
    for (const auto& value : values) line(type, {value});
  }
  void connection(const Connection& c) { line('c', {c.net_type, c.addr_type, c.address}); }

  void attributes(const Attributes& attributes) {
    for (const Attribute& attribute : attributes.list)
      if (attribute.value)
        line('a', {attribute.name + ":" + *attribute.value});
      else
        line('a', {attribute.name});
  }

  void media(const MediaSection& section) {
    std::string port = std::to_string(section.port);
    if (section.port_count) port += "/" + std::to_string(*section.port_count);
    std::string formats;
    for (const std::string& format : section.formats) formats += (formats.empty() ? "" : " ") + format;
    line('m', {section.kind, port, section.protocol, formats});
    if (section.title) line('i', {*section.title});
    for (const Connection& c : section.connections) connection(c);
    lines('b', section.bandwidths);
    if (section.key) line('k', {*section.key});
    attributes(section.attributes);
  }

 private:
  std::string out_;
};

}  // namespace

// RFC 8866 section 9: the order of the grammar.
std::string write(const Description& d) {
  Writer out;
  out.line('v', {"0"});
  out.line('o', {d.origin.username, d.origin.session_id, d.origin.session_version, d.origin.net_type,
                 d.origin.addr_type, d.origin.address});
  out.line('s', {d.session_name});
  if (d.information) out.line('i', {*d.information});
  if (d.uri) out.line('u', {*d.uri});
  out.lines('e', d.emails);
  out.lines('p', d.phones);
  if (d.connection) out.connection(*d.connection);
  out.lines('b', d.bandwidths);
  for (const Timing& timing : d.timings) {
    out.line('t', {timing.start, timing.stop});
    out.lines('r', timing.repeats);
  }
  if (d.time_zones) out.line('z', {*d.time_zones});
  if (d.key) out.line('k', {*d.key});
  out.attributes(d.attributes);
  for (const MediaSection& section : d.media) out.media(section);
  return out.take();
}

}  // namespace linnet::sdp
