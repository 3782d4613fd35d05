#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "linnet/signaling/server.hpp"

namespace linnet::signaling {

/// One file as it goes out.
struct StaticFile {
  std::string content;
  std::string_view mime_type;
  std::string etag;
};

/// Finds the web app's files, in a folder or in memory. Owned by the server. Nothing outside of the folder can
/// be read through it, and no hidden file.
class StaticFiles {
 public:
  StaticFiles(const std::string& root, std::span<const EmbeddedFile> embedded);

  /// `path` is the target's path without query, still percent-encoded. "/" and "/r/ROOM" are the app's page.
  [[nodiscard]] std::optional<StaticFile> find(std::string_view path) const;

 private:
  [[nodiscard]] std::optional<StaticFile> read(const std::string& path) const;

  std::filesystem::path root_;
  std::span<const EmbeddedFile> embedded_;
};

[[nodiscard]] std::string_view mime_type(std::string_view path) noexcept;
/// nullopt for a broken escape or a zero byte.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace linnet::signaling
