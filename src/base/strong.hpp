#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace linnet {

/// A number with a meaning: `using StreamId = Strong<struct StreamIdTag, std::uint16_t>;`.
/// Converts only explicitly, compares and hashes like its value.
template <class Tag, class T>
class Strong {
 public:
  using Value = T;
  constexpr Strong() noexcept = default;
  constexpr explicit Strong(T value) noexcept : value_(value) {}
  [[nodiscard]] constexpr T value() const noexcept { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) noexcept = default;

 private:
  T value_{};
};

}  // namespace linnet

template <class Tag, class T>
struct std::hash<linnet::Strong<Tag, T>> {
  std::size_t operator()(const linnet::Strong<Tag, T>& v) const noexcept { return std::hash<T>{}(v.value()); }
};
