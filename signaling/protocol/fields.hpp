#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linnet::signaling {

// Reading members of a JSON object that another program wrote.

/// The member as a string; nullptr when absent or of another type.
[[nodiscard]] inline const boost::json::string* find_string(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_string() : nullptr;
}
[[nodiscard]] inline std::string string_or_empty(const boost::json::object& object, std::string_view key) {
  const auto* text = find_string(object, key);
  return text ? std::string(text->data(), text->size()) : std::string();
}
[[nodiscard]] inline const boost::json::object* find_object(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}
[[nodiscard]] inline const boost::json::array* find_array(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_array() : nullptr;
}
/// The member as an integer from 0; also when it was written as 5.0 or is any number above.
[[nodiscard]] inline std::optional<std::uint64_t> find_uint(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return std::nullopt;
  if (const auto* u = value->if_uint64()) return *u;
  if (const auto* i = value->if_int64(); i && *i >= 0) return static_cast<std::uint64_t>(*i);
  if (const auto* d = value->if_double(); d && *d >= 0 && *d < 9e15) return static_cast<std::uint64_t>(*d);
  return std::nullopt;
}
/// Absent and null are the same here.
[[nodiscard]] inline bool has_value(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && !value->is_null();
}

}  // namespace linnet::signaling
