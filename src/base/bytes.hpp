#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace linnet {

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span{text.data(), text.size()});
}
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load_be(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  return value;
}
template <std::unsigned_integral T>
inline void store_be(std::byte* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

/// Reads network-order numbers from borrowed bytes. One check at the end is enough: a read past the
/// end yields zeros (or an empty span) and makes `ok()` false for good; nothing is ever out of bounds.
class ByteReader {
 public:
  constexpr explicit ByteReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
  [[nodiscard]] std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
  [[nodiscard]] std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
  [[nodiscard]] std::uint64_t u64() noexcept { return number<std::uint64_t>(); }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t size) noexcept {
    if (!need(size)) return {};
    const auto out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  void skip(std::size_t size) noexcept { (void)bytes(size); }

  [[nodiscard]] constexpr std::span<const std::byte> rest() const noexcept { return rest_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept { return rest_.size(); }
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }

 private:
  [[nodiscard]] bool need(std::size_t size) noexcept {
    if (size <= rest_.size()) return true;
    ok_ = false;
    rest_ = {};
    return false;
  }
  template <class T>
  [[nodiscard]] T number() noexcept {
    if (!need(sizeof(T))) return 0;
    const T value = load_be<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

/// Writes network-order numbers into borrowed memory. A write that does not fit is dropped whole and
/// makes `ok()` false for good.
class ByteWriter {
 public:
  constexpr explicit ByteWriter(std::span<std::byte> out) noexcept : out_(out) {}

  void u8(std::uint8_t v) noexcept { number(v); }
  void u16(std::uint16_t v) noexcept { number(v); }
  void u32(std::uint32_t v) noexcept { number(v); }
  void u64(std::uint64_t v) noexcept { number(v); }
  void bytes(std::span<const std::byte> in) noexcept {
    if (!need(in.size())) return;
    if (!in.empty()) std::memcpy(out_.data() + size_, in.data(), in.size());
    size_ += in.size();
  }
  void zeros(std::size_t size) noexcept {
    if (!need(size)) return;
    if (size != 0) std::memset(out_.data() + size_, 0, size);
    size_ += size;
  }
  /// Overwrites two bytes already written, for lengths that are known late.
  void patch_u16(std::size_t at, std::uint16_t v) noexcept {
    if (at + 2 <= size_)
      store_be(out_.data() + at, v);
    else
      ok_ = false;
  }
  void patch_u32(std::size_t at, std::uint32_t v) noexcept {
    if (at + 4 <= size_)
      store_be(out_.data() + at, v);
    else
      ok_ = false;
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr std::size_t room() const noexcept { return out_.size() - size_; }
  [[nodiscard]] constexpr std::span<std::byte> written() const noexcept { return out_.first(size_); }
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }

 private:
  [[nodiscard]] bool need(std::size_t size) noexcept {
    if (ok_ && size <= room()) return true;
    ok_ = false;
    return false;
  }
  template <class T>
  void number(T value) noexcept {
    if (!need(sizeof(T))) return;
    store_be(out_.data() + size_, value);
    size_ += sizeof(T);
  }
  std::span<std::byte> out_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace linnet
