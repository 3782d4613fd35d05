#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

#include "linnet/core/datagram.hpp"
#include "linnet/core/time.hpp"

namespace linnet {

/// The shape of every protocol: plain memory that is handed input and the time and asked for output.
///   handle_*  input from network or clock. Never sends, never calls back, never throws.
///   verbs     commands of the owner (connect, send, close ...). Return Result<T>.
///   poll_*    output, pulled by the owner until empty.
/// tests/sim/laws.hpp holds each machine to the seven laws of ARCHITECTURE.md.
template <class M>
concept Machine = requires(M m, const M c, TimePoint now) {
  typename M::Event;  // std::variant of plain structs
  { m.handle_timeout(now) } -> std::same_as<void>;
  { c.next_timeout() } noexcept -> std::same_as<TimePoint>;
  { m.poll_event() } -> std::same_as<std::optional<typename M::Event>>;
};

/// A machine on top of one peer-to-peer packet pipe, which knows no addresses: dtls, sctp.
/// `poll_packet` writes one packet into `out` and returns its size, 0 when there is none.
template <class M>
concept PipeMachine = Machine<M> && requires(M m, TimePoint now, std::span<std::byte> bytes) {
  m.handle_packet(now, bytes);
  { m.poll_packet(now, bytes) } -> std::same_as<std::size_t>;
};

/// A machine that knows addresses: ice, transport, session.
template <class M>
concept PathMachine = Machine<M> && requires(M m, TimePoint now, const Datagram& datagram, DatagramBatch& batch) {
  { m.handle_datagram(datagram) } -> std::same_as<void>;
  { m.poll_transmit(now, batch) } -> std::same_as<Progress>;
};

}  // namespace linnet
