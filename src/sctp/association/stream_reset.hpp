#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sctp/packet/chunk.hpp"
#include "sctp/rx/data_tracker.hpp"
#include "sctp/rx/reassembly_queue.hpp"
#include "sctp/tx/outstanding_data.hpp"
#include "sctp/tx/send_queue.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// RFC 6525 re-configuration: our outgoing stream resets, one request at a time, and the answers to the peer's.
/// Owned by the association's core, which runs its timer and turns outcomes into events.
class StreamReset {
 public:
  enum class ResultCode : std::uint32_t {
    NothingToDo = 0,
    Performed = 1,
    Denied = 2,
    WrongSsn = 3,
    RequestInProgress = 4,
    BadSequenceNumber = 5,
    InProgress = 6,
  };
  /// How one of our requests ended, or (InProgress, without streams) that it did not end yet.
  struct Outcome {
    std::vector<StreamId> streams;
    bool performed = false;
    ResultCode result{};
  };

  StreamReset(Tsn local_initial, Tsn peer_initial) noexcept
      : next_request_(local_initial.value()), expected_(peer_initial.value()) {}

  // Ours.
  /// One more stream is marked in the send queue as to be reset.
  void add() noexcept { ++waiting_; }
  /// Makes a request of the marked streams that have nothing queued or outstanding, when none is under way.
  bool begin(SendQueue& queue, std::size_t max_streams);
  /// Whether streams have still to send or to see acknowledged what stands before their reset.
  [[nodiscard]] bool waiting() const noexcept { return waiting_ != 0; }
  [[nodiscard]] bool under_way() const noexcept { return !requested_.empty(); }
  /// The peer's last word about the request was "in progress"; until the request is sent again.
  [[nodiscard]] bool held_up() const noexcept { return held_up_; }
  /// The request (again) at the next poll.
  void send_again() noexcept {
    send_request_ = under_way();
    held_up_ = false;
  }

  // The peer's.
  /// Answers every request of a RE-CONFIG chunk. `busy`: the owner has not looked at earlier resets yet.
  [[nodiscard]] std::optional<Outcome> handle(const ChunkView& chunk, DataTracker& tracker, ReassemblyQueue& reassembly,
                                              bool busy);
  /// Performs a reset that waited for missing TSNs.
  void data_arrived(const DataTracker& tracker, ReassemblyQueue& reassembly);
  /// Streams that the peer has reset; an empty list means all.
  [[nodiscard]] std::optional<std::vector<StreamId>> take_incoming() noexcept;

  // Output.
  [[nodiscard]] bool wants_to_send() const noexcept { return send_request_ || response_count_ != 0; }
  /// A RE-CONFIG chunk's value: responses, or the request. 0 when it does not fit.
  [[nodiscard]] std::size_t write(std::span<std::byte> out, const OutstandingData& outstanding);

 private:
  struct Response {
    ReconfigSn sn;
    ResultCode result{};
  };
  struct Deferred {
    ReconfigSn sn;
    Tsn last_assigned;
    std::vector<StreamId> streams;
  };
  [[nodiscard]] ResultCode handle_request(std::uint16_t type, std::span<const std::byte> value, DataTracker& tracker,
                                          ReassemblyQueue& reassembly, bool busy);
  [[nodiscard]] ResultCode handle_outgoing(std::span<const std::byte> value, DataTracker& tracker,
                                           ReassemblyQueue& reassembly, bool busy);
  [[nodiscard]] std::optional<Outcome> handle_response(std::span<const std::byte> value);
  void perform(std::vector<StreamId> streams, ReassemblyQueue& reassembly);
  void respond(ReconfigSn sn, ResultCode result) noexcept;

  std::size_t waiting_ = 0;
  std::vector<StreamId> requested_;
  ReconfigSn next_request_;
  bool send_request_ = false;
  bool held_up_ = false;

  ReconfigSn expected_;
  std::optional<ResultCode> last_result_;  // of the request before `expected_`
  std::optional<Deferred> deferred_;
  std::array<Response, 4> responses_{};
  std::size_t response_count_ = 0;
  std::optional<std::vector<StreamId>> incoming_;
};

}  // namespace linnet::sctp
