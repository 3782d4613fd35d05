#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/trace_buffer.hpp"
#include "sctp/packet/chunk.hpp"

namespace linnet::sctp {

/// What one association writes into the trace, and what it wrote last, so that only changes are told. Owned by the core
/// while the session is traced; there is none otherwise. Decides nothing.
class AssociationTrace {
 public:
  explicit AssociationTrace(TraceBuffer& buffer, std::size_t mtu) noexcept : buffer_(&buffer), mtu_(mtu) {}

  void packet(trace::SctpPacket::What what, std::span<const std::byte> packet);
  void lost(std::size_t bytes, std::string_view trigger);
  void retransmitted(Tsn tsn, StreamId stream, std::size_t bytes) {
    buffer_->add(trace::SctpDataRetransmitted{tsn.value(), stream.value(), bytes});
  }
  void expired(std::string_view timer, Duration timeout, unsigned errors) {
    buffer_->add(trace::SctpTimerExpired{timer, timeout, errors});
  }

  // Told only when they differ from the last.
  void state(std::string_view state);
  void congestion(std::string_view state);
  void metrics(const trace::SctpMetrics& metrics);
  void mtu(std::size_t mtu);

 private:
  TraceBuffer* buffer_;
  std::string_view state_ = "closed";
  std::string_view congestion_ = "slow_start";
  trace::SctpMetrics metrics_;
  std::size_t mtu_;
};

}  // namespace linnet::sctp
