#include "exclusive_rename.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace linnet::app {

bool is_named(int file, int folder, const std::string& name) {
  struct stat opened{}, named{};
  return ::fstat(file, &opened) == 0 && ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int exclusive_rename(int folder, const std::string& from, const std::string& to) {
  // The answers of a kernel or a file system that does not know the call; for link(), EPERM is one of them.
  const auto unknown = [](int error) { return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP; };
  if (const int error = rename_at_once(folder, from, to); !unknown(error)) return error;
  if (const int error = rename_by_link(folder, from, to); !unknown(error) && error != EPERM && error != EMLINK)
    return error;
  return rename_over_placeholder(folder, from, to);
}

int rename_at_once([[maybe_unused]] int folder, [[maybe_unused]] const std::string& from,
                   [[maybe_unused]] const std::string& to) {
#ifdef RENAME_NOREPLACE
  return ::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
#else
  return ENOSYS;
#endif
}

int rename_by_link(int folder, const std::string& from, const std::string& to) {
  if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
  ::unlinkat(folder, from.c_str(), 0);
  return 0;
}

int rename_over_placeholder(int folder, const std::string& from, const std::string& to) {
  const int placeholder = ::openat(folder, to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (placeholder < 0) return errno;
  int error = 0;
  // Whoever put something else there meanwhile keeps it.
  if (!is_named(placeholder, folder, to)) {
    error = EEXIST;
  } else if (::renameat(folder, from.c_str(), folder, to.c_str()) != 0) {
    error = errno;
    if (is_named(placeholder, folder, to)) ::unlinkat(folder, to.c_str(), 0);
  }
  ::close(placeholder);
  return error;
}

}  // namespace linnet::app
