#include "file_sink.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "exclusive_rename.hpp"
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
                                                    std::uint64_t size, Existing existing,
                                                    std::optional<std::int64_t> modified) {
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

  const auto part = existing == Existing::Resume ? sink.make_or_continue_part(size, modified) : sink.make_part();
  if (!part) return std::unexpected(part.error());
  return sink;
}

std::string FileSink::resumable_part(std::string_view name, std::uint64_t size, std::optional<std::int64_t> modified) {
  const auto identity = std::string{name} + "\n" + std::to_string(size) + "\n" +
                        (modified ? std::to_string(*modified) : std::string{"unknown"});
  FileHash hash;
  hash.update(std::as_bytes(std::span{identity}));
  return "." + std::string{name} + "." + hash.hex().substr(0, 16) + ".part";
}

std::expected<void, std::string> FileSink::make_part() {
  for (int number = 1; number < 10'000; ++number) {
    part_ = "." + name_ + (number == 1 ? "" : "." + std::to_string(number)) + ".part";
    file_ = ::openat(folder_, part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) return std::unexpected("cannot write " + part_path().string() + ": " + reason(errno));
    made_part_ = true;
    return {};
  }
  return std::unexpected("cannot write " + part_path().string() + ": too many parts of that name are there");
}

std::expected<void, std::string> FileSink::make_or_continue_part(std::uint64_t size,
                                                                 std::optional<std::int64_t> modified) {
  part_ = resumable_part(name_, size, modified);
  constexpr int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;  // a pipe of that name must not block
  file_ = ::openat(folder_, part_.c_str(), flags);
  if (file_ < 0 && errno == ENOENT) {
    file_ = ::openat(folder_, part_.c_str(), flags | O_CREAT | O_EXCL, 0666);
    made_part_ = file_ >= 0;
  }
  if (file_ < 0) return std::unexpected("cannot write " + part_path().string() + ": " + reason(errno));
  return lock_part(size);
}

std::expected<void, std::string> FileSink::lock_part(std::uint64_t size) {
  // Two transfers of one name must not share a part: the lock lasts as long as the file is open.
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::unexpected(shown_.string() + " is being received already");
    return std::unexpected("cannot lock " + part_path().string() + ": " + reason(errno));
  }
  // Who held the lock before may have finished: then this is no part any more, but the file.
  if (!is_named(file_, folder_, part_)) return std::unexpected(shown_.string() + " is being received already");
  struct stat info{};
  if (::fstat(file_, &info) != 0 || !S_ISREG(info.st_mode))
    return std::unexpected(part_path().string() + " is not a plain file, and is left as it is");
  // What has another name belongs to somebody.
  if (info.st_nlink != 1) return std::unexpected(part_path().string() + " has a second name, and is left as it is");
  // Up to the offered size it can be the beginning of this file; the hash decides at the end.
  offset_ = static_cast<std::uint64_t>(info.st_size);
  if (offset_ > size)
    return std::unexpected(part_path().string() + " is larger than what is offered, and is left as it is");
  return {};
}

FileSink::FileSink(FileSink&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)),
      file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      part_(std::move(other.part_)),
      made_part_(other.made_part_),
      shown_(std::move(other.shown_)),
      offset_(other.offset_),
      bytes_(other.bytes_),
      existing_(other.existing_),
      hash_(std::move(other.hash_)) {}

FileSink::~FileSink() {
  if (file_ >= 0 && existing_ != Existing::Resume) close_and_delete();
  if (file_ >= 0) ::close(file_);
  if (folder_ >= 0) ::close(folder_);
}

void FileSink::close_and_delete() {
  // Only what this run made, and only if nobody gave its name to something else.
  if (made_part_ && is_named(file_, folder_, part_)) ::unlinkat(folder_, part_.c_str(), 0);
  ::close(std::exchange(file_, -1));
}

std::expected<bool, std::string> FileSink::read_old_part() {
  if (bytes_ >= offset_) return true;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(slice, offset_ - bytes_)));
  const auto got = ::read(file_, buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return false;
  if (got < 0) return std::unexpected("cannot read " + part_path().string() + ": " + reason(errno));
  if (got == 0) return std::unexpected("cannot read " + part_path().string() + ": it became shorter");
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
  // The name is given to what was hashed, or not at all.
  if (!is_named(file_, folder_, part_))
    return std::unexpected(part_path().string() + " was replaced while it was written");
  if (hash_.hex() != sha256) {
    if (made_part_) {
      close_and_delete();
    } else if (::ftruncate(file_, static_cast<off_t>(offset_)) != 0) {
      return std::unexpected("cannot write " + part_path().string() + ": " + reason(errno));
    }
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
  if (existing_ == Existing::Overwrite) {
    if (::renameat(folder_, part_.c_str(), folder_, name_.c_str()) == 0) return {};
    return std::unexpected("cannot name the file " + shown_.string() + ": " + reason(errno));
  }
  // Never over what appeared meanwhile.
  auto name = name_;
  for (int number = 2; number < 10'000; ++number) {
    const int error = exclusive_rename(folder_, part_, name);
    if (error == 0) {
      shown_.replace_filename(name);
      return {};
    }
    if (error != EEXIST) return std::unexpected("cannot name the file " + shown_.string() + ": " + reason(error));
    if (existing_ != Existing::Rename) break;
    name = numbered(name_, number);
  }
  return std::unexpected(shown_.string() + " is there already; --overwrite or --rename says what to do");
}

}  // namespace linnet::app
