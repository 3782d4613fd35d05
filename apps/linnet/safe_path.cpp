#include "safe_path.hpp"

#include <algorithm>
#include <cstddef>

#include "output.hpp"

namespace linnet::app {
namespace {

constexpr std::size_t max_element = 230;  // leaves room for what a part's name has besides, in the 255 bytes of a name
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_name = 1'024;

// Characters that make a name look like another one, in UTF-8: bidirectional marks, embeddings and isolates, and what
// ends a line.
constexpr std::string_view misleading[] = {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b",
                                           "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};

// What Windows and the file systems that it shares take for a device, whatever follows the first dot.
constexpr std::string_view devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"};
// These with one digit, which may be a superscript one.
constexpr std::string_view ports[] = {"com", "lpt"};
constexpr std::string_view superscripts[] = {"\u00b9", "\u00b2", "\u00b3"};

// How many bytes of the start of `rest` have no place in a name.
std::size_t unwanted(std::string_view rest) {
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  // C1 controls, U+0080 to U+009F.
  if (byte == 0xc2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) <= 0x9f) return 2;
  for (const auto mark : misleading)
    if (rest.starts_with(mark)) return mark.size();
  return 0;
}

void cut(std::string& name) {
  if (name.size() <= max_element) return;
  name.resize(max_element);
  while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xc0) == 0x80) name.pop_back();
  if (!name.empty() && static_cast<unsigned char>(name.back()) >= 0xc0) name.pop_back();
}

bool is_device(std::string_view name) {
  std::string stem{name.substr(0, name.find('.'))};
  while (stem.ends_with(' ')) stem.pop_back();
  for (char& c : stem)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (std::ranges::find(devices, stem) != std::end(devices)) return true;
  for (const auto port : ports) {
    if (!stem.starts_with(port)) continue;
    const auto number = std::string_view{stem}.substr(port.size());
    if (number.size() == 1 && number[0] >= '0' && number[0] <= '9') return true;
    if (std::ranges::find(superscripts, number) != std::end(superscripts)) return true;
  }
  return false;
}

// An element that shows what it is and means the same on every system; empty when it is no name.
std::string clean(std::string_view element) {
  std::string out;
  while (!element.empty()) {
    const auto skip = unwanted(element);
    // A drive, a stream or a pattern elsewhere, and so no part of a name there.
    if (skip == 0) out += std::string_view{R"(<>:"|?*)"}.contains(element[0]) ? '_' : element[0];
    element.remove_prefix(std::max<std::size_t>(skip, 1));
  }
  if (out.find_first_not_of(". ") == std::string::npos) return {};  // Windows reads ".. " as ".."
  // Nothing hidden comes unseen, and the names of parts, which begin with a dot, are nobody else's.
  if (out.front() == '.') out.front() = '_';
  // Cutting can uncover what has to be replaced, and a longer name may have to be cut.
  for (std::string before; before != out;) {
    before = out;
    cut(out);
    if (out.back() == '.' || out.back() == ' ') out.back() = '_';  // Windows drops these
    if (is_device(out)) out.insert(out.begin(), '_');
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
    if (!element.empty()) elements.push_back(std::move(element));
  }
  if (elements.empty() || elements.size() > max_depth) return std::nullopt;
  return elements;
}

std::string safe_name(std::string_view name) {
  std::string out;
  const auto elements = safe_elements(name);
  if (!elements) return out;
  for (const auto& element : *elements) {
    if (!out.empty()) out += '/';
    out += element;
  }
  return out;
}

}  // namespace linnet::app
