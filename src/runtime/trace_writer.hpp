#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "io/line_file.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/session.hpp"
#include "linnet/tuning.hpp"

namespace linnet::runtime {

/// Writes what one session recorded to the files of Tuning::trace and Tuning::key_log. Owned by its Host, which lets it
/// drain after each input and flush at the end of each pump; lives on its executor.
class TraceWriter {
 public:
  /// More than one batch of datagrams can bring about.
  static constexpr std::size_t max_records = 8'192;

  /// OperationError with the path and the reason when a file cannot be opened, or not take its first line.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> open(const Tuning& tuning, Generator& generator);

  void drain(Session& session);
  void flush();
  /// Why a file lacks something; the first of both.
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  void note_failure(const io::LineFile& file, const std::string& path);

  std::optional<io::LineFile> trace_;
  std::optional<io::LineFile> key_log_;
  std::string trace_path_;
  std::string key_log_path_;
  std::optional<Error> failure_;
  std::chrono::nanoseconds wall_clock_{};
  std::string group_;
};

}  // namespace linnet::runtime
