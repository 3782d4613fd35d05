#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace linnet {

/// An IPv4 or IPv6 address as plain bytes; knows no socket API.
class IpAddress {
 public:
  enum class Family : std::uint8_t { V4, V6 };

  constexpr IpAddress() noexcept = default;  ///< 0.0.0.0
  [[nodiscard]] static constexpr IpAddress v4(std::array<std::uint8_t, 4> bytes) noexcept {
    IpAddress a;
    for (std::size_t i = 0; i < 4; ++i) a.bytes_[i] = bytes[i];
    return a;
  }
  [[nodiscard]] static constexpr IpAddress v6(std::array<std::uint8_t, 16> bytes, std::uint32_t scope = 0) noexcept {
    IpAddress a;
    a.bytes_ = bytes;
    a.family_ = Family::V6;
    a.scope_ = scope;
    return a;
  }
  /// Reads dotted decimal or RFC 4291 text (without a zone); nothing else is an address.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const noexcept { return family_; }
  [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == Family::V4; }
  [[nodiscard]] constexpr bool is_v6() const noexcept { return family_ == Family::V6; }
  /// 4 or 16 bytes in network order.
  [[nodiscard]] constexpr std::span<const std::uint8_t> bytes() const noexcept {
    return {bytes_.data(), is_v4() ? std::size_t{4} : std::size_t{16}};
  }
  /// Interface index of a link-local IPv6 address, else 0.
  [[nodiscard]] constexpr std::uint32_t scope() const noexcept { return scope_; }
  /// The address as packets carry it, without the interface.
  [[nodiscard]] constexpr IpAddress unscoped() const noexcept {
    IpAddress a = *this;
    a.scope_ = 0;
    return a;
  }

  [[nodiscard]] bool is_unspecified() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_link_local() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;
  /// RFC 1918, RFC 4193 (unique local) and RFC 6598 (shared) ranges.
  [[nodiscard]] bool is_private() const noexcept;
  /// ::ffff:a.b.c.d becomes a.b.c.d; every other address stays as it is.
  [[nodiscard]] IpAddress unmapped() const noexcept;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_ = 0;
  Family family_ = Family::V4;
};

/// RFC 5952 text for IPv6, dotted decimal for IPv4.
[[nodiscard]] std::string to_string(const IpAddress& address);

enum class Protocol : std::uint8_t { Udp, Tcp, Tls };
[[nodiscard]] std::string_view to_string(Protocol protocol) noexcept;  ///< "udp", "tcp", "tls"

/// A transport address.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

/// "192.0.2.1:3478", "[2001:db8::1]:3478".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// Where a datagram came from or goes to: the local socket's address, the remote one, and the protocol.
struct Path {
  Endpoint local;
  Endpoint remote;
  Protocol protocol = Protocol::Udp;

  friend constexpr auto operator<=>(const Path&, const Path&) noexcept = default;
};

[[nodiscard]] std::string to_string(const Path& path);

}  // namespace linnet

template <>
struct std::hash<linnet::IpAddress> {
  std::size_t operator()(const linnet::IpAddress& address) const noexcept;
};
template <>
struct std::hash<linnet::Endpoint> {
  std::size_t operator()(const linnet::Endpoint& endpoint) const noexcept;
};
template <>
struct std::hash<linnet::Path> {
  std::size_t operator()(const linnet::Path& path) const noexcept;
};
