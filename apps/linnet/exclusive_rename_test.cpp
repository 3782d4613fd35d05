#include "exclusive_rename.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace linnet::app {
namespace {

namespace fs = std::filesystem;

using Rename = int (*)(int, const std::string&, const std::string&);

class ExclusiveRename : public testing::TestWithParam<Rename> {
 protected:
  ExclusiveRename() {
    std::string pattern = fs::temp_directory_path() / "linnet-rename-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    folder_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  ~ExclusiveRename() override {
    ::close(folder_);
    fs::remove_all(path_);
  }
  void put(const fs::path& name, std::string_view content) const { std::ofstream{path_ / name} << content; }
  std::string read(const fs::path& name) const {
    std::stringstream out;
    out << std::ifstream{path_ / name}.rdbuf();
    return out.str();
  }
  // The result; ENOSYS where the kernel or the file system below does not have the call.
  int rename(const std::string& from, const std::string& to) const { return GetParam()(folder_, from, to); }

  fs::path path_;
  int folder_ = -1;
};

TEST_P(ExclusiveRename, GivesTheNameThatIsFree) {
  put("from", "new");
  const int result = rename("from", "to");
  if (result == ENOSYS || result == EINVAL) GTEST_SKIP() << "not on this system";
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read("to"), "new");
  EXPECT_FALSE(fs::exists(path_ / "from"));
}

TEST_P(ExclusiveRename, LeavesBothAloneWhereTheNameIsTaken) {
  put("from", "new");
  put("file", "old");
  fs::create_directory(path_ / "folder");
  fs::create_symlink("nowhere", path_ / "link");
  for (const std::string to : {"file", "folder", "link"}) {
    const int result = rename("from", to);
    if (result == ENOSYS || result == EINVAL) GTEST_SKIP() << "not on this system";
    EXPECT_EQ(result, EEXIST) << to;
  }
  EXPECT_EQ(read("from"), "new");
  EXPECT_EQ(read("file"), "old");
  EXPECT_TRUE(fs::is_symlink(path_ / "link"));
  EXPECT_FALSE(fs::exists(path_ / "nowhere"));
}

TEST_P(ExclusiveRename, LeavesNothingBehindWhenItFails) {
  const int result = rename("missing", "to");
  if (result == ENOSYS || result == EINVAL) GTEST_SKIP() << "not on this system";
  EXPECT_EQ(result, ENOENT);
  EXPECT_TRUE(fs::is_empty(path_));
}

TEST_P(ExclusiveRename, KnowsAFileThatLostItsName) {
  put("a", "");
  const int file = ::open((path_ / "a").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_TRUE(is_named(file, folder_, "a"));
  fs::rename(path_ / "a", path_ / "b");
  EXPECT_FALSE(is_named(file, folder_, "a"));
  put("a", "");
  EXPECT_FALSE(is_named(file, folder_, "a"));
  ::close(file);
}

INSTANTIATE_TEST_SUITE_P(EveryWay, ExclusiveRename,
                         testing::Values(exclusive_rename, rename_at_once, rename_by_link, rename_over_placeholder));

}  // namespace
}  // namespace linnet::app
