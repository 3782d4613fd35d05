#include "base/json_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace linnet {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

/// The length of the UTF-8 character at the beginning of `text` (RFC 3629 section 4); 0 when there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0U) != 0x80) return 0;
  // No overlong forms, no surrogates, nothing above U+10FFFF.
  const bool wrong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F) ||
                     (lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F);
  return wrong ? 0 : length;
}

}  // namespace

void JsonLine::key(std::string_view name) {
  if (!first_) *out_ += ',';
  first_ = false;
  if (name.empty()) return;
  string(name);
  *out_ += ':';
}

JsonLine& JsonLine::open(char bracket) {
  *out_ += bracket;
  first_ = true;
  return *this;
}

JsonLine& JsonLine::close(char bracket) {
  *out_ += bracket;
  first_ = false;
  return *this;
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  key(name);
  string(value);
  return *this;
}

void JsonLine::string(std::string_view value) {
  *out_ += '"';
  while (!value.empty()) {
    const char c = value.front();
    const std::size_t length = std::max<std::size_t>(utf8_length(value), 1);
    if (c == '"' || c == '\\') {
      (*out_ += '\\') += c;
    } else if (const auto code = static_cast<unsigned char>(c); code < 0x20 || code == 0x7F) {
      ((*out_ += "\\u00") += hex[code >> 4U]) += hex[code & 15U];
    } else if (utf8_length(value) == 0) {
      *out_ += "\\ufffd";
    } else {
      *out_ += value.substr(0, length);
    }
    value.remove_prefix(length);
  }
  *out_ += '"';
}

JsonLine& JsonLine::flag(std::string_view name, bool value) {
  key(name);
  *out_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::integer(std::string_view name, std::uint64_t value) {
  key(name);
  *out_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::milliseconds(std::string_view name, std::int64_t microseconds) {
  key(name);
  if (microseconds < 0) *out_ += '-';
  const auto size = static_cast<std::uint64_t>(microseconds < 0 ? -microseconds : microseconds);
  std::array<char, 4> rest{'.', '0', '0', '0'};
  for (std::uint64_t i = 3, left = size % 1'000; i > 0; --i, left /= 10) rest[i] = static_cast<char>('0' + left % 10);
  (*out_ += std::to_string(size / 1'000)).append(rest.data(), rest.size());
  return *this;
}

}  // namespace linnet
