#include "sctp/association/association.hpp"

#include "base/machine.hpp"
#include "sctp/association/core.hpp"

namespace linnet::sctp {

static_assert(PipeMachine<Association>);

Association::Association(Options options, Generator& generator) : core_(std::make_unique<Core>(options, generator)) {}
Association::~Association() = default;

void Association::handle_packet(TimePoint now, std::span<const std::byte> packet, Ecn ecn) {
  core_->handle_packet(now, packet, ecn);
}
Ecn Association::ecn() const noexcept { return core_->ecn(); }
void Association::handle_timeout(TimePoint now) { core_->handle_timeout(now); }
std::size_t Association::poll_packet(TimePoint now, std::span<std::byte> out) { return core_->poll_packet(now, out); }
TimePoint Association::next_timeout() const noexcept { return core_->next_timeout(); }
std::optional<Event> Association::poll_event() { return core_->poll_event(); }

void Association::connect(TimePoint now) { core_->connect(now); }
Result<> Association::connect(TimePoint now, const ExchangedInits& inits) { return core_->connect(now, inits); }
Result<> Association::send(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload,
                           SendOptions options) {
  return core_->send(now, stream, ppid, payload, options);
}
std::optional<Message> Association::receive(StreamId stream) { return core_->receive(stream); }
Result<> Association::reset_streams(TimePoint now, std::span<const StreamId> streams) {
  return core_->reset_streams(now, streams);
}
void Association::shutdown(TimePoint now) { core_->shutdown(now); }
void Association::abort(TimePoint now, std::string_view reason) { core_->abort(now, reason); }
void Association::carrier_closed(TimePoint now) { core_->carrier_closed(now); }
std::size_t Association::packet_room() const noexcept { return core_->packet_room(); }
Sizing Association::sizing() const noexcept { return core_->sizing(); }
void Association::path_changed(TimePoint now) { core_->path_changed(now); }
void Association::set_buffered_amount_low_threshold(StreamId stream, std::size_t threshold) {
  core_->set_low_threshold(stream, threshold);
}
void Association::set_weight(StreamId stream, std::uint16_t weight) { core_->set_weight(stream, weight); }

SctpTransportState Association::state() const noexcept { return core_->public_state(); }
std::size_t Association::buffered_amount(StreamId stream) const noexcept { return core_->buffered(stream); }
std::size_t Association::total_buffered() const noexcept { return core_->total_buffered(); }
std::size_t Association::send_room() const noexcept { return core_->send_room(); }
bool Association::resetting(StreamId stream) const noexcept { return core_->resetting(stream); }
std::uint16_t Association::outgoing_streams() const noexcept { return core_->outgoing_streams(); }
std::uint16_t Association::incoming_streams() const noexcept { return core_->incoming_streams(); }
bool Association::interleaving() const noexcept { return core_->interleaving(); }
Statistics Association::statistics() const { return core_->statistics(); }

}  // namespace linnet::sctp
