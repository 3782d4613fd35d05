#pragma once

#include <filesystem>

namespace linnet::app {

/// Where the file of this program is, whatever it was started as; empty when the system does not tell.
[[nodiscard]] std::filesystem::path program_file();

}  // namespace linnet::app
