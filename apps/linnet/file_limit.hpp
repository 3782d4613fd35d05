#pragma once

#include <cstddef>

namespace linnet::app {

/// As many open files as this process may have; tells how many.
std::size_t raise_file_limit();

}  // namespace linnet::app
