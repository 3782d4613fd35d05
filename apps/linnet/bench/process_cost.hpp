#pragma once

#include <cstddef>

namespace linnet::app::bench {

/// User and system time of this process so far, in seconds.
[[nodiscard]] double cpu_seconds();
/// Memory that is this process's alone (private dirty pages), in KiB; 0 where the system does not tell.
[[nodiscard]] std::size_t private_kb();
/// Gives freed memory back to the system, so that growth from here on is what is in use.
void trim_memory();

}  // namespace linnet::app::bench
