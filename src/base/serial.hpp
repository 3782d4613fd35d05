#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>

namespace linnet {

/// RFC 1982 serial number arithmetic: wraps around, and `a < b` holds when b is less than half the
/// space ahead of a. Distances of exactly half the space are "not before" in both directions.
template <class Tag, std::unsigned_integral T>
class Serial {
 public:
  using Value = T;
  using Difference = std::make_signed_t<T>;

  constexpr Serial() noexcept = default;
  constexpr explicit Serial(T value) noexcept : value_(value) {}
  [[nodiscard]] constexpr T value() const noexcept { return value_; }

  /// How far `a` is ahead of `b` (negative: behind).
  [[nodiscard]] friend constexpr Difference operator-(Serial a, Serial b) noexcept {
    return static_cast<Difference>(static_cast<T>(a.value_ - b.value_));
  }
  [[nodiscard]] friend constexpr Serial operator+(Serial a, T n) noexcept {
    return Serial{static_cast<T>(a.value_ + n)};
  }
  [[nodiscard]] friend constexpr Serial operator-(Serial a, T n) noexcept {
    return Serial{static_cast<T>(a.value_ - n)};
  }
  constexpr Serial& operator++() noexcept {
    value_ = static_cast<T>(value_ + 1);
    return *this;
  }
  constexpr Serial& operator+=(T n) noexcept { return *this = *this + n; }

  [[nodiscard]] friend constexpr bool operator==(Serial, Serial) noexcept = default;
  [[nodiscard]] friend constexpr bool operator<(Serial a, Serial b) noexcept { return before(a, b); }
  [[nodiscard]] friend constexpr bool operator>(Serial a, Serial b) noexcept { return before(b, a); }
  [[nodiscard]] friend constexpr bool operator<=(Serial a, Serial b) noexcept { return a == b || before(a, b); }
  [[nodiscard]] friend constexpr bool operator>=(Serial a, Serial b) noexcept { return a == b || before(b, a); }

 private:
  static constexpr bool before(Serial a, Serial b) noexcept {
    const T ahead = static_cast<T>(b.value_ - a.value_);
    return ahead != 0 && ahead < static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  }
  T value_{};
};

template <class Tag>
using Serial32 = Serial<Tag, unsigned int>;
template <class Tag>
using Serial16 = Serial<Tag, unsigned short>;

}  // namespace linnet

template <class Tag, class T>
struct std::hash<linnet::Serial<Tag, T>> {
  std::size_t operator()(const linnet::Serial<Tag, T>& v) const noexcept { return std::hash<T>{}(v.value()); }
};
