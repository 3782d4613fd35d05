#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::app {

/// The path elements of a received file name, made safe: both slashes separate; control and direction-changing
/// characters go, and so do "", "." and ".."; what hides a file, or means something else on another system (a leading
/// dot, `a:b`, a trailing dot or space, NUL), gets an underscore. Nothing when nothing is left, it is no UTF-8, or it
/// is absurdly deep or long.
[[nodiscard]] std::optional<std::vector<std::string>> safe_elements(std::string_view name);

/// These elements with slashes between: the name that a person is shown, because it is the one that is saved. Empty
/// when there are none.
[[nodiscard]] std::string safe_name(std::string_view name);

}  // namespace linnet::app
