#include <algorithm>

#include "base/json_line.hpp"
#include "linnet/core/trace.hpp"

namespace linnet::trace {
namespace {

std::int64_t microseconds(Duration time) noexcept {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

void path(JsonLine& json, const Path& path) {
  json.text("local", to_string(path.local)).text("remote", to_string(path.remote));
}

/// The event's name, and the members of its "data": one overload for each kind.
class Writer {
 public:
  explicit Writer(JsonLine& json) noexcept : json_(json) {}

  void operator()(const StateUpdated& e) {
    name(e.name);
    if (!e.before.empty()) json_.text("old", e.before);
    json_.text("new", e.after);
  }
  void operator()(const IceCandidate& e) {
    name(e.local ? "ice:candidate_gathered" : "ice:candidate_received").text("candidate", e.text);
  }
  void operator()(const IceCandidateError& e) {
    name("ice:candidate_error").text("url", e.url).number("code", e.code).text("text", e.text);
  }
  void operator()(const IcePairUpdated& e) {
    path(name("ice:candidate_pair_state_updated").number("pair", e.pair), e.path);
    if (!e.before.empty()) json_.text("old", e.before);
    if (!e.after.empty()) json_.text("new", e.after);
    json_.flag("nominated", e.nominated);
  }
  void operator()(const IceSelectedPair& e) { path(name("ice:selected_pair_updated"), e.path); }
  void operator()(const DtlsFlight& e) {
    name(e.again ? "dtls:flight_resent" : "dtls:flight_sent").number("messages", e.messages).number("bytes", e.bytes);
  }
  void operator()(const DtlsAlert& e) {
    name(e.sent ? "dtls:alert_sent" : "dtls:alert_received")
        .number("level", e.level)
        .number("description", e.description)
        .flag("sealed", e.sealed);
  }
  void operator()(const DtlsKeysInstalled& e) {
    name("dtls:keys_installed").text("role", e.role).text("cipher", e.cipher);
  }
  void operator()(const SctpPacket& e) {
    using enum SctpPacket::What;
    name(e.what == Sent       ? "sctp:packet_sent"
         : e.what == Received ? "sctp:packet_received"
                              : "sctp:packet_dropped")
        .number("size", e.size)
        .number("chunk_count", e.chunk_count);
    if (e.chunk_count == 0) return;
    json_.begin_array("chunks");
    for (std::size_t i = 0; i < std::min<std::size_t>(e.chunk_count, e.chunks.size()); ++i) chunk(e.chunks[i]);
    json_.end_array();
  }
  void operator()(const SctpDataLost& e) { name("sctp:data_lost").number("bytes", e.bytes).text("trigger", e.trigger); }
  void operator()(const SctpDataRetransmitted& e) {
    name("sctp:data_retransmitted").number("tsn", e.tsn).number("stream_id", e.stream).number("bytes", e.bytes);
  }
  void operator()(const SctpTimerExpired& e) {
    name("sctp:timer_expired")
        .text("timer", e.timer)
        .milliseconds("timeout", microseconds(e.timeout))
        .number("errors", e.errors);
  }
  void operator()(const SctpMetrics& e) {
    name("sctp:metrics_updated").number("congestion_window", e.congestion_window);
    if (e.slow_start_threshold != 0) json_.number("ssthresh", e.slow_start_threshold);
    json_.number("bytes_in_flight", e.bytes_in_flight)
        .number("peer_window", e.peer_window)
        .milliseconds("smoothed_rtt", microseconds(e.smoothed_rtt))
        .milliseconds("rto", microseconds(e.retransmission_timeout));
  }
  void operator()(const SctpMtuUpdated& e) { name("sctp:mtu_updated").number("old", e.before).number("new", e.after); }
  void operator()(const ChannelState& e) {
    name(e.name).number("channel", e.channel);
    if (e.stream) json_.number("stream_id", *e.stream);
    if (e.name == "datachannel:open") json_.text("label", e.label);
  }
  void operator()(const ChannelMessage& e) {
    name(e.sent ? "datachannel:message_sent" : "datachannel:message_received")
        .number("channel", e.channel)
        .number("stream_id", e.stream)
        .flag("binary", e.binary)
        .number("bytes", e.bytes);
  }
  void operator()(const RecordsDropped& e) { name("linnet:records_dropped").number("count", e.count); }

 private:
  JsonLine& name(std::string_view event) { return json_.text("name", event).begin("data"); }

  void chunk(const SctpChunk& c) {
    json_.begin().text("type", c.type).number("size", c.size);
    if (c.tsn) json_.number(c.stream ? "tsn" : "cumulative_tsn", *c.tsn);
    if (c.stream) json_.number("stream_id", *c.stream);
    if (c.gaps) json_.number("gap_blocks", *c.gaps);
    if (c.window) json_.number("window", *c.window);
    json_.end();
  }

  JsonLine& json_;
};

}  // namespace

std::string qlog_header(std::string_view title) {
  std::string out;
  JsonLine{out}
      .begin()
      .text("qlog_version", "0.3")
      .text("qlog_format", "NDJSON")
      .text("title", title)
      .begin("trace")
      .begin("vantage_point")
      .text("name", "linnet")
      .text("type", "unknown")
      .end()
      .begin("common_fields")
      .text("time_format", "absolute")
      .end()
      .end()
      .end();
  return out;
}

void append_qlog(std::string& out, const Record& record, std::chrono::nanoseconds wall_clock, std::string_view group) {
  JsonLine json{out};
  json.begin().milliseconds("time", microseconds(record.at.time_since_epoch() + wall_clock));
  if (!group.empty()) json.text("group_id", group);
  std::visit(Writer{json}, record.event);
  json.end().end();
  out += '\n';
}

}  // namespace linnet::trace
