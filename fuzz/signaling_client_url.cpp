// Any text as a signaling server's address: what is read can be connected to, and the address written from it reads
// the same. A room is what was written, percent-encoded or not.
#include <string>

#include "check.hpp"
#include "client/url.hpp"

using namespace linnet;
using namespace linnet::signaling;

namespace {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  const auto url = parse_url(text);
  if (!url) {
    require(url.error().name == ErrorName::SyntaxError && url.error().message.size() < 400);
    return 0;
  }
  require(!url->host.empty() && url->host.size() <= 255 && url->port != 0 && url->target == "/v1/ws");
  for (const char c : url->authority()) require(static_cast<unsigned char>(c) > ' ' && c != '/' && c != '@');
  require(!url->room || !url->room->empty());
  std::string written = url->text();
  if (url->room) written += "/r/" + percent_encoded(*url->room);
  const auto again = parse_url(written);
  require(again && again->tls == url->tls && again->host == url->host && again->port == url->port &&
          again->target == url->target && again->room == url->room);
  return 0;
}
