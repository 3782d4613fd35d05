#pragma once

#include <cstddef>
#include <cstdint>

namespace linnet::sim {

/// Counters of the process's memory. A program that calls any of these gets this file's operator new.
/// Takes account of operator new in every thread.
[[nodiscard]] std::uint64_t allocations() noexcept;  ///< Calls of operator new so far.
[[nodiscard]] std::int64_t live_bytes() noexcept;    ///< Bytes that operator new gave and nobody gave back.
/// Bytes in use of malloc, which C libraries call too; 0 where a sanitizer replaces malloc. Slow.
[[nodiscard]] std::int64_t heap_bytes() noexcept;

}  // namespace linnet::sim
