#include "file_sink.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

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

  // The part that an earlier run with Existing::Resume kept.
  static std::string kept(std::string_view name, std::uint64_t size) {
    return FileSink::resumable_part(name, size, std::nullopt);
  }
  std::map<std::string, std::string> all() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator{folder_})
      found[entry.path().filename()] = read(entry.path().filename());
    return found;
  }

  fs::path folder_;
};

using Files = std::map<std::string, std::string>;
constexpr Existing every_way[] = {Existing::Refuse, Existing::Overwrite, Existing::Rename, Existing::Resume};

TEST_F(FileSinkTest, WritesAPartAndNamesItWhenTheHashIsRight) {
  auto sink = FileSink::open(folder_, "a/b.txt", 5, Existing::Refuse);
  ASSERT_TRUE(sink) << sink.error();
  ASSERT_TRUE(sink->write(bytes("hello")));
  EXPECT_TRUE(fs::exists(folder_ / "a/.b.txt.part"));
  EXPECT_FALSE(fs::exists(folder_ / "a/b.txt"));
  EXPECT_TRUE(sink->finish(hash("hello")).value());
  EXPECT_EQ(read("a/b.txt"), "hello");
  EXPECT_FALSE(fs::exists(folder_ / "a/.b.txt.part"));
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
    EXPECT_EQ(fs::exists(folder_ / kept("x", 5)), existing == Existing::Resume);
    EXPECT_EQ(fs::is_empty(folder_), existing != Existing::Resume);
  }
  EXPECT_TRUE(receive("x", "hello", Existing::Resume).value());
  EXPECT_EQ(read("x"), "hello");
}

TEST_F(FileSinkTest, ReadsAnOldPartNoMoreThanASliceAtATime) {
  constexpr std::uint64_t size = 3 * FileSink::slice + 1;
  put(kept("x", size + 1), "");
  fs::resize_file(folder_ / kept("x", size + 1), size);
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
  put(kept("x", 5), "hell");
  auto sink = FileSink::open(folder_, "x", 5, Existing::Resume);
  fs::resize_file(folder_ / kept("x", 5), 0);
  const auto step = sink->read_old_part();
  ASSERT_FALSE(step);
  EXPECT_NE(step.error().find("became shorter"), std::string::npos) << step.error();
}

TEST_F(FileSinkTest, AnEarlierPartThatFailsTheHashIsLeftAsItWas) {
  put(kept("x", 5), "HE");
  auto sink = FileSink::open(folder_, "x", 5, Existing::Resume);
  EXPECT_TRUE(sink->continues());
  EXPECT_EQ(sink->part_path(), folder_ / kept("x", 5));
  EXPECT_TRUE(sink->read_old_part().value());
  ASSERT_TRUE(sink->write(bytes("llo")));
  EXPECT_FALSE(sink->finish(hash("hello")).value());
  EXPECT_EQ(all(), (Files{{kept("x", 5), "HE"}}));
}

TEST_F(FileSinkTest, GoesOnOnlyWithAPartOfTheSameNameSizeAndModification) {
  const auto part = FileSink::resumable_part("x", 5, 1'700'000'000'000);
  put(part, "HE");
  for (const auto& other : {FileSink::open(folder_, "y", 5, Existing::Resume, 1'700'000'000'000),
                            FileSink::open(folder_, "x", 6, Existing::Resume, 1'700'000'000'000),
                            FileSink::open(folder_, "x", 5, Existing::Resume, 1'700'000'000'001),
                            FileSink::open(folder_, "x", 5, Existing::Resume)}) {
    ASSERT_TRUE(other) << other.error();
    EXPECT_EQ(other->offset(), 0U);
    EXPECT_FALSE(other->continues());
  }
  EXPECT_EQ(read(part), "HE");
  EXPECT_EQ(FileSink::open(folder_, "x", 5, Existing::Resume, 1'700'000'000'000)->offset(), 2U);
}

TEST_F(FileSinkTest, ALargerPartIsRefusedAndLeftAlone) {
  put(kept("x", 5), "larger");
  const auto sink = FileSink::open(folder_, "x", 5, Existing::Resume);
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().find("larger than what is offered, and is left as it is"), std::string::npos) << sink.error();
  EXPECT_EQ(all(), (Files{{kept("x", 5), "larger"}}));
}

TEST_F(FileSinkTest, APartThatHasASecondNameIsRefusedAndLeftAlone) {
  put("mine", "he");
  fs::create_hard_link(folder_ / "mine", folder_ / kept("x", 5));
  const auto sink = FileSink::open(folder_, "x", 5, Existing::Resume);
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().find("has a second name"), std::string::npos) << sink.error();
  EXPECT_EQ(all(), (Files{{"mine", "he"}, {kept("x", 5), "he"}}));
}

TEST_F(FileSinkTest, APipeInPlaceOfAPartIsRefusedAndLeftAlone) {
  ASSERT_EQ(::mkfifo((folder_ / kept("x", 5)).c_str(), 0600), 0);
  EXPECT_FALSE(FileSink::open(folder_, "x", 5, Existing::Resume));
  EXPECT_TRUE(fs::is_fifo(folder_ / kept("x", 5)));
}

