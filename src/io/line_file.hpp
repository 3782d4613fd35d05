#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <system_error>
#include <utility>

#include "io/file_descriptor.hpp"

namespace linnet::io {

/// A file that lines are appended to, with whole lines in each write, so that several writers may share it. What cannot
/// be written (the disk is full) is lost, nothing is tried after it, and `error` says why. For traces.
class LineFile {
 public:
  /// Made, if it is not there, for its owner's eyes only.
  [[nodiscard]] static std::expected<LineFile, std::error_code> open(const std::string& path);
  LineFile(LineFile&&) noexcept = default;
  LineFile& operator=(LineFile&&) noexcept = default;
  ~LineFile() { flush(); }

  /// Whether nothing was in it when it was opened.
  [[nodiscard]] bool was_empty() const noexcept { return was_empty_; }
  /// What is appended here, line ends included, is written later.
  [[nodiscard]] std::string& buffer() noexcept { return buffer_; }
  /// The buffer ends with a whole line: writes it when there is enough.
  void line_ended();
  void flush();
  /// Why a write failed; false while none did.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  LineFile(FileDescriptor fd, bool was_empty) noexcept : fd_(std::move(fd)), was_empty_(was_empty) {}

  FileDescriptor fd_;
  bool was_empty_;
  std::string buffer_;
  std::error_code error_;
};

}  // namespace linnet::io
