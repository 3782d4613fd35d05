#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "file_hash.hpp"

namespace linnet::app {

/// What to do when a file of that name is there already.
enum class Existing { Refuse, Overwrite, Rename, Resume };

/// The place of one received file: written as a part inside the folder, renamed when its hash is right. Follows no
/// symbolic link and never leaves the folder. What was there before is never truncated, replaced or deleted, except for
/// a file of that name with Overwrite; and only a part that an earlier run kept for this very file is gone on with.
/// Parts are named .NAME.part or, where that is taken, .NAME.2.part and so on; with Resume as resumable_part() says. No
/// received file is ever named like that, because safe_elements() leaves no leading dot.
class FileSink {
 public:
  /// Opens the part. What is in it already is still to be read by read_old_part(). `modified` as it was offered. The
  /// error is one line for the user.
  [[nodiscard]] static std::expected<FileSink, std::string> open(const std::filesystem::path& folder,
                                                                 std::string_view name, std::uint64_t size,
                                                                 Existing existing,
                                                                 std::optional<std::int64_t> modified = {});
  /// The part that Resume keeps and looks for: .NAME.TAG.part, where the tag stands for name, size and modification, so
  /// that nothing but an earlier try at the same file has that name.
  [[nodiscard]] static std::string resumable_part(std::string_view name, std::uint64_t size,
                                                  std::optional<std::int64_t> modified);
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
  /// Where the part is, for people.
  [[nodiscard]] std::filesystem::path part_path() const { return shown_.parent_path() / part_; }
  /// An earlier run made the part.
  [[nodiscard]] bool continues() const noexcept { return !made_part_; }
  /// Checks the hash and gives the file its name. `false`: the hash is wrong, and the part is deleted, or, when it
  /// continues(), cut back to what it was.
  [[nodiscard]] std::expected<bool, std::string> finish(std::string_view sha256);

 private:
  FileSink() = default;
  [[nodiscard]] std::expected<void, std::string> make_part();
  [[nodiscard]] std::expected<void, std::string> make_or_continue_part(std::uint64_t size,
                                                                       std::optional<std::int64_t> modified);
  [[nodiscard]] std::expected<void, std::string> lock_part(std::uint64_t size);
  [[nodiscard]] std::expected<void, std::string> claim_name();
  void close_and_delete();

  int folder_ = -1;
  int file_ = -1;
  std::string name_;
  std::string part_;
  bool made_part_ = false;
  std::filesystem::path shown_;
  std::uint64_t offset_ = 0;
  std::uint64_t bytes_ = 0;
  Existing existing_ = Existing::Refuse;
  FileHash hash_;
};

}  // namespace linnet::app
