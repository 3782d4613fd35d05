#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"
#include "base/testing/json_check.hpp"

namespace linnet::testing {
namespace {

class Trace : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "linnet-trace-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::filesystem::path folder;
};

TEST_F(Trace, TwoConnectionsShareTheFilesThatTheTuningNames) {
  const Tuning tuning{.ice_loopback_candidates = true,
                      .trace = (folder / "trace.qlog").string(),
                      .key_log = (folder / "keys").string()};
  boost::asio::io_context io;
  {
    Pair pair{io.get_executor(), tuning};
    auto channel = pair.a->create_data_channel("chat");
    run(io, [](DataChannel chat) -> boost::asio::awaitable<void> { co_await chat.on_open.next(); }(channel));
    channel.send("not for the trace");
    pair.a->close();
    pair.b->close();
    io.restart();
    io.run_for(std::chrono::seconds{10});
  }
  const auto lines = lines_of(tuning.trace);
  ASSERT_GT(lines.size(), 20U);
  EXPECT_TRUE(lines.front().starts_with(R"({"qlog_version":"0.3",)")) << lines.front();
  const auto text_of = [](const std::string& line, const std::string& key) {
    const std::string begin = '"' + key + "\":\"";
    const std::size_t at = line.find(begin) + begin.size();
    return line.substr(at, line.find('"', at) - at);
  };
  std::set<std::string> groups;
  std::set<std::string> names;
  for (const std::string& line : lines) {
    EXPECT_TRUE(JsonCheck::is_json(line)) << line;
    EXPECT_EQ(line.find("not for the trace"), std::string::npos);
    if (&line == &lines.front()) continue;
    groups.insert(text_of(line, "group_id"));
    names.insert(text_of(line, "name"));
  }
  EXPECT_EQ(groups.size(), 2U);
  for (const char* name : {"ice:selected_pair_updated", "dtls:keys_installed", "sctp:packet_received",
                           "datachannel:open", "datachannel:message_sent", "datachannel:closed"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_FALSE(names.contains("linnet:records_dropped"));
  const auto keys = lines_of(tuning.key_log);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_TRUE(keys[0].starts_with("CLIENT_RANDOM "));
  struct stat about{};
  ASSERT_EQ(::stat(tuning.key_log.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(Trace, AFullDiskStopsWhatIsWrittenAndNotTheConnection) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  boost::asio::io_context io;
  EXPECT_THROW((PeerConnection{io.get_executor(), {}, Tuning{.trace = "/dev/full"}}), Exception);
  Pair pair{io.get_executor(), Tuning{.ice_loopback_candidates = true, .key_log = "/dev/full"}};
  EXPECT_FALSE(pair.a->trace_failure());
  auto channel = pair.a->create_data_channel("chat");
  run(io, [](DataChannel chat) -> boost::asio::awaitable<void> { co_await chat.on_open.next(); }(channel));
  const auto failure = pair.a->trace_failure();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->name, ErrorName::OperationError);
  EXPECT_NE(failure->message.find("/dev/full"), std::string::npos) << failure->message;
  EXPECT_EQ(pair.a->connection_state(), PeerConnectionState::Connected);
}

TEST_F(Trace, ManyMessagesInOneHandlerAreAllInTheTrace) {
  const Tuning tuning{.ice_loopback_candidates = true, .trace = (folder / "trace.qlog").string()};
  constexpr std::size_t messages = 10'000;
  boost::asio::io_context io;
  {
    Pair pair{io.get_executor(), tuning};
    auto channel = pair.a->create_data_channel("chat");
    run(io, [](DataChannel chat) -> boost::asio::awaitable<void> { co_await chat.on_open.next(); }(channel));
    for (std::size_t i = 0; i < messages; ++i) channel.send("x");
    pair.a->close();
    pair.b->close();
    io.restart();
    io.run_for(std::chrono::seconds{10});
  }
  std::size_t sent = 0;
  for (const std::string& line : lines_of(tuning.trace)) {
    if (line.find("datachannel:message_sent") != std::string::npos) ++sent;
    EXPECT_EQ(line.find("linnet:records_dropped"), std::string::npos);
  }
  EXPECT_EQ(sent, messages);
}

TEST_F(Trace, AFileThatCannotBeOpenedIsAnOperationError) {
  boost::asio::io_context io;
  try {
    const PeerConnection connection{io.get_executor(), {}, Tuning{.trace = (folder / "missing" / "file").string()}};
    FAIL() << "no exception";
  } catch (const Exception& e) {
    EXPECT_EQ(e.name(), ErrorName::OperationError);
    EXPECT_NE(std::string{e.what()}.find("missing"), std::string::npos);
  }
}

}  // namespace
}  // namespace linnet::testing
