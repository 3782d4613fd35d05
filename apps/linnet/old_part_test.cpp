#include "old_part.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <optional>

// Reading a large part on an event loop that others need, too.
namespace linnet::app {
namespace {

namespace fs = std::filesystem;
using Outcome = std::optional<std::expected<bool, std::string>>;

class OldPartTest : public testing::Test {
 protected:
  static constexpr std::uint64_t slices = 300;
  static constexpr std::uint64_t size = slices * FileSink::slice;  // with no blocks behind it on the disk

  OldPartTest() {
    std::string pattern = fs::temp_directory_path() / "linnet-part-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    part_ = folder_ / FileSink::resumable_part("x", size, {});
    std::ofstream{part_}.flush();
    fs::resize_file(part_, size);
  }
  ~OldPartTest() override { fs::remove_all(folder_); }

  std::expected<FileSink, std::string> open() const { return FileSink::open(folder_, "x", size, Existing::Resume); }
  void start(FileSink& sink, std::function<bool()> wanted) {
    boost::asio::co_spawn(loop_, run(sink, std::move(wanted), outcome_), boost::asio::detached);
  }
  static boost::asio::awaitable<void> run(FileSink& sink, std::function<bool()> wanted, Outcome& outcome) {
    outcome = co_await read_old_part(sink, std::move(wanted));
  }
  // Somebody else on the loop, who counts the turns that it gets while the part is read.
  void take_turns() {
    if (outcome_) return;
    ++turns_;
    boost::asio::post(loop_, [this] { take_turns(); });
  }

  fs::path folder_;
  fs::path part_;
  Outcome outcome_;
  std::uint64_t turns_ = 0;
  boost::asio::io_context loop_;
};

TEST_F(OldPartTest, OthersGetATurnAfterEachSlice) {
  auto sink = open();
  ASSERT_TRUE(sink) << sink.error();
  start(*sink, [] { return true; });
  boost::asio::post(loop_, [this] { take_turns(); });
  loop_.run();
  ASSERT_TRUE(outcome_);
  EXPECT_TRUE(outcome_->value());
  EXPECT_EQ(sink->bytes(), size);
  EXPECT_GE(turns_, slices - 1);
}

TEST_F(OldPartTest, StopsWhenItIsNotWantedAnyMore) {
  auto sink = open();
  int asked = 0;
  start(*sink, [&] { return ++asked <= 3; });
  loop_.run();
  ASSERT_TRUE(outcome_);
  EXPECT_FALSE(outcome_->value());
  EXPECT_EQ(sink->bytes(), 3 * FileSink::slice);
  EXPECT_TRUE(fs::exists(part_));
}

TEST_F(OldPartTest, MayBeDroppedWithTheLoop) {
  {
    auto sink = open();
    boost::asio::io_context short_loop;
    boost::asio::co_spawn(short_loop, run(*sink, [] { return true; }, outcome_), boost::asio::detached);
    short_loop.run_one();
    short_loop.run_one();
  }
  EXPECT_FALSE(outcome_);
  EXPECT_TRUE(open());  // nobody holds the part any more
}

}  // namespace
}  // namespace linnet::app
