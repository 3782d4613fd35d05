#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/testing/json_check.hpp"
#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Tuning traced{.trace = "on", .key_log = "on"};

struct Lines {
  explicit Lines(Session& session) {
    while (const auto record = session.poll_trace()) {
      trace::append_qlog(text, *record, 0s, {});
      const std::size_t begin = text.rfind('\n', text.size() - 2) + 1;
      all.push_back(text.substr(begin, text.size() - 1 - begin));
      records.push_back(*record);
    }
  }
  template <class E>
  [[nodiscard]] std::vector<E> of() const {
    std::vector<E> out;
    for (const trace::Record& r : records)
      if (const E* e = std::get_if<E>(&r.event)) out.push_back(*e);
    return out;
  }
  /// Where the first line behind `from` is that has both texts.
  [[nodiscard]] std::size_t find(std::string_view name, std::string_view part = {}, std::size_t from = 0) const {
    const std::string quoted = "\"name\":\"" + std::string{name} + "\"";
    for (std::size_t i = from; i < all.size(); ++i)
      if (all[i].find(quoted) != std::string::npos && all[i].find(part) != std::string::npos) return i;
    return all.size();
  }

  std::string text;
  std::vector<std::string> all;
  std::vector<trace::Record> records;
};

TEST(SessionTrace, ToldLinesAreJsonWithTheStepsOfAConnectionInOrder) {
  Rig rig{1, {}, traced, traced};
  const ChannelId id = rig.connect();
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "secret words"));
  rig.run_for(1s);
  rig.a.session->close(rig.now());
  rig.run_for(5s);
  const Lines lines{*rig.a.session};
  for (const std::string& line : lines.all) EXPECT_TRUE(linnet::testing::JsonCheck::is_json(line)) << line;
  constexpr std::pair<std::string_view, std::string_view> steps[] = {
      {"connection:signaling_state_updated", R"("new":"have-local-offer")"},
      {"ice:candidate_received", "192.0.2.2"},
      {"ice:candidate_pair_state_updated", R"("new":"in-progress")"},
      {"ice:candidate_pair_state_updated", R"("new":"succeeded")"},
      {"ice:selected_pair_updated", R"("remote":"192.0.2.2:)"},
      {"ice:state_updated", R"("new":"connected")"},
      {"dtls:state_updated", R"("new":"connected")"},
      {"sctp:state_updated", R"("old":"closed","new":"cookie_wait")"},
      {"sctp:packet_sent", R"("type":"init","size")"},
      {"sctp:state_updated", R"("new":"established")"},
      {"datachannel:open", R"("label":"chat")"},
      {"datachannel:message_sent", R"("binary":false,"bytes":12)"},
      {"sctp:packet_sent", R"("type":"i_data")"},
      {"sctp:packet_received", R"("cumulative_tsn")"},
      {"sctp:metrics_updated", R"("congestion_window")"},
      {"datachannel:closed", ""},
      {"connection:state_updated", R"("old":"connected","new":"closed")"},
      {"sctp:state_updated", R"("new":"shutdown_sent")"},
      {"sctp:state_updated", R"("new":"closed")"},
      {"dtls:alert_sent", R"("description":0,"sealed":true)"},
      {"ice:state_updated", R"("new":"closed")"}};
  std::size_t at = 0;
  for (const auto& [name, part] : steps) {
    const std::size_t found = lines.find(name, part, at);
    ASSERT_LT(found, lines.all.size()) << name << ' ' << part << " after line " << at << "\n" << lines.text;
    at = found;
  }
  EXPECT_LT(lines.find("ice:candidate_gathered", "192.0.2.1"), lines.all.size());
  EXPECT_LT(lines.find("dtls:flight_sent"), lines.find("dtls:keys_installed", "TLS_ECDHE_ECDSA"));
  EXPECT_TRUE(std::ranges::is_sorted(lines.records, {}, &trace::Record::at));
  EXPECT_THAT(lines.text, Not(HasSubstr("secret")));
  const Lines other{*rig.b.session};
  EXPECT_LT(other.find("datachannel:message_received", R"("bytes":12)"), other.all.size());
}

TEST(SessionTrace, GivesTheSameKeyLineOnBothSidesAndKeepsItOutOfTheTrace) {
  Rig rig{1, {}, traced, traced};
  rig.connect();
  const auto line = rig.a.session->poll_key_log();
  ASSERT_TRUE(line);
  EXPECT_EQ(rig.b.session->poll_key_log(), line);
  EXPECT_THAT(*line, ::testing::MatchesRegex("CLIENT_RANDOM [0-9a-f]+ [0-9a-f]+"));
  EXPECT_EQ(line->size(), 14U + 64U + 1U + 96U);
  const Lines lines{*rig.a.session};
  EXPECT_THAT(lines.text, Not(HasSubstr(line->substr(14 + 65))));
  EXPECT_FALSE(rig.a.session->poll_key_log());
}

TEST(SessionTrace, TellsOfLossRecoveryAndPathMtu) {
  Rig rig{3, {.latency = 20ms, .bits_per_second = 16'000'000, .loss = 0.03}, traced};
  const ChannelId id = rig.connect();
  const auto data = pattern(200'000);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, data));
  ASSERT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 5; }, 120s), sim::Stop::Done);
  const Lines lines{*rig.a.session};
  EXPECT_FALSE(lines.of<trace::SctpDataLost>().empty());
  EXPECT_LT(lines.find("sctp:congestion_state_updated", R"("new":"recovery")"), lines.all.size());
  const auto again = lines.of<trace::SctpDataRetransmitted>();
  ASSERT_FALSE(again.empty());
  // What is said to be sent again was sent before, and is in a packet that follows.
  const std::string tsn = "\"tsn\":" + std::to_string(again.front().tsn) + ",";
  const std::size_t first = lines.find("sctp:packet_sent", tsn);
  const std::size_t told = lines.find("sctp:data_retransmitted", tsn);
  EXPECT_LT(first, told);
  EXPECT_LT(lines.find("sctp:packet_sent", tsn, told), lines.all.size());
  const auto mtu = lines.of<trace::SctpMtuUpdated>();
  ASSERT_FALSE(mtu.empty());
  EXPECT_GT(mtu.front().after, mtu.front().before);
  for (const auto& m : lines.of<trace::SctpMetrics>()) EXPECT_NE(m.congestion_window, 0U);
}

TEST(SessionTrace, ChangesNothingOfWhatTheSessionDoes) {
  const auto run = [](const Tuning& tuning) {
    Rig rig{5, {.latency = 10ms, .loss = 0.02}, tuning};
    const ChannelId id = rig.connect();
    const auto data = pattern(100'000);
    EXPECT_TRUE(rig.a.session->send(rig.now(), id, data));
    EXPECT_EQ(rig.run_until([&] { return rig.b.received[rig.remote()].size() == 1; }, 60s), sim::Stop::Done);
    return rig.now();
  };
  EXPECT_EQ(run({}), run(traced));
}

TEST(SessionTrace, IsEmptyUnlessAskedFor) {
  Rig rig;
  rig.connect();
  EXPECT_FALSE(rig.a.session->poll_trace());
  EXPECT_FALSE(rig.a.session->poll_key_log());
}

}  // namespace
}  // namespace linnet::session::testing
