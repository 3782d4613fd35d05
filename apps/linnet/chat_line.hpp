#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace linnet::app {

/// The text of a data line over stdio, {"text":"..."}; anything that does not begin like JSON is text as it is.
[[nodiscard]] std::optional<std::string> text_in_line(std::string_view line);

}  // namespace linnet::app
