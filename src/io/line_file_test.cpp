#include "io/line_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace linnet::io {
namespace {

class LineFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "linnet-line-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::string content() const {
    std::ostringstream out;
    out << std::ifstream{path()}.rdbuf();
    return out.str();
  }
  [[nodiscard]] std::string path() const { return (folder / "lines").string(); }

  std::filesystem::path folder;
};

TEST_F(LineFileTest, AppendsWholeLinesOfTwoWriters) {
  auto one = LineFile::open(path());
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->was_empty());
  one->buffer() += "first\n";
  one->flush();
  auto two = LineFile::open(path());
  ASSERT_TRUE(two);
  EXPECT_FALSE(two->was_empty());
  two->buffer() += "second\n";
  two->flush();
  one->buffer() += "third\n";
  one->flush();
  EXPECT_EQ(content(), "first\nsecond\nthird\n");
}

TEST_F(LineFileTest, WritesWhatIsLeftAtItsEndAndWhatIsMuchBefore) {
  {
    auto file = LineFile::open(path());
    ASSERT_TRUE(file);
    const std::string line = std::string(1'023, 'x') + '\n';
    for (int i = 0; i < 64; ++i) {
      file->buffer() += line;
      file->line_ended();
    }
    EXPECT_EQ(content().size(), 64U * 1'024U);
    file->buffer() += "end\n";
    file->line_ended();
    EXPECT_EQ(content().size(), 64U * 1'024U);
  }
  EXPECT_TRUE(content().ends_with("end\n"));
}

TEST_F(LineFileTest, IsForItsOwnerOnly) {
  ASSERT_TRUE(LineFile::open(path()));
  struct stat about{};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(LineFileTest, TellsWhyItCannotBeOpened) {
  const auto file = LineFile::open((folder / "missing" / "file").string());
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error(), std::errc::no_such_file_or_directory);
}

TEST_F(LineFileTest, LosesWhatAFullDiskDoesNotTakeAndSaysWhy) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto file = LineFile::open("/dev/full");
  ASSERT_TRUE(file);
  file->buffer() += "lost\n";
  EXPECT_FALSE(file->error());
  file->flush();
  EXPECT_TRUE(file->buffer().empty());
  EXPECT_EQ(file->error(), std::errc::no_space_on_device);
}

}  // namespace
}  // namespace linnet::io
