#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <functional>
#include <string>

#include "file_sink.hpp"

namespace linnet::app {

/// Reads what an earlier part had, slice by slice, and lets others on the executor have their turn between two of them:
/// a connection lives on however large the part is. `false`: `wanted` gave up before the end. The error is one line for
/// the user.
[[nodiscard]] boost::asio::awaitable<std::expected<bool, std::string>> read_old_part(FileSink& sink,
                                                                                     std::function<bool()> wanted);

}  // namespace linnet::app
