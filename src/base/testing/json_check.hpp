#pragma once

#include <cctype>
#include <cstddef>
#include <string_view>

namespace linnet::testing {

/// Says whether a text is one JSON value (RFC 8259). For tests of what we write.
class JsonCheck {
 public:
  [[nodiscard]] static bool is_json(std::string_view text) {
    JsonCheck check{text};
    return check.value() && check.rest_.empty();
  }

 private:
  explicit JsonCheck(std::string_view text) : rest_(text) {}

  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  bool value() {
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{': return list('{', '}', [this] { return string() && take(":") && value(); });
      case '[': return list('[', ']', [this] { return value(); });
      case '"': return string();
      default: return take("true") || take("false") || take("null") || number();
    }
  }
  template <class Item>
  bool list(char open, char close, Item item) {
    if (!take({&open, 1})) return false;
    if (take({&close, 1})) return true;
    do {
      if (!item()) return false;
    } while (take(","));
    return take({&close, 1});
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        constexpr std::string_view escapes = "\"\\/bfnrtu";
        if (rest_.size() < 2 || escapes.find(rest_[1]) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
      }
      rest_.remove_prefix(1);
    }
    return take("\"");
  }
  std::size_t digits() {
    std::size_t count = 0;
    for (; !rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0; ++count)
      rest_.remove_prefix(1);
    return count;
  }
  bool number() {
    (void)take("-");
    return digits() != 0 && (!take(".") || digits() != 0);
  }

  std::string_view rest_;
};

}  // namespace linnet::testing
