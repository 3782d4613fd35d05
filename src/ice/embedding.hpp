#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace linnet::ice {

/// What connectivity checks and their responses carry for the owner besides (draft-hancke-webrtc-sped). The agent does
/// not look into it.
struct Embedding {
  /// One of them in each message, in turn. Empty: an attribute without a value, or none.
  std::vector<std::vector<std::byte>> data{};
  bool data_if_empty = false;
  std::vector<std::uint32_t> acknowledged{};  ///< In each message, even when there are none.
};

/// What an authenticated check or response of the peer carried.
struct Embedded {
  std::optional<std::vector<std::byte>> data{};
  std::optional<std::vector<std::uint32_t>> acknowledged{};
};

}  // namespace linnet::ice
