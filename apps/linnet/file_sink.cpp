#include "file_sink.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "safe_path.hpp"

namespace linnet::app {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

// Opens or makes one folder below `parent`, never through a symbolic link.
int enter(int parent, const std::string& element) {
  if (::mkdirat(parent, element.c_str(), 0777) != 0 && errno != EEXIST) return -1;
  return ::openat(parent, element.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool exists(int folder, const std::string& name) {
  struct stat info{};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

// "photo.jpg" -> "photo (2).jpg"
std::string numbered(const std::string& name, int number) {
  const std::filesystem::path path{name};
  return path.stem().string() + " (" + std::to_string(number) + ")" + path.extension().string();
}

}  // namespace

std::expected<FileSink, std::string> FileSink::open(const std::filesystem::path& folder, std::string_view name,
                                                    std::uint64_t size, Existing existing) {
  auto elements = safe_elements(name);
  if (!elements) return std::unexpected("the offered name is not a file name");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  FileSink sink;
  sink.existing_ = existing;
  sink.folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (sink.folder_ < 0) return std::unexpected("cannot write to " + folder.string() + ": " + reason(errno));
  sink.shown_ = folder;
  for (std::size_t i = 0; i + 1 < elements->size(); ++i) {
    const int next = enter(sink.folder_, (*elements)[i]);
    sink.shown_ /= (*elements)[i];
    if (next < 0) return std::unexpected("cannot make the folder " + sink.shown_.string() + ": " + reason(errno));
    ::close(std::exchange(sink.folder_, next));
  }
  sink.name_ = elements->back();
  sink.shown_ /= sink.name_;
  if (exists(sink.folder_, sink.name_) && (existing == Existing::Refuse || existing == Existing::Resume))
    return std::unexpected(sink.shown_.string() + " is there already; --overwrite or --rename says what to do");

  const auto part = sink.name_ + ".part";
  sink.file_ = ::openat(sink.folder_, part.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (sink.file_ < 0) return std::unexpected("cannot write " + sink.shown_.string() + ".part: " + reason(errno));
  // Two transfers of one name must not share a part: the lock lasts as long as the file is open.
  if (::flock(sink.file_, LOCK_EX | LOCK_NB) != 0) {
    ::close(std::exchange(sink.file_, -1));
    return std::unexpected(sink.shown_.string() + " is being received already");
  }
  struct stat info{};
  if (::fstat(sink.file_, &info) != 0 || !S_ISREG(info.st_mode))
    return std::unexpected(sink.shown_.string() + ".part is not a plain file");

  // What is there of an earlier try counts when it can be the beginning of this file; the hash decides at the end.
  const auto there = static_cast<std::uint64_t>(info.st_size);
  if (existing == Existing::Resume && there <= size) {
    sink.offset_ = there;
  } else if (::ftruncate(sink.file_, 0) != 0) {
    return std::unexpected("cannot write " + sink.shown_.string() + ".part: " + reason(errno));
  }
  return sink;
}

FileSink::FileSink(FileSink&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)),
      file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      shown_(std::move(other.shown_)),
      offset_(other.offset_),
      bytes_(other.bytes_),
      existing_(other.existing_),
      hash_(std::move(other.hash_)) {}

FileSink::~FileSink() {
  if (file_ >= 0) {
    ::close(file_);
    if (existing_ != Existing::Resume) ::unlinkat(folder_, (name_ + ".part").c_str(), 0);
  }
  if (folder_ >= 0) ::close(folder_);
}

std::expected<bool, std::string> FileSink::read_old_part() {
  if (bytes_ >= offset_) return true;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(slice, offset_ - bytes_)));
  const auto got = ::read(file_, buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return false;
  if (got < 0) return std::unexpected("cannot read " + shown_.string() + ".part: " + reason(errno));
  if (got == 0) return std::unexpected("cannot read " + shown_.string() + ".part: it became shorter");
  hash_.update(std::span{buffer}.first(static_cast<std::size_t>(got)));
  bytes_ += static_cast<std::uint64_t>(got);
  return bytes_ == offset_;
}

std::expected<void, std::string> FileSink::write(std::span<const std::byte> bytes) {
  assert(bytes_ >= offset_);
  hash_.update(bytes);
  while (!bytes.empty()) {
    const auto done = ::write(file_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return std::unexpected("cannot write " + shown_.string() + ": " + reason(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    bytes_ += static_cast<std::uint64_t>(done);
  }
  return {};
}

std::expected<bool, std::string> FileSink::finish(std::string_view sha256) {
  const auto part = name_ + ".part";
  // The name is given to what was hashed, or not at all.
  struct stat written{}, named{};
  const bool same = ::fstat(file_, &written) == 0 &&
                    ::fstatat(folder_, part.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                    written.st_dev == named.st_dev && written.st_ino == named.st_ino;
  if (!same) return std::unexpected(shown_.string() + ".part was replaced while it was written");
  if (hash_.hex() != sha256) {
    ::close(std::exchange(file_, -1));
    ::unlinkat(folder_, part.c_str(), 0);
    return false;
  }
  // Some file systems tell only now that there is no room.
  const bool flushed = ::fsync(file_) == 0 || errno == EINVAL || errno == EROFS;
  if (!flushed) return std::unexpected("cannot write " + shown_.string() + ": " + reason(errno));
  if (auto claimed = claim_name(); !claimed) return std::unexpected(claimed.error());
  ::close(std::exchange(file_, -1));
  return true;
}

std::expected<void, std::string> FileSink::claim_name() {
  const auto part = name_ + ".part";
  if (existing_ == Existing::Overwrite) {
    if (::renameat(folder_, part.c_str(), folder_, name_.c_str()) == 0) return {};
    return std::unexpected("cannot name the file " + shown_.string() + ": " + reason(errno));
  }
  // A link fails when the name is taken, so nothing is ever overwritten, not even what appeared meanwhile.
  auto name = name_;
  for (int number = 2; number < 10'000; ++number) {
    if (::linkat(folder_, part.c_str(), folder_, name.c_str(), 0) == 0) {
      ::unlinkat(folder_, part.c_str(), 0);
      shown_.replace_filename(name);
      return {};
    }
    const int error = errno;
    if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS) {  // a file system without hard links
      if (!exists(folder_, name) && ::renameat(folder_, part.c_str(), folder_, name.c_str()) == 0) {
        shown_.replace_filename(name);
        return {};
      }
    } else if (error != EEXIST) {
      return std::unexpected("cannot name the file " + shown_.string() + ": " + reason(error));
    }
    if (existing_ != Existing::Rename) break;
    name = numbered(name_, number);
  }
  return std::unexpected(shown_.string() + " is there already; --overwrite or --rename says what to do");
}

}  // namespace linnet::app
