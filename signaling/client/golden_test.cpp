// The clients' side of the golden transcripts: this file is the server, and tests/fake_link.hpp the network.
#include "tests/golden.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>

#include "linnet/exception.hpp"
#include "tests/fake_link.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

struct Case {
  const char* file;
  const char* who;
};

class ClientGolden : public testing::TestWithParam<Case> {
 protected:
  void TearDown() override {
    client_.reset();
    context_.poll();
    FakeLink::current.reset();
  }

  void listen() {
    const auto presence = [this](const char* name) {
      return [this, name](const PeerEvent& e) {
        note({{"event", name}, {"room", e.room}, {"peer", e.info.peer}, {"data", e.info.data}, {"reason", e.reason}});
      };
    };
    client_->on_peer_joined = presence("peer-joined");
    client_->on_peer_updated = presence("peer-updated");
    client_->on_peer_left = presence("peer-left");
    client_->on_signal = [this](const Signal& s) {
      json::object event = to_json(s.body);
      event["event"] = "signal";
      event["from"] = s.from;
      if (!s.conn.empty()) event["conn"] = s.conn;
      note(std::move(event));
    };
    client_->on_message = [this](const Message& m) {
      note({{"event", "message"}, {"from", m.from}, {"data", m.data}});
    };
    client_->on_error = [this](const ServerError& e) {
      note({{"event", "error"}, {"code", to_string(e.code)}, {"to", e.to}});
    };
    client_->on_ice_servers = [this](const std::vector<IceServer>& servers) {
      EXPECT_EQ(client_->ice_servers(), servers);
      json::array list;
      for (const IceServer& server : servers) {
        list.push_back({{"urls", json::array(server.urls.begin(), server.urls.end())},
                        {"username", server.username},
                        {"credential", server.credential}});
      }
      note({{"event", "ice-servers"}, {"iceServers", std::move(list)}});
    };
    client_->on_closed = [this](const Closed& c) { note({{"event", "lost"}, {"again", c.will_reconnect}}); };
    client_->on_rejoined = [this](const Joined& j) { note({{"event", "rejoined"}, {"room", j.room}}); };
  }
  void note(json::object event) { events_.push_back(std::move(event)); }

  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition() && std::chrono::steady_clock::now() < end) context_.run_one_for(std::chrono::milliseconds(10));
    return condition();
  }
  auto completed(const char* what) {
    return [this, what](std::exception_ptr error, auto&&...) {
      if (!error || ended_) return;
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        ADD_FAILURE() << what << ": " << e.what();
      }
    };
  }

  void connect(const json::object& line) {
    ClientOptions options{.reconnect = true};
    if (line.contains("peer")) options.peer = std::string(line.at("peer").as_string());
    client_.emplace(context_.get_executor(), options);
    listen();
    client_->connect("ws://localhost", completed("connect"));
    ASSERT_TRUE(until([] { return FakeLink::current != nullptr; }));
  }
  void act(Golden& golden, const json::object& line) {
    const std::string verb(line.at("do").as_string());
    const auto text = [&](const char* key) {
      return line.contains(key) ? std::string(line.at(key).as_string()) : std::string();
    };
    if (verb == "connect") return connect(line);
    if (verb == "join") client_->join(text("room"), line.at("data").as_object(), completed("join"));
    if (verb == "update") client_->update(text("room"), line.at("data").as_object(), completed("update"));
    if (verb == "leave") client_->leave(text("room"), completed("leave"));
    if (verb == "message") client_->message(text("to"), line.at("data"));
    if (verb == "send") {
      const auto body = parse_signal_body(line.at("body").as_object());
      ASSERT_TRUE(body);
      client_->send(text("to"), *body, {}, text("conn"));
    }
    if (verb == "lost") {
      const int before = FakeLink::count;
      FakeLink::current->lose(0);
      EXPECT_TRUE(until([&] { return FakeLink::count > before; })) << "no second try";
    }
    if (verb == "drop") {
      ended_ = true;
      client_.reset();
    }
    if (verb == "expect") expect(golden, line);
  }
  void expect(Golden& golden, json::object wanted) {
    wanted.erase("do");
    wanted.erase("who");
    const bool seen = until([&] {
      while (!events_.empty() && !golden.match(wanted, events_.front())) events_.pop_front();
      return !events_.empty();
    });
    EXPECT_TRUE(seen);
    if (seen) events_.pop_front();
  }
  void step(Golden& golden, const json::object& line) {
    if (line.contains("do")) return act(golden, line);
    if (const auto* frame = line.if_contains("server")) {
      FakeLink::current->receive(golden.fill(*frame));
    } else if (const auto* code = line.if_contains("close")) {
      FakeLink::current->lose(static_cast<std::uint16_t>(code->as_int64()));
    } else if (const auto* wanted = line.if_contains("client")) {
      ASSERT_TRUE(until([] { return !FakeLink::current->sent.empty(); })) << "the client said nothing";
      EXPECT_TRUE(golden.match(*wanted, FakeLink::current->sent.front()))
          << "it said " << json::serialize(FakeLink::current->sent.front());
      FakeLink::current->sent.pop_front();
    }
  }

  asio::io_context context_;
  std::optional<Client> client_;
  std::deque<json::value> events_;
  bool ended_ = false;
};

TEST_P(ClientGolden, SaysAndUnderstandsWhatTheTranscriptHas) {
  Golden golden(GetParam().file);
  std::size_t number = 0;
  for (const json::object& line : golden.lines()) {
    ++number;
    if (!line.contains("who") || line.at("who") != GetParam().who) continue;
    SCOPED_TRACE("line " + std::to_string(number) + ": " + json::serialize(line));
    ASSERT_NO_FATAL_FAILURE(step(golden, line));
    context_.poll();
  }
  ASSERT_TRUE(FakeLink::current);
  EXPECT_TRUE(FakeLink::current->sent.empty())
      << "not in the transcript: " << json::serialize(FakeLink::current->sent.front());
}

std::string name_of(const testing::TestParamInfo<Case>& test) {
  std::string name(test.param.file);
  name.resize(name.find('.'));
  std::erase(name, '-');
  return name + "_" + test.param.who;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, ClientGolden,
                         testing::Values(Case{"two-peers.jsonl", "ann"}, Case{"two-peers.jsonl", "bob"},
                                         Case{"glare.jsonl", "ann"}, Case{"glare.jsonl", "bob"},
                                         Case{"takeover.jsonl", "ann"}, Case{"takeover.jsonl", "bob"},
                                         Case{"going-away.jsonl", "ann"}, Case{"going-away.jsonl", "bob"},
                                         Case{"ice-servers.jsonl", "ann"}, Case{"client-future.jsonl", "ann"}),
                         name_of);

}  // namespace
}  // namespace linnet::signaling
