// The server's side of the golden transcripts: the frames of the clients go into the hub, and what it says is expected.
#include "tests/golden.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "hub/hub.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;

class HubGolden : public testing::TestWithParam<const char*> {
 protected:
  void act(const json::object& line) {
    const std::string verb(line.at("do").as_string());
    const std::string who = line.contains("who") ? std::string(line.at("who").as_string()) : std::string();
    if (verb == "lost") sockets_[std::string(line.at("old").as_string())] = sockets_.at(who);
    if (verb == "connect" || verb == "lost") {
      sockets_[who] = ConnectionId(++last_);
      hub_->connect(now_, ConnectionId(last_), "");
    }
    if (verb == "turn") {
      std::vector<std::string> urls;
      for (const auto& url : line.at("urls").as_array()) urls.emplace_back(url.as_string());
      hub_.emplace(HubOptions{.turn = {{.urls = std::move(urls),
                                        .secret = std::string(line.at("secret").as_string()),
                                        .lifetime = std::chrono::seconds(line.at("lifetime").as_int64())}}},
                   random_);
    }
    if (verb == "drop") hub_->disconnect(now_, sockets_.at(who));
    if (verb == "stop") hub_->shut_down(now_);
    if (verb == "wait") {
      now_ += std::chrono::milliseconds(line.at("ms").as_int64());
      hub_->handle_timeout(now_);
    }
  }
  /// The next thing that `who` got: a frame, or {"close":CODE}.
  json::object next(const std::string& who) {
    auto& inbox = inboxes_[sockets_.at(who)];
    if (inbox.empty()) return {};
    json::object out = std::move(inbox.front());
    inbox.pop_front();
    return out;
  }
  void drain() {
    while (auto event = hub_->poll_event()) {
      if (auto* send = std::get_if<Hub::Send>(&*event)) {
        inboxes_[send->to].push_back(json::parse(send->text).as_object());
      } else {
        const auto& close = std::get<Hub::Close>(*event);
        inboxes_[close.to].push_back(json::object{{"close", close.code}});
      }
    }
  }
  void step(Golden& golden, const json::object& line) {
    if (line.contains("do")) return act(line);
    const std::string who(line.at("who").as_string());
    if (const auto* frame = line.if_contains("client")) {
      hub_->handle_text(now_, sockets_.at(who), json::serialize(golden.fill(*frame)));
    } else if (const auto* raw = line.if_contains("raw")) {
      hub_->handle_text(now_, sockets_.at(who), raw->as_string());
    } else {
      const json::object got = next(who);
      const json::value expected =
          line.contains("server") ? line.at("server") : json::value{{"close", line.at("close")}};
      EXPECT_TRUE(golden.match(expected, got)) << "got " << json::serialize(got);
    }
  }

  SeededGenerator random_{1};
  std::optional<Hub> hub_{std::in_place, HubOptions{}, random_};
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t last_ = 0;
  std::map<std::string, ConnectionId> sockets_;
  std::map<ConnectionId, std::deque<json::object>> inboxes_;
};

TEST_P(HubGolden, AnswersAsTheTranscriptSays) {
  Golden golden(GetParam());
  std::size_t number = 0;
  for (const json::object& line : golden.lines()) {
    SCOPED_TRACE("line " + std::to_string(++number) + ": " + json::serialize(line));
    step(golden, line);
    drain();
  }
  for (const auto& [id, inbox] : inboxes_) {
    EXPECT_TRUE(inbox.empty()) << "not in the transcript: " << json::serialize(inbox.front());
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& test) {
  std::string name(test.param);
  name.resize(name.find('.'));
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, HubGolden,
                         testing::Values("two-peers.jsonl", "glare.jsonl", "takeover.jsonl", "going-away.jsonl",
                                         "ice-servers.jsonl", "server-errors.jsonl"),
                         name_of);

}  // namespace
}  // namespace linnet::signaling
