#include "output.hpp"

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <iostream>
#include <string>
#include <utility>

namespace linnet::app {

Output::Output(bool json, bool quiet)
    : json_(json), quiet_(quiet), interactive_(!json && !quiet && isatty(STDERR_FILENO) == 1) {}

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

void Output::data(std::string_view line) {
  if (json_) return;
  erase_progress();
  std::cout << line << std::endl;
}

void Output::event(std::string_view name, boost::json::object fields) {
  if (!json_) return;
  boost::json::object line{{"event", name}};
  for (auto& [key, value] : fields) line.insert_or_assign(key, std::move(value));
  std::cout << boost::json::serialize(line) << std::endl;
}

void Output::progress(std::string_view line) {
  if (!interactive_) return;
  erase_progress();
  if (line.empty()) return;
  std::cerr << line << std::flush;
  progress_shown_ = true;
}

void Output::erase_progress() {
  if (std::exchange(progress_shown_, false)) std::cerr << "\r\x1b[K";
}

std::string Output::printable(std::string_view text) {
  std::string out{text};
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
