#pragma once

#include <string>

namespace linnet::app {

// Each gives the file `from` of an open folder the name `to`, unless something has that name: then nothing changes and
// the answer is EEXIST. 0 when it is done, else an errno. A FileSink calls them when the content is right.

/// The best of those below that the file system knows.
[[nodiscard]] int exclusive_rename(int folder, const std::string& from, const std::string& to);

[[nodiscard]] int rename_at_once(int folder, const std::string& from, const std::string& to);  ///< Linux.
[[nodiscard]] int rename_by_link(int folder, const std::string& from, const std::string& to);  ///< Needs hard links.
/// Takes the name with an empty file first, which is then replaced.
[[nodiscard]] int rename_over_placeholder(int folder, const std::string& from, const std::string& to);

/// Whether `name` in an open folder is still the open file.
[[nodiscard]] bool is_named(int file, int folder, const std::string& name);

}  // namespace linnet::app
