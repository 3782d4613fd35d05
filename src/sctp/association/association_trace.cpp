#include "sctp/association/association_trace.hpp"

#include <utility>

#include "base/bytes.hpp"

namespace linnet::sctp {
namespace {

std::string_view name_of(ChunkType type) noexcept {
  switch (type) {
    case ChunkType::Data: return "data";
    case ChunkType::Init: return "init";
    case ChunkType::InitAck: return "init_ack";
    case ChunkType::Sack: return "sack";
    case ChunkType::Heartbeat: return "heartbeat";
    case ChunkType::HeartbeatAck: return "heartbeat_ack";
    case ChunkType::Abort: return "abort";
    case ChunkType::Shutdown: return "shutdown";
    case ChunkType::ShutdownAck: return "shutdown_ack";
    case ChunkType::Error: return "error";
    case ChunkType::CookieEcho: return "cookie_echo";
    case ChunkType::CookieAck: return "cookie_ack";
    case ChunkType::EcnEcho: return "ecn_echo";
    case ChunkType::Cwr: return "cwr";
    case ChunkType::ShutdownComplete: return "shutdown_complete";
    case ChunkType::IData: return "i_data";
    case ChunkType::Reconfig: return "re_config";
    case ChunkType::Pad: return "pad";
    case ChunkType::ForwardTsn: return "forward_tsn";
    case ChunkType::IForwardTsn: return "i_forward_tsn";
  }
  return "unknown";
}

trace::SctpChunk describe(const ChunkView& chunk) {
  trace::SctpChunk out{.type = name_of(chunk.type), .size = static_cast<std::uint16_t>(chunk.whole.size())};
  ByteReader reader(chunk.value);
  switch (chunk.type) {
    case ChunkType::Data:
    case ChunkType::IData:
      if (const auto data = DataChunk::parse(chunk)) {
        out.tsn = data->tsn.value();
        out.stream = data->stream.value();
      }
      break;
    case ChunkType::Sack:
      if (const auto sack = SackChunk::parse(chunk)) {
        out.tsn = sack->cumulative.value();
        out.gaps = sack->gap_count;
        out.window = sack->a_rwnd;
      }
      break;
    case ChunkType::Shutdown:
    case ChunkType::ForwardTsn:
    case ChunkType::IForwardTsn:
      if (const std::uint32_t tsn = reader.u32(); reader.ok()) out.tsn = tsn;
      break;
    case ChunkType::Init:
    case ChunkType::InitAck:
      (void)reader.u32();
      if (const std::uint32_t window = reader.u32(); reader.ok()) out.window = window;
      break;
    default: break;
  }
  return out;
}

}  // namespace

void AssociationTrace::packet(trace::SctpPacket::What what, std::span<const std::byte> packet) {
  trace::SctpPacket out{.what = what, .size = static_cast<std::uint32_t>(packet.size())};
  // What was dropped may be anything; of the others the checksum, if they have one, was looked at already.
  const auto view = what == trace::SctpPacket::What::Dropped ? std::nullopt : PacketView::parse(packet, Checksum::Zero);
  if (view) {
    for (const ChunkView chunk : *view) {
      if (out.chunk_count < out.chunks.size()) out.chunks[out.chunk_count] = describe(chunk);
      ++out.chunk_count;
    }
  }
  buffer_->add(out);
}

void AssociationTrace::lost(std::size_t bytes, std::string_view trigger) {
  if (bytes != 0) buffer_->add(trace::SctpDataLost{.bytes = bytes, .trigger = trigger});
}

void AssociationTrace::state(std::string_view state) {
  if (state == state_) return;
  buffer_->add(trace::StateUpdated{"sctp:state_updated", std::exchange(state_, state), state});
}

void AssociationTrace::congestion(std::string_view state) {
  if (state == congestion_) return;
  buffer_->add(trace::StateUpdated{"sctp:congestion_state_updated", std::exchange(congestion_, state), state});
}

void AssociationTrace::metrics(const trace::SctpMetrics& metrics) {
  if (metrics == metrics_) return;
  metrics_ = metrics;
  buffer_->add(metrics);
}

void AssociationTrace::mtu(std::size_t mtu) {
  if (mtu == mtu_) return;
  buffer_->add(trace::SctpMtuUpdated{.before = std::exchange(mtu_, mtu), .after = mtu});
}

}  // namespace linnet::sctp
