#pragma once

#include <string>
#include <string_view>

#include "linnet/tuning.hpp"

namespace linnet::app {

/// Carries out `--tune NAME=VALUE`: sets the member NAME of `tuning`, among those that say how data is carried. Returns
/// what is wrong, in one line, and then leaves `tuning` as it was; empty when it is done.
[[nodiscard]] std::string tune(Tuning& tuning, std::string_view setting);

/// The names that `tune` knows with their values, for the help.
[[nodiscard]] std::string tunable();

}  // namespace linnet::app
