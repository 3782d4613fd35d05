#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/testing/json_check.hpp"
#include "linnet/core/trace.hpp"

namespace linnet::trace {
namespace {

using namespace std::chrono_literals;
using linnet::testing::JsonCheck;

std::string line(Event event, std::string_view group = {}) {
  std::string out;
  append_qlog(out, {.at = TimePoint{1'500us}, .event = std::move(event)}, 10s, group);
  return out;
}

const Path path{{*IpAddress::parse("192.0.2.1"), 1}, {*IpAddress::parse("2001:db8::1"), 2}};

std::vector<Event> one_of_each() {
  return {StateUpdated{"ice:state_updated", "new", "checking"},
          IceCandidate{true, "candidate:1 1 udp 1 192.0.2.1 1 typ host"},
          IceCandidateError{"stun:x", 701, "\"broken\"\n"},
          IcePairUpdated{1, path, "waiting", "in-progress", true},
          IceSelectedPair{path},
          DtlsFlight{true, 3, 500},
          DtlsAlert{true, 2, 42, false},
          DtlsKeysInstalled{"client", "TLS_X"},
          SctpPacket{},
          SctpDataLost{10, "t3_rtx"},
          SctpDataRetransmitted{7, 1, 1'000},
          SctpTimerExpired{"t3_rtx", 300ms, 1},
          SctpMetrics{1, 2, 3, 4, 5ms, 6ms},
          SctpMtuUpdated{1'163, 1'400},
          ChannelState{"datachannel:open", 1, 0, "a\\b"},
          ChannelMessage{true, true, 1, 0, 5},
          RecordsDropped{4}};
}

TEST(Qlog, EveryKindOfRecordIsOneLineOfJson) {
  std::vector<Event> events = one_of_each();
  EXPECT_EQ(events.size(), std::variant_size_v<Event>);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].index(), i);
    std::string text = line(std::move(events[i]), "g");
    ASSERT_TRUE(text.ends_with('\n'));
    text.pop_back();
    EXPECT_TRUE(JsonCheck::is_json(text)) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_TRUE(text.starts_with(R"({"time":10001.500,"group_id":"g","name":")")) << text;
  }
  EXPECT_TRUE(JsonCheck::is_json(qlog_header("a \"title\"")));
}

TEST(Qlog, DescribesTheChunksOfAPacket) {
  SctpPacket packet{.what = SctpPacket::What::Received, .size = 1'180, .chunk_count = 2};
  packet.chunks[0] = {.type = "sack", .size = 20, .tsn = 7, .gaps = 1, .window = 65'536};
  packet.chunks[1] = {.type = "data", .size = 1'100, .tsn = 9, .stream = 3};
  EXPECT_EQ(line(packet),
            R"({"time":10001.500,"name":"sctp:packet_received","data":{"size":1180,"chunk_count":2,"chunks":[)"
            R"({"type":"sack","size":20,"cumulative_tsn":7,"gap_blocks":1,"window":65536},)"
            R"({"type":"data","size":1100,"tsn":9,"stream_id":3}]}})"
            "\n");
}

TEST(Qlog, ShowsNoMoreChunksThanARecordHolds) {
  SctpPacket packet{.size = 1'180, .chunk_count = 50};
  for (auto& chunk : packet.chunks) chunk = {.type = "data", .size = 20};
  const std::string text = line(packet);
  EXPECT_NE(text.find(R"("chunk_count":50)"), std::string::npos);
  std::size_t shown = 0;
  for (std::size_t at = 0; (at = text.find("\"type\"", at)) != std::string::npos; ++at) ++shown;
  EXPECT_EQ(shown, SctpPacket::max_chunks);
  EXPECT_TRUE(JsonCheck::is_json(std::string_view{text}.substr(0, text.size() - 1))) << text;
}

TEST(Qlog, MakesValidTextOfWhatIsNone) {
  const auto label = [](std::string text) { return line(ChannelState{"datachannel:open", 1, {}, std::move(text)}); };
  EXPECT_NE(label("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xA6").find("\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xA6\""),
            std::string::npos);
  EXPECT_NE(label("a\x01\"\\").find(R"("a\u0001\"\\")"), std::string::npos);
  // A lone continuation, a lead without its end, an overlong form, a surrogate, too large.
  for (const char* wrong :
       {"\x80", "\xC3", "\xE2\x82", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    const std::string text = label(std::string{"x"} + wrong + "y");
    EXPECT_NE(text.find(R"("x\ufffd)"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("y\"}}\n")) << text;
    for (const char c : text) EXPECT_LT(static_cast<unsigned char>(c), 0x80U);
  }
}

TEST(Qlog, TimesBeforeTheEpochKeepTheirSign) {
  std::string out;
  append_qlog(out, {.at = TimePoint{1us}, .event = RecordsDropped{1}}, -1ms, {});
  EXPECT_TRUE(out.starts_with(R"({"time":-0.999,)")) << out;
}

}  // namespace
}  // namespace linnet::trace
