#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "linnet/core/datagram.hpp"

namespace linnet::io {

/// Control data beside one message: room for the few fields that linnet reads and writes.
struct alignas(cmsghdr) Ancillary {
  static constexpr std::size_t capacity = 128;
  std::byte bytes[capacity];
};

template <class T>
[[nodiscard]] T ancillary_value(const cmsghdr& field) noexcept {
  T value{};
  std::memcpy(&value, CMSG_DATA(&field), sizeof value);
  return value;
}

/// Appends one field; `header.msg_control` points to an Ancillary.
template <class T>
void append_ancillary(msghdr& header, int level, int type, T value) noexcept {
  auto* at = static_cast<std::byte*>(header.msg_control) + header.msg_controllen;
  cmsghdr field{};
  field.cmsg_level = level;
  field.cmsg_type = type;
  field.cmsg_len = CMSG_LEN(sizeof value);
  std::memset(at, 0, CMSG_SPACE(sizeof value));
  std::memcpy(at, &field, sizeof field);
  std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

inline void append_ecn(msghdr& header, bool v4, Ecn ecn) noexcept {
  if (ecn == Ecn::NotEct) return;
  if (v4)
    append_ancillary(header, IPPROTO_IP, IP_TOS, static_cast<int>(ecn));
  else
    append_ancillary(header, IPPROTO_IPV6, IPV6_TCLASS, static_cast<int>(ecn));
}

/// The ECN bits in one received control field, if that is what it is.
[[nodiscard]] inline bool read_ecn(const cmsghdr& field, Ecn& ecn) noexcept {
  constexpr unsigned mask = 3;
  if (field.cmsg_level == IPPROTO_IP && (field.cmsg_type == IP_TOS || field.cmsg_type == IP_RECVTOS)) {
    ecn = static_cast<Ecn>(ancillary_value<std::uint8_t>(field) & mask);
    return true;
  }
  if (field.cmsg_level == IPPROTO_IPV6 && field.cmsg_type == IPV6_TCLASS) {
    ecn = static_cast<Ecn>(static_cast<unsigned>(ancillary_value<int>(field)) & mask);
    return true;
  }
  return false;
}

}  // namespace linnet::io
