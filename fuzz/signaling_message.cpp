// The parsers of linnet.1: a client's frame, a signal's body, and writing what was read.
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <string_view>

#include "protocol/client_message.hpp"

using namespace linnet::signaling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Limits limits;
  if (const auto message = parse_client_message(text, limits)) {
    if (const auto* signal = std::get_if<SignalRequest>(&message->body)) {
      // What the server forwards must be readable, and mean the same.
      const auto again = parse_signal_body(signal->body);
      if (!again || to_json(*again) != signal->body || !is_valid_id(signal->to)) std::abort();
    }
    if (const auto* join = std::get_if<JoinRequest>(&message->body); join && !is_valid_id(join->room)) std::abort();
  }
  if (const auto body = parse_signal_line(text)) {
    const auto again = parse_signal_line(to_line(*body));
    if (!again || *again != *body) std::abort();
  }
  return 0;
}
