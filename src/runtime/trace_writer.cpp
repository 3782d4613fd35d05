#include "runtime/trace_writer.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include "io/clock.hpp"

namespace linnet::runtime {
namespace {

Result<> open_file(std::optional<io::LineFile>& file, const std::string& path) {
  if (path.empty()) return {};
  auto opened = io::LineFile::open(path);
  if (!opened) return fail(ErrorName::OperationError, path + ": " + opened.error().message());
  file = std::move(*opened);
  return {};
}

}  // namespace

Result<std::unique_ptr<TraceWriter>> TraceWriter::open(const Tuning& tuning, Generator& generator) {
  auto writer = std::make_unique<TraceWriter>();
  if (auto opened = open_file(writer->trace_, tuning.trace); !opened) return std::unexpected(std::move(opened).error());
  if (auto opened = open_file(writer->key_log_, tuning.key_log); !opened)
    return std::unexpected(std::move(opened).error());
  writer->trace_path_ = tuning.trace;
  writer->key_log_path_ = tuning.key_log;
  writer->wall_clock_ = std::chrono::system_clock::now().time_since_epoch() - io::SteadyClock::now().time_since_epoch();
  std::uint32_t id = generator.next_u32();
  constexpr std::string_view digits = "0123456789abcdef";
  for (int i = 0; i < 8; ++i, id >>= 4U) writer->group_ += digits[id & 15U];
  if (writer->trace_ && writer->trace_->was_empty()) {
    (writer->trace_->buffer() += trace::qlog_header("linnet")) += '\n';
    writer->flush();
    if (writer->failure_) return std::unexpected(*writer->failure_);
  }
  return writer;
}

void TraceWriter::drain(Session& session) {
  while (const auto record = session.poll_trace()) {
    trace::append_qlog(trace_->buffer(), *record, wall_clock_, group_);
    trace_->line_ended();
  }
  while (const auto line = session.poll_key_log()) {
    (key_log_->buffer() += *line) += '\n';
    key_log_->line_ended();
  }
}

void TraceWriter::flush() {
  if (trace_) {
    trace_->flush();
    note_failure(*trace_, trace_path_);
  }
  if (key_log_) {
    key_log_->flush();
    note_failure(*key_log_, key_log_path_);
  }
}

void TraceWriter::note_failure(const io::LineFile& file, const std::string& path) {
  if (failure_ || !file.error()) return;
  failure_ = Error{.name = ErrorName::OperationError, .message = path + ": " + file.error().message()};
}

}  // namespace linnet::runtime
