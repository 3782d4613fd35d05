#include "safe_path.hpp"

#include <cstddef>

#include "output.hpp"

namespace linnet::app {
namespace {

constexpr std::size_t max_element = 240;  // leaves room for ".part" in the 255 bytes that file systems take
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_name = 1'024;

// Characters that make a name look like another one, in UTF-8: bidirectional marks, embeddings and isolates.
constexpr std::string_view misleading[] = {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
                                           "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};

std::string clean(std::string_view element) {
  std::string out;
  for (std::size_t i = 0; i < element.size();) {
    const auto rest = element.substr(i);
    std::size_t skip = 0;
    for (const auto mark : misleading)
      if (rest.starts_with(mark)) skip = mark.size();
    const auto byte = static_cast<unsigned char>(element[i]);
    if (skip == 0 && (byte < 0x20 || byte == 0x7f)) skip = 1;
    if (skip == 0) out += element[i];
    i += skip == 0 ? 1 : skip;
  }
  if (out.size() > max_element) {
    out.resize(max_element);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> safe_elements(std::string_view name) {
  // What is no UTF-8 could become a misleading character when another is taken out of its middle.
  if (name.size() > max_name || Output::well_formed(name) != name) return std::nullopt;
  std::vector<std::string> elements;
  while (!name.empty()) {
    const auto end = name.find_first_of("/\\");
    auto element = clean(name.substr(0, end));
    name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
    if (element.empty() || element == "." || element == "..") continue;
    elements.push_back(std::move(element));
  }
  if (elements.empty() || elements.size() > max_depth) return std::nullopt;
  return elements;
}

}  // namespace linnet::app
