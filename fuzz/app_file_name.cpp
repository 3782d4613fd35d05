// Any text as the name of an offered file: the path made of it stays inside its folder, each of its elements is a
// plain name that shows what it is, and cleaning it again changes nothing.
#include <filesystem>
#include <string>

#include "check.hpp"
#include "output.hpp"
#include "safe_path.hpp"

using namespace linnet::app;
namespace fs = std::filesystem;

namespace {

void is_plain_name(const std::string& element) {
  require(!element.empty() && element.size() <= 230 && element != "." && element != "..");
  for (const char c : element) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    require(std::string_view{R"(/\<>:"|?*)"}.find(c) == std::string_view::npos);
  }
  require(element.front() != '.' && element.back() != '.' && element.back() != ' ');
  for (const std::string_view mark : {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
                                      "\u2028", "\u2029", "\u2066", "\u2067", "\u2068", "\u2069"})
    require(element.find(mark) == std::string::npos);
  require(Output::printable(element) == element);  // well-formed, and without controls
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto elements = safe_elements(text_of(data, size));
  if (!elements) return 0;
  require(!elements->empty() && elements->size() <= 32 && size <= 1'024);
  const fs::path folder = "/home/ann/received";
  fs::path path = folder;
  std::string joined;
  for (const auto& element : *elements) {
    is_plain_name(element);
    path /= element;
    if (!joined.empty()) joined += '/';
    joined += element;
  }
  require(path == path.lexically_normal());
  const fs::path inside = path.lexically_relative(folder);
  require(*inside.begin() != ".." && std::distance(inside.begin(), inside.end()) == std::ssize(*elements));
  require(safe_name(text_of(data, size)) == joined);
  // An underscore before the name of a device makes it longer.
  if (joined.size() <= 1'024) require(safe_elements(joined) == elements);
  return 0;
}