TEST_F(FileSinkTest, WhatWasThereIsNeverTakenForAPart) {
  const Files mine{{"x.part", "a"}, {".x.part", "b"}, {".x.2.part", "c"}};
  for (const auto& [name, content] : mine) put(name, content);
  for (const auto existing : every_way) {
    EXPECT_TRUE(receive("x", "hello", existing).value());
    EXPECT_EQ(read("x"), "hello");
    fs::remove(folder_ / "x");
    EXPECT_EQ(all(), mine) << "received";
    {
      auto sink = FileSink::open(folder_, "x", 5, existing);
      ASSERT_TRUE(sink) << sink.error();
      ASSERT_TRUE(sink->write(bytes("hellO")));
      EXPECT_FALSE(sink->finish(hash("hello")).value());
    }
    EXPECT_EQ(all(), mine) << "wrong hash";
    {
      auto sink = FileSink::open(folder_, "x", 5, existing);
      ASSERT_TRUE(sink->write(bytes("he")));
    }
    fs::remove(folder_ / kept("x", 5));
    EXPECT_EQ(all(), mine) << "interrupted";
  }
}

TEST_F(FileSinkTest, WhatTakesTheNameOfAPartMeanwhileStays) {
  for (const auto existing : every_way) {
    auto sink = FileSink::open(folder_, "x", 5, existing);
    ASSERT_TRUE(sink->write(bytes("hello")));
    const auto part = sink->part_path().filename();
    fs::rename(folder_ / part, folder_ / "moved");
    put(part, "other");
    EXPECT_FALSE(sink->finish(hash("hello"))) << "no name for what was not hashed";
    {
      const auto dropped = std::move(*sink);
    }
    EXPECT_EQ(all(), (Files{{"moved", "hello"}, {part, "other"}}));
    fs::remove(folder_ / part);
  }
}

TEST_F(FileSinkTest, NoReceivedNameIsThatOfAPart) {
  for (const auto existing : every_way) {
    auto first = FileSink::open(folder_, "a", 5, existing);
    ASSERT_TRUE(first->write(bytes("hel")));
    const auto part = first->part_path().filename().string();
    EXPECT_TRUE(receive("a.part", "one", existing).value());
    EXPECT_TRUE(receive(part, "two", existing).value());
    ASSERT_TRUE(first->write(bytes("lo")));
    EXPECT_TRUE(first->finish(hash("hello")).value());
    EXPECT_EQ(all(), (Files{{"a", "hello"}, {"a.part", "one"}, {"_" + part.substr(1), "two"}}));
    for (const auto& [name, content] : all()) fs::remove(folder_ / name);
  }
}

TEST_F(FileSinkTest, TheLongestNameHasRoomForItsPart) {
  const std::string name(300, 'x');
  for (const auto existing : every_way) {
    EXPECT_TRUE(receive(name, "hello", existing).value_or(false));
    for (const auto& [saved, content] : all()) fs::remove(folder_ / saved);
  }
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
  for (const auto existing : {Existing::Refuse, Existing::Rename, Existing::Resume}) {
    auto sink = FileSink::open(folder_, "x", 1, existing);
    ASSERT_TRUE(sink->write(bytes("n")));
    put("x", "old");
    EXPECT_EQ(sink->finish(hash("n")).has_value(), existing == Existing::Rename);
    EXPECT_EQ(read("x"), "old");
    fs::remove(folder_ / "x");
  }
  EXPECT_EQ(read("x (2)"), "n");
}

TEST_F(FileSinkTest, OnePartIsGoneOnWithOnceAtATime) {
  auto first = FileSink::open(folder_, "x", 5, Existing::Resume);
  ASSERT_TRUE(first);
  const auto second = FileSink::open(folder_, "x", 5, Existing::Resume);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("is being received already"), std::string::npos) << second.error();
  ASSERT_TRUE(first->write(bytes("hello")));
  EXPECT_TRUE(first->finish(hash("hello")).value());
  EXPECT_EQ(all(), (Files{{"x", "hello"}}));
}

TEST_F(FileSinkTest, TransfersOfOneNameHavePartsOfTheirOwn) {
  std::vector<FileSink> sinks;
  for (const std::string_view content : {"one", "two"}) {
    sinks.push_back(FileSink::open(folder_, "x", 3, Existing::Rename).value());
    ASSERT_TRUE(sinks.back().write(bytes(content)));
  }
  EXPECT_TRUE(sinks[1].finish(hash("two")).value());
  EXPECT_TRUE(sinks[0].finish(hash("one")).value());
  EXPECT_EQ(all(), (Files{{"x", "two"}, {"x (2)", "one"}}));
}

TEST_F(FileSinkTest, FollowsNoSymbolicLink) {
  fs::create_directory(folder_ / "inside");
  fs::create_directory(folder_ / "outside");
  fs::create_directory_symlink(folder_ / "outside", folder_ / "inside/link");
  put("outside/target", "old");
  fs::create_symlink(folder_ / "outside/target", folder_ / "inside" / kept("x", 1));
  fs::create_symlink(folder_ / "outside/target", folder_ / "inside/.x.part");
  EXPECT_FALSE(FileSink::open(folder_ / "inside", "link/y", 1, Existing::Refuse));
  EXPECT_FALSE(FileSink::open(folder_ / "inside", "x", 1, Existing::Resume));
  ASSERT_TRUE(FileSink::open(folder_ / "inside", "x", 1, Existing::Refuse).value().write(bytes("n")));
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
