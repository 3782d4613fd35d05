#include "io/line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace linnet::io {
namespace {

constexpr std::size_t write_size = std::size_t{64} * 1'024;
constexpr mode_t owner_only = 0600;

}  // namespace

std::expected<LineFile, std::error_code> LineFile::open(const std::string& path) {
  FileDescriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, owner_only)};
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0) return std::unexpected(std::error_code{errno, std::system_category()});
  return LineFile{std::move(fd), about.st_size == 0};
}

void LineFile::line_ended() {
  if (buffer_.size() >= write_size) flush();
}

void LineFile::flush() {
  std::string_view rest = buffer_;
  while (fd_ && !rest.empty()) {
    const auto written = ::write(fd_.get(), rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = {errno, std::system_category()};
      fd_.reset();
    }
  }
  buffer_.clear();
}

}  // namespace linnet::io
