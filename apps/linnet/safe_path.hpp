#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::app {

/// The path elements of a received file name, made safe: both slashes separate, control and direction-changing
/// characters go, and so do "", "." and "..". Nothing when nothing is left, it is no UTF-8, or it is absurdly deep or
/// long.
[[nodiscard]] std::optional<std::vector<std::string>> safe_elements(std::string_view name);

}  // namespace linnet::app
