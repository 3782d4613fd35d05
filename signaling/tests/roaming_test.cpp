// A client whose network interface goes, and gets another one, in network namespaces of the test's own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "linnet/exception.hpp"
#include "linnet/signaling/client.hpp"
#include "tests/loopback.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;

/// A network namespace, which the thread can be in. Whatever was made while it was in there stays there.
class Namespace {
 public:
  Namespace() : fd_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {}
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;
  ~Namespace() { ::close(fd_); }

  void enter() const { ASSERT_EQ(::setns(fd_, CLONE_NEWNET), 0) << std::strerror(errno); }
  /// Where other processes find it.
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_);
  }

 private:
  int fd_;
};

class Roaming : public LoopbackTest {
 protected:
  /// A server at 192.0.2.1, and a client's host on a cable to it.
  void SetUp() override {
    if (std::system("ip -V >/dev/null 2>&1") != 0) GTEST_SKIP() << "iproute2 is not installed";
    if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network namespace can be made: " << std::strerror(errno);
    server_side_.emplace();
    ip("link set lo up");
    ip("link add bridge type bridge");
    ip("addr add 192.0.2.1/24 dev bridge");
    ip("link set bridge up");
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    client_side_.emplace();
    ip("link set lo up");
    plug("eth0", "192.0.2.10");
    if (HasFatalFailure()) return;
    server_side_->enter();
    ServerOptions options;
    options.bind_address = "0.0.0.0";
    start(std::move(options));
    client_side_->enter();
  }
  void TearDown() override {
    server.reset();
    ann_.reset();
    bob_.reset();
    context.poll();
    home_.enter();
  }

  /// In the namespace that the thread is in.
  static void ip(const std::string& words) { ASSERT_EQ(std::system(("ip " + words).c_str()), 0) << words; }
  void plug(const std::string& name, const std::string& address) {
    ip("link add " + name + " type veth peer name to-" + name + " netns " + server_side_->path());
    ip("addr add " + address + "/24 dev " + name);
    ip("link set " + name + " up");
    server_side_->enter();
    ip("link set to-" + name + " master bridge up");
    client_side_->enter();
  }

  void meet(ClientOptions options = {}) {
    options.peer = "ann";
    options.reconnect = true;
    ann_.emplace(context.get_executor(), options);
    ann_->on_closed = [this](const Closed& closed) { news_.push_back("closed: " + closed.reason); };
    ann_->on_rejoined = [this](const Joined& joined) { news_.push_back("rejoined " + joined.room); };
    bob_.emplace(context.get_executor(), ClientOptions{.peer = "bob", .watch_network = false});
    bob_->on_peer_left = [this](const PeerEvent& e) { seen_.push_back(e.info.peer + " left: " + e.reason); };
    bob_->on_peer_joined = [this](const PeerEvent& e) { seen_.push_back(e.info.peer + " joined"); };
    bob_->on_message = [this](const Message& message) { seen_.push_back(std::string(message.data.as_string())); };
    const std::string url = "ws://192.0.2.1:" + std::to_string(server->port());
    const auto join = [](Client& client, const std::string& where) -> asio::awaitable<void> {
      co_await client.connect(where);
      co_await client.join("demo");
    };
    run([&] { return join(*ann_, url); });
    server_side_->enter();  // Bob stays where he is.
    run([&] { return join(*bob_, url); });
    client_side_->enter();
  }

  Namespace home_;
  std::optional<Namespace> server_side_, client_side_;
  std::optional<Client> ann_, bob_;
  std::vector<std::string> news_;  // What ann was told of her connection.
  std::vector<std::string> seen_;  // What bob saw of ann.
};

// Without being told of the network, ann would hear nothing for 45 s before she tried anything.
TEST_F(Roaming, ComesBackFromAnotherNetworkWithoutWaitingForSilence) {
  ASSERT_NO_FATAL_FAILURE(meet());
  ASSERT_NO_FATAL_FAILURE(ip("link del eth0"));
  ASSERT_TRUE(until([this] { return !news_.empty(); }));
  EXPECT_THAT(news_, testing::ElementsAre("closed: this machine left the network that it went through"));
  EXPECT_FALSE(ann_->connected());
  ASSERT_NO_FATAL_FAILURE(plug("eth1", "192.0.2.11"));
  ASSERT_TRUE(until([this] { return news_.size() == 2; }));
  EXPECT_EQ(news_[1], "rejoined demo");
  EXPECT_EQ(ann_->peer(), "ann");
  ann_->message("bob", "here again");
  ASSERT_TRUE(until([this] { return seen_.size() == 3; }));
  EXPECT_THAT(seen_, testing::ElementsAre("ann left: replaced", "ann joined", "here again"));
}

TEST_F(Roaming, TakesTheOtherNetworkThatThereIs) {
  ASSERT_NO_FATAL_FAILURE(meet());
  ASSERT_NO_FATAL_FAILURE(plug("eth1", "192.0.2.11"));
  ASSERT_NO_FATAL_FAILURE(ip("link set eth0 down"));
  ASSERT_TRUE(until([this] { return news_.size() == 2; }));
  EXPECT_EQ(news_[1], "rejoined demo");
}

// Nothing here changes when the way to the server breaks elsewhere. Whoever sends notices all the same.
TEST_F(Roaming, NoticesThatWhatItSendsDoesNotArrive) {
  ClientOptions options;
  options.send_timeout = std::chrono::milliseconds(300);
  options.connect_timeout = std::chrono::milliseconds(500);
  ASSERT_NO_FATAL_FAILURE(meet(options));
  server_side_->enter();
  ip("link set to-eth0 nomaster");
  ann_->message("bob", "does not arrive");
  ASSERT_TRUE(until([this] { return !news_.empty(); }));
  EXPECT_THAT(news_[0], testing::StartsWith("closed: "));
  ip("link set to-eth0 master bridge");
  client_side_->enter();
  ASSERT_TRUE(until([this] { return news_.size() == 2; }));
  EXPECT_EQ(news_[1], "rejoined demo");
}

TEST_F(Roaming, StaysWhereItIsWhenAnotherInterfaceComesAndGoes) {
  ASSERT_NO_FATAL_FAILURE(meet());
  ASSERT_NO_FATAL_FAILURE(plug("eth1", "192.0.2.11"));
  ASSERT_NO_FATAL_FAILURE(ip("addr add 192.0.2.12/24 dev eth0"));
  ASSERT_NO_FATAL_FAILURE(ip("addr del 192.0.2.12/24 dev eth0"));
  ASSERT_NO_FATAL_FAILURE(ip("link del eth1"));
  // Longer than a burst of changes takes to settle.
  asio::steady_timer timer(context, std::chrono::milliseconds(300));
  run([&timer]() -> asio::awaitable<void> { co_await timer.async_wait(asio::use_awaitable); });
  ann_->message("bob", "still here");
  ASSERT_TRUE(until([this] { return !seen_.empty(); }));
  EXPECT_THAT(seen_, testing::ElementsAre("still here"));
  EXPECT_TRUE(news_.empty());
}

}  // namespace
}  // namespace linnet::signaling
