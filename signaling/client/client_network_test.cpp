// A client whose machine changes networks.
#include <gmock/gmock.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "linnet/signaling/client.hpp"
#include "tests/fake_link.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

json::value ready() {
  return {{"type", "ready"},
          {"peer", "ann"},
          {"session", "s"},
          {"resume", "secret"},
          {"resumed", false},
          {"heartbeat", 20000},
          {"iceServers", json::array()}};
}

class ClientNetwork : public testing::Test {
 protected:
  ~ClientNetwork() override {
    client_.reset();
    context_.poll();
    FakeLink::current.reset();
  }

  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition() && std::chrono::steady_clock::now() < end) context_.run_one_for(milliseconds(10));
    return condition();
  }
  /// Lets the client do all that it has to do now.
  void settle() {
    context_.restart();
    while (context_.poll() != 0) continue;
  }
  static FakeLink& link() { return *FakeLink::current; }
  void greet() {
    link().receive({{"type", "welcome"}});
    link().receive(ready());
    ASSERT_TRUE(until([this] { return client_->connected(); }));
  }
  void connect(milliseconds probe_timeout = std::chrono::minutes(1)) {
    ClientOptions options{.peer = "ann", .reconnect = true};
    options.probe_timeout = probe_timeout;
    options.watch_network = false;
    client_.emplace(context_.get_executor(), options);
    client_->on_closed = [this](const Closed& closed) { closed_.push_back(closed); };
    client_->connect("ws://localhost", [](std::exception_ptr, const Ready&) {});
    ASSERT_TRUE(until([] { return FakeLink::current != nullptr; }));
    greet();
    client_->join("demo", {}, [](std::exception_ptr, const Joined&) {});
    ASSERT_EQ(link().sent.size(), 2U);
    link().receive({{"type", "joined"}, {"id", link().sent[1].at("id")}, {"room", "demo"}, {"peers", json::array()}});
    settle();
    link().sent.clear();
  }

  boost::asio::io_context context_;
  std::optional<Client> client_;
  std::vector<Closed> closed_;
};

TEST_F(ClientNetwork, ComesBackAtOnceAsTheSamePeerWhenTheAddressIsGone) {
  connect();
  const int before = FakeLink::count;
  const auto old = FakeLink::current;
  old->gone = true;
  client_->network_changed();
  ASSERT_TRUE(until([&] { return FakeLink::count == before + 1; }));
  EXPECT_TRUE(old->sent.empty()) << "nothing can be said there any more";
  ASSERT_TRUE(until([this] { return !closed_.empty(); }));
  EXPECT_TRUE(closed_[0].will_reconnect);
  EXPECT_EQ(closed_[0].reason, "this machine left the network that it went through");
  greet();
  settle();
  ASSERT_EQ(link().sent.size(), 2U);
  EXPECT_EQ(link().sent[0].at("peer"), "ann");
  EXPECT_EQ(link().sent[0].at("resume").at("token"), "secret") << "the server may think that the old one is alive";
  EXPECT_EQ(link().sent[1].at("type"), "join");
  EXPECT_EQ(link().sent[1].at("room"), "demo");
  EXPECT_EQ(closed_.size(), 1U);
}

TEST_F(ClientNetwork, AsksAndStaysWhenSomethingElseChanged) {
  connect();
  const auto before = FakeLink::current;
  client_->network_changed();
  ASSERT_EQ(link().sent.size(), 1U);
  EXPECT_EQ(link().sent[0].at("type"), "ping");
  client_->network_changed();
  client_->network_changed();
  settle();
  EXPECT_EQ(link().sent.size(), 1U) << "one question at a time";
  link().receive({{"type", "pong"}, {"t", link().sent[0].at("t")}});
  ASSERT_TRUE(until([&] { return link().sent.size() == 2; })) << "the network changed after the first question";
  EXPECT_NE(link().sent[1].at("t"), link().sent[0].at("t"));
  link().receive({{"type", "pong"}, {"t", link().sent[1].at("t")}});
  settle();
  EXPECT_EQ(link().sent.size(), 2U);
  EXPECT_EQ(FakeLink::current, before);
  EXPECT_TRUE(client_->connected());
  EXPECT_TRUE(closed_.empty());
}

TEST_F(ClientNetwork, ComesBackWhenTheQuestionIsNotAnswered) {
  connect(milliseconds(1));
  const int before = FakeLink::count;
  client_->network_changed();
  ASSERT_TRUE(until([&] { return FakeLink::count == before + 1; }));
  ASSERT_TRUE(until([this] { return !closed_.empty(); }));
  greet();
  EXPECT_EQ(closed_.size(), 1U);
}

TEST_F(ClientNetwork, LeavesTheFirstTryAlone) {
  ClientOptions options{.reconnect = true};
  options.watch_network = false;
  client_.emplace(context_.get_executor(), options);
  client_->network_changed();
  bool failed = false;
  client_->connect("ws://localhost", [&](std::exception_ptr error, const Ready&) { failed = error != nullptr; });
  ASSERT_TRUE(until([] { return FakeLink::current != nullptr; }));
  link().gone = true;
  client_->network_changed();
  settle();
  EXPECT_FALSE(failed);
  greet();
}

TEST_F(ClientNetwork, DoesNothingAfterTheEnd) {
  connect();
  const int before = FakeLink::count;
  client_->close();
  client_->network_changed();
  settle();
  client_->network_changed();
  settle();
  EXPECT_EQ(FakeLink::count, before);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_FALSE(closed_[0].will_reconnect);
}

}  // namespace
}  // namespace linnet::signaling
