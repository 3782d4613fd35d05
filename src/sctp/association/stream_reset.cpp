#include "sctp/association/stream_reset.hpp"

#include <algorithm>
#include <utility>

#include "sctp/packet/packet_writer.hpp"

namespace linnet::sctp {
namespace {

// RFC 6525 section 4.
constexpr std::uint16_t outgoing_reset = 13;
constexpr std::uint16_t incoming_reset = 14;
constexpr std::uint16_t tsn_reset = 15;
constexpr std::uint16_t response = 16;
constexpr std::uint16_t add_outgoing = 17;
constexpr std::uint16_t add_incoming = 18;

}  // namespace

bool StreamReset::begin(SendQueue& queue, std::size_t max_streams) {
  if (under_way()) return false;
  while (requested_.size() < max_streams) {
    const auto stream = queue.poll_drained();
    if (!stream) break;
    requested_.push_back(*stream);
  }
  waiting_ -= requested_.size();
  send_request_ = under_way();
  return send_request_;
}

void StreamReset::respond(ReconfigSn sn, ResultCode result) noexcept {
  if (response_count_ < responses_.size()) responses_[response_count_++] = {sn, result};
}

std::optional<StreamReset::Outcome> StreamReset::handle(const ChunkView& chunk, DataTracker& tracker,
                                                        ReassemblyQueue& reassembly, bool busy) {
  std::optional<Outcome> outcome;
  TlvReader parameters(chunk.value);
  while (const auto parameter = parameters.next()) {
    if (parameter->type == response) {
      if (auto ended = handle_response(parameter->value)) outcome = std::move(ended);
      continue;
    }
    if (parameter->type < outgoing_reset || parameter->type > add_incoming || parameter->value.size() < 4) continue;
    // RFC 6525 section 5.2.1.
    const ReconfigSn sn{load_be<std::uint32_t>(parameter->value.data())};
    const bool again = last_result_ && sn + 1U == expected_;
    if (!again && sn != expected_) {
      respond(sn, ResultCode::BadSequenceNumber);
      continue;
    }
    if (!again) ++expected_;
    if (!again || *last_result_ == ResultCode::InProgress)
      last_result_ = handle_request(parameter->type, parameter->value, tracker, reassembly, busy);
    respond(sn, *last_result_);
  }
  return outcome;
}

StreamReset::ResultCode StreamReset::handle_request(std::uint16_t type, std::span<const std::byte> value,
                                                    DataTracker& tracker, ReassemblyQueue& reassembly, bool busy) {
  switch (type) {
    case outgoing_reset: return handle_outgoing(value, tracker, reassembly, busy);
    // A data channel is closed by resetting one's own streams (RFC 8831 section 6.7); nobody needs to ask for ours.
    case incoming_reset: return ResultCode::NothingToDo;
    // Every stream id is valid from the start here, so more of the peer's cost nothing.
    case add_outgoing: return ResultCode::Performed;
    case tsn_reset:
    case add_incoming:
    default: return ResultCode::Denied;
  }
}

//  |     Re-configuration Request Sequence Number                  |
//  |     Re-configuration Response Sequence Number                 |
//  |                Sender's Last Assigned TSN                     |
//  |  Stream Number 1 (optional)   |    Stream Number 2 (optional) | ...
StreamReset::ResultCode StreamReset::handle_outgoing(std::span<const std::byte> value, DataTracker& tracker,
                                                     ReassemblyQueue& reassembly, bool busy) {
  ByteReader reader(value);
  const ReconfigSn sn{reader.u32()};
  reader.skip(4);
  const Tsn last_assigned{reader.u32()};
  if (!reader.ok() || reader.remaining() % 2 != 0) return ResultCode::Denied;
  if (busy || incoming_) return ResultCode::InProgress;
  std::vector<StreamId> streams;
  streams.reserve(reader.remaining() / 2);
  while (reader.remaining() != 0) streams.emplace_back(reader.u16());
  // Section 5.2.2 E2: not before everything that was sent on the streams has come.
  if (last_assigned > tracker.cumulative()) {
    deferred_ = Deferred{sn, last_assigned, std::move(streams)};
    return ResultCode::InProgress;
  }
  perform(std::move(streams), reassembly);
  return ResultCode::Performed;
}

void StreamReset::data_arrived(const DataTracker& tracker, ReassemblyQueue& reassembly) {
  if (!deferred_ || incoming_ || deferred_->last_assigned > tracker.cumulative()) return;
  Deferred deferred = *std::exchange(deferred_, std::nullopt);
  perform(std::move(deferred.streams), reassembly);
  if (deferred.sn + 1U != expected_) return;
  last_result_ = ResultCode::Performed;
  respond(deferred.sn, ResultCode::Performed);
}

void StreamReset::perform(std::vector<StreamId> streams, ReassemblyQueue& reassembly) {
  deferred_.reset();
  reassembly.reset(streams);
  incoming_ = std::move(streams);
}

std::optional<std::vector<StreamId>> StreamReset::take_incoming() noexcept {
  return std::exchange(incoming_, std::nullopt);
}

std::optional<StreamReset::Outcome> StreamReset::handle_response(std::span<const std::byte> value) {
  ByteReader reader(value);
  const ReconfigSn sn{reader.u32()};
  const auto result = static_cast<ResultCode>(reader.u32());
  if (!reader.ok() || !under_way() || sn != next_request_) return std::nullopt;
  if (result == ResultCode::InProgress) {
    held_up_ = true;
    return Outcome{.result = result};
  }
  held_up_ = false;
  ++next_request_;
  send_request_ = false;
  const bool performed = result == ResultCode::Performed || result == ResultCode::NothingToDo;
  return Outcome{std::exchange(requested_, {}), performed, result};
}

std::size_t StreamReset::write(std::span<std::byte> out, const OutstandingData& outstanding) {
  ByteWriter writer(out);
  for (std::size_t i = 0; i < response_count_ && i < 2; ++i) {  // section 3.1: at most two parameters
    std::array<std::byte, 8> value;
    store_be(value.data(), responses_[i].sn.value());
    store_be(value.data() + 4, std::to_underlying(responses_[i].result));
    write_tlv(writer, response, value);
  }
  if (response_count_ != 0) {
    if (!writer.ok()) return 0;
    const std::size_t written = std::min<std::size_t>(response_count_, 2);
    std::copy(responses_.begin() + static_cast<std::ptrdiff_t>(written), responses_.end(), responses_.begin());
    response_count_ -= written;
    return writer.size();
  }
  const std::size_t size = chunk_header_size + 12 + 2 * requested_.size();
  writer.u16(outgoing_reset);
  writer.u16(static_cast<std::uint16_t>(size));
  writer.u32(next_request_.value());
  writer.u32((expected_ - 1U).value());
  // Deviation: section 4.1 wants the last TSN assigned at all. Every TSN of these streams was acknowledged
  // already, so the cumulative point says the same about them, and other streams' data in flight is no reason
  // for the peer to answer "in progress".
  writer.u32(outstanding.cumulative().value());
  for (const StreamId id : requested_) writer.u16(id.value());
  if (!writer.ok()) return 0;
  send_request_ = false;
  return writer.size();
}

}  // namespace linnet::sctp
