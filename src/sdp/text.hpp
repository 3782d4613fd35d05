#pragma once

#include <string_view>
#include <vector>

namespace linnet::sdp {

/// The words of a line: separated by one or more spaces, none of them empty. At most `limit` of them; the
/// last then holds the rest of the line.
[[nodiscard]] inline std::vector<std::string_view> words(std::string_view text, std::size_t limit = 4'096) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos || out.size() + 1 == limit) {
      while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
      out.push_back(text);
      return out;
    }
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace linnet::sdp
