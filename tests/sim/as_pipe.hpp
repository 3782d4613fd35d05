#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "base/machine.hpp"

namespace linnet::sim {

/// Shows a path machine as a pipe machine: all of its datagrams go along one path, and what it sends
/// elsewhere is lost. So that sim::Pair and the seven laws serve both kinds. Borrows the machine.
template <PathMachine M>
class AsPipe {
 public:
  using Event = typename M::Event;

  AsPipe(M& machine, const Path& path, std::size_t batch_bytes = 65'536)
      : machine_(machine), path_(path), batch_(batch_bytes) {}

  [[nodiscard]] M& inner() noexcept { return machine_; }
  [[nodiscard]] const Path& path() const noexcept { return path_; }

  /// The machine moves: a stream is made when it is needed.
  void set_path(const Path& path) { path_ = path; }

  void handle_timeout(TimePoint now) { machine_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_timeout() const noexcept { return std::as_const(machine_).next_timeout(); }
  [[nodiscard]] std::optional<Event> poll_event() { return machine_.poll_event(); }
  void handle_packet(TimePoint now, std::span<std::byte> bytes) {
    machine_.handle_datagram(Datagram{.at = now, .path = path_, .bytes = bytes});
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    for (;;) {
      if (const std::size_t size = take(out)) return size;
      if (drained_) {
        drained_ = false;
        return 0;
      }
      batch_.clear();
      run_ = 0;
      offset_ = 0;
      drained_ = machine_.poll_transmit(now, batch_) == Progress::Done;
    }
  }

 private:
  std::size_t take(std::span<std::byte> out) {
    for (; run_ < batch_.runs().size(); ++run_, offset_ = 0) {
      const DatagramBatch::Run& run = batch_.runs()[run_];
      const auto rest = run.bytes.subspan(std::min(offset_, run.bytes.size()));
      if (rest.empty() || run.path != path_) continue;
      const auto datagram = rest.first(std::min(rest.size(), run.segment_size == 0 ? rest.size() : run.segment_size));
      offset_ += datagram.size();
      if (datagram.size() > out.size()) continue;
      std::ranges::copy(datagram, out.begin());
      return datagram.size();
    }
    return 0;
  }

  M& machine_;
  Path path_;
  DatagramBatch batch_;
  std::size_t run_ = 0;
  std::size_t offset_ = 0;
  bool drained_ = false;
};

}  // namespace linnet::sim
