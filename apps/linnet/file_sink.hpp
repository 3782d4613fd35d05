#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "file_hash.hpp"

namespace linnet::app {

/// What to do when a file of that name is there already.
enum class Existing { Refuse, Overwrite, Rename, Resume };

/// The place of one received file: written as NAME.part inside the folder, renamed when its hash is right. Follows no
/// symbolic link and never leaves the folder. Without `keep_part` an unfinished part is deleted at the end.
class FileSink {
 public:
  /// Opens the part. What is in it already is still to be read by read_old_part(). The error is one line for the user.
  [[nodiscard]] static std::expected<FileSink, std::string> open(const std::filesystem::path& folder,
                                                                 std::string_view name, std::uint64_t size,
                                                                 Existing existing);
  FileSink(FileSink&& other) noexcept;
  FileSink& operator=(FileSink&&) = delete;
  ~FileSink();

  /// How much an earlier part had already: where the sender should go on.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// What is read of the old part or written after it.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Where the file is or will be, for people.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return shown_; }

  /// Reads on in what an earlier part had, for the hash: at most `slice` bytes, so that others get their turn between
  /// two calls. `true`: all of it is read, and write() may begin.
  [[nodiscard]] std::expected<bool, std::string> read_old_part();
  static constexpr std::size_t slice = std::size_t{1} << 20;

  [[nodiscard]] std::expected<void, std::string> write(std::span<const std::byte> bytes);
  /// Checks the hash and gives the file its name. `false`: the hash is wrong and the part is deleted.
  [[nodiscard]] std::expected<bool, std::string> finish(std::string_view sha256);

 private:
  FileSink() = default;
  [[nodiscard]] std::expected<void, std::string> claim_name();

  int folder_ = -1;
  int file_ = -1;
  std::string name_;
  std::filesystem::path shown_;
  std::uint64_t offset_ = 0;
  std::uint64_t bytes_ = 0;
  Existing existing_ = Existing::Refuse;
  FileHash hash_;
};

}  // namespace linnet::app
