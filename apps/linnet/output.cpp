#include "output.hpp"

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <iostream>
#include <string>
#include <utility>

namespace linnet::app {

Output::Output(bool json, bool quiet, bool events_aside)
    : json_(json),
      events_aside_(events_aside),
      quiet_(quiet),
      interactive_(!json && !quiet && isatty(STDERR_FILENO) == 1) {}

void Output::status(std::string_view text) {
  if (quiet_ || json_) return;
  erase_progress();
  std::cerr << text << std::endl;
}

void Output::error(std::string_view text) {
  erase_progress();
  std::cerr << "linnet: " << text << std::endl;
  event("error", {{"message", text}});
}

void Output::incomplete_trace(std::string_view why) {
  if (!std::exchange(told_of_trace_, true)) error("the trace is not complete: " + std::string{why});
}

void Output::data(std::string_view line) {
  if (json_ && !events_aside_) return;
  erase_progress();
  std::cout << line << std::endl;
}

void Output::event(std::string_view name, boost::json::object fields) {
  if (!json_) return;
  boost::json::object line{{"event", name}};
  for (auto& [key, value] : fields) line.insert_or_assign(key, std::move(value));
  (events_aside_ ? std::cerr : std::cout) << boost::json::serialize(line) << std::endl;
}

void Output::progress(std::string_view line) {
  if (!interactive_) return;
  erase_progress();
  if (line.empty()) return;
  // What is wider than the terminal is cut: a second line could not be erased.
  std::cerr << "\x1b[?7l" << line << "\x1b[?7h" << std::flush;
  progress_shown_ = true;
}

void Output::erase_progress() {
  if (std::exchange(progress_shown_, false)) std::cerr << "\r\x1b[K";
}

namespace {

/// The length of the well-formed UTF-8 character at the start of `text` (RFC 3629); 0 when there is none.
std::size_t character(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xc2 && lead <= 0xdf   ? 2
                           : (lead & 0xf0) == 0xe0        ? 3
                           : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                          : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

}  // namespace

std::string Output::well_formed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto size = character(text);
    out += size == 0 ? std::string_view{"\ufffd"} : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string Output::printable(std::string_view text) {
  std::string out = well_formed(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = '?';
    // C1 controls, U+0080 to U+009F, are two bytes in UTF-8; some terminals obey them.
    if (byte == 0xc2 && i + 1 < out.size()) {
      const auto next = static_cast<unsigned char>(out[i + 1]);
      if (next >= 0x80 && next <= 0x9f) out[i] = out[i + 1] = '?';
    }
  }
  return out;
}

}  // namespace linnet::app
