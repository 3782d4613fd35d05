#include "file_sink.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

namespace linnet::app {
namespace {

namespace fs = std::filesystem;

class FileSinkTest : public testing::Test {
 protected:
  FileSinkTest() {
    std::string pattern = fs::temp_directory_path() / "linnet-sink-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileSinkTest() override { fs::remove_all(folder_); }

  static std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }
  static std::string hash(std::string_view text) {
    FileHash h;
    h.update(bytes(text));
    return h.hex();
  }
  std::expected<bool, std::string> receive(std::string_view name, std::string_view content, Existing existing) {
    auto sink = FileSink::open(folder_, name, content.size(), existing);
    if (!sink) return std::unexpected(sink.error());
    for (bool whole = false; !whole;) {
      const auto step = sink->read_old_part();
      if (!step) return std::unexpected(step.error());
      whole = *step;
    }
    if (auto written = sink->write(bytes(content.substr(sink->offset()))); !written)
      return std::unexpected(written.error());
    return sink->finish(hash(content));
  }
  std::string read(const fs::path& name) const {
    std::ifstream in{folder_ / name};
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void put(const fs::path& name, std::string_view content) const { std::ofstream{folder_ / name} << content; }

  fs::path folder_;
};

TEST_F(FileSinkTest, WritesAPartAndNamesItWhenTheHashIsRight) {
  auto sink = FileSink::open(folder_, "a/b.txt", 5, Existing::Refuse);
  ASSERT_TRUE(sink) << sink.error();
  ASSERT_TRUE(sink->write(bytes("hello")));
  EXPECT_TRUE(fs::exists(folder_ / "a/b.txt.part"));
  EXPECT_FALSE(fs::exists(folder_ / "a/b.txt"));
  EXPECT_TRUE(sink->finish(hash("hello")).value());
  EXPECT_EQ(read("a/b.txt"), "hello");
  EXPECT_FALSE(fs::exists(folder_ / "a/b.txt.part"));
}

TEST_F(FileSinkTest, LeavesNothingWhenTheHashIsWrong) {
  auto sink = FileSink::open(folder_, "x", 5, Existing::Refuse);
  ASSERT_TRUE(sink->write(bytes("hellO")));
  EXPECT_FALSE(sink->finish(hash("hello")).value());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(FileSinkTest, DropsAnUnfinishedPartUnlessItMayBeResumed) {
  for (const auto existing : {Existing::Refuse, Existing::Resume}) {
    {
      auto sink = FileSink::open(folder_, "x", 5, existing);
      ASSERT_TRUE(sink->write(bytes("he")));
    }
    EXPECT_EQ(fs::exists(folder_ / "x.part"), existing == Existing::Resume);
  }
  EXPECT_TRUE(receive("x", "hello", Existing::Resume).value());
  EXPECT_EQ(read("x"), "hello");
}

TEST_F(FileSinkTest, ReadsAnOldPartNoMoreThanASliceAtATime) {
  constexpr std::uint64_t size = 3 * FileSink::slice + 1;
  put("x.part", "");
  fs::resize_file(folder_ / "x.part", size);
  auto sink = FileSink::open(folder_, "x", size + 1, Existing::Resume);
  ASSERT_TRUE(sink) << sink.error();
  EXPECT_EQ(sink->offset(), size);
  EXPECT_EQ(sink->bytes(), 0U);
  for (std::uint64_t slices = 1; slices <= 4; ++slices) {
    EXPECT_EQ(sink->read_old_part().value(), slices == 4);
    EXPECT_EQ(sink->bytes(), std::min(size, slices * FileSink::slice));
  }
  EXPECT_TRUE(sink->read_old_part().value());
  ASSERT_TRUE(sink->write(bytes("!")));
  EXPECT_TRUE(sink->finish(hash(std::string(size, '\0') + "!")).value());
}

TEST_F(FileSinkTest, SaysWhenAnOldPartBecomesShorterWhileItIsRead) {
  put("x.part", "hell");
  auto sink = FileSink::open(folder_, "x", 5, Existing::Resume);
  fs::resize_file(folder_ / "x.part", 0);
  const auto step = sink->read_old_part();
  ASSERT_FALSE(step);
  EXPECT_NE(step.error().find("became shorter"), std::string::npos) << step.error();
}

TEST_F(FileSinkTest, AResumedPartOfAnotherFileFailsTheHash) {
  put("x.part", "HE");
  EXPECT_FALSE(receive("x", "hello", Existing::Resume).value());
  EXPECT_FALSE(fs::exists(folder_ / "x.part"));
}

TEST_F(FileSinkTest, TreatsAnExistingFileAsTold) {
  put("x.txt", "old");
  EXPECT_FALSE(receive("x.txt", "new", Existing::Refuse));
  EXPECT_EQ(read("x.txt"), "old");
  EXPECT_TRUE(receive("x.txt", "new", Existing::Rename).value());
  EXPECT_EQ(read("x.txt"), "old");
  EXPECT_EQ(read("x (2).txt"), "new");
  EXPECT_TRUE(receive("x.txt", "new", Existing::Overwrite).value());
  EXPECT_EQ(read("x.txt"), "new");
}

TEST_F(FileSinkTest, NeverOverwritesAFileThatAppearedMeanwhile) {
  auto sink = FileSink::open(folder_, "x", 1, Existing::Refuse);
  ASSERT_TRUE(sink->write(bytes("n")));
  put("x", "old");
  EXPECT_FALSE(sink->finish(hash("n")));
  EXPECT_EQ(read("x"), "old");
}

TEST_F(FileSinkTest, OneNameIsReceivedOnceAtATime) {
  for (const auto existing : {Existing::Overwrite, Existing::Rename, Existing::Resume}) {
    auto first = FileSink::open(folder_, "x", 5, existing);
    ASSERT_TRUE(first);
    ASSERT_TRUE(first->write(bytes("hello")));
    const auto second = FileSink::open(folder_, "x", 5, existing);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("already"), std::string::npos);
    EXPECT_TRUE(first->finish(hash("hello")).value());
    fs::remove(folder_ / "x");
  }
}

TEST_F(FileSinkTest, GivesNoNameToAPartThatSomebodyReplaced) {
  auto sink = FileSink::open(folder_, "x", 5, Existing::Refuse);
  ASSERT_TRUE(sink->write(bytes("hello")));
  fs::remove(folder_ / "x.part");
  put("x.part", "other");
  EXPECT_FALSE(sink->finish(hash("hello")));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(FileSinkTest, FollowsNoSymbolicLink) {
  fs::create_directory(folder_ / "inside");
  fs::create_directory(folder_ / "outside");
  fs::create_directory_symlink(folder_ / "outside", folder_ / "inside/link");
  put("outside/target", "old");
  fs::create_symlink(folder_ / "outside/target", folder_ / "inside/x.part");
  EXPECT_FALSE(FileSink::open(folder_ / "inside", "link/y", 1, Existing::Refuse));
  EXPECT_FALSE(FileSink::open(folder_ / "inside", "x", 1, Existing::Resume));
  EXPECT_EQ(read("outside/target"), "old");
  EXPECT_TRUE(fs::exists(folder_ / "outside/target"));
}

TEST_F(FileSinkTest, SaysWhenTheDiskTakesNoMore) {
  // A limit on the size of files stands in for a full disk: the same failing write.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = receive("x", "hello", Existing::Refuse);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("cannot write"), std::string::npos) << result.error();
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace linnet::app
