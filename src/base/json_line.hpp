#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace linnet {

/// Appends JSON objects on one line to a text. For the trace, which must not need a library of the runtime's.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) noexcept : out_(&out) {}

  JsonLine& begin(std::string_view name = {}) {
    key(name);
    return open('{');
  }
  JsonLine& begin_array(std::string_view name) {
    key(name);
    return open('[');
  }
  JsonLine& end() { return close('}'); }
  JsonLine& end_array() { return close(']'); }

  /// A text with control characters, or one that is no UTF-8, is made valid.
  JsonLine& text(std::string_view name, std::string_view value);
  JsonLine& flag(std::string_view name, bool value);
  template <class Integer>
    requires std::is_unsigned_v<Integer>
  JsonLine& number(std::string_view name, Integer value) {
    return integer(name, value);
  }
  /// Milliseconds with three decimals.
  JsonLine& milliseconds(std::string_view name, std::int64_t microseconds);

 private:
  void key(std::string_view name);
  void string(std::string_view value);
  JsonLine& integer(std::string_view name, std::uint64_t value);
  JsonLine& open(char bracket);
  JsonLine& close(char bracket);

  std::string* out_;
  bool first_ = true;
};

}  // namespace linnet
