#include "dtls/connection.hpp"

#include <cassert>

#include "dtls/connection_impl.hpp"

namespace linnet::dtls {

std::string_view to_string(Role role) noexcept { return role == Role::Client ? "client" : "server"; }

Connection::Impl::Impl(Options options, Generator& generator)
    : options_(std::move(options)),
      generator_(&generator),
      first_timeout_(options_.initial_timeout),
      timeout_(options_.initial_timeout) {
  assert(options_.certificate);
  assert(options_.mtu >= 256);
  assert(options_.initial_timeout > Duration::zero() && options_.max_timeout >= options_.initial_timeout);
}

void Connection::Impl::set_state(DtlsTransportState state) {
  if (options_.trace != nullptr && state != state_)
    options_.trace->add(trace::StateUpdated{"dtls:state_updated", to_string(state_), to_string(state)});
  state_ = state;
}

void Connection::Impl::trace_flight(bool again) const {
  options_.trace->add(trace::DtlsFlight{
      .again = again, .messages = static_cast<std::uint16_t>(flight_.messages()), .bytes = flight_.bytes()});
}

void Connection::Impl::trace_alert(Alert alert, bool sent, bool sealed) const {
  options_.trace->add(
      trace::DtlsAlert{.sent = sent, .level = alert.level, .description = alert.description, .sealed = sealed});
}

std::optional<Connection::Event> Connection::Impl::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<> Connection::Impl::export_keying_material(std::string_view label,
                                                  std::optional<std::span<const std::byte>> context_value,
                                                  std::span<std::byte> out) const {
  if (state_ != DtlsTransportState::Connected) {
    return linnet::fail(ErrorName::InvalidStateError, "DTLS is not connected", ErrorDetail::DtlsFailure);
  }
  if (!secrets_->export_keying_material(label, context_value, out)) {
    return linnet::fail(ErrorName::OperationError, "cannot export keying material", ErrorDetail::DtlsFailure);
  }
  return {};
}

Connection::Connection(Options options, Generator& generator)
    : impl_(std::make_unique<Impl>(std::move(options), generator)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

void Connection::start(TimePoint now, Role role) { impl_->start(now, role); }
void Connection::set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints) {
  impl_->set_remote_fingerprints(std::move(fingerprints));
}
void Connection::set_round_trip_time(Duration rtt) noexcept { impl_->set_round_trip_time(rtt); }
void Connection::close(TimePoint now) { impl_->close(now); }

std::span<const std::span<std::byte>> Connection::handle_packet(TimePoint now, std::span<std::byte> datagram) {
  return impl_->handle_packet(now, datagram);
}
void Connection::handle_timeout(TimePoint now) { impl_->handle_timeout(now); }
TimePoint Connection::next_timeout() const noexcept { return impl_->next_timeout(); }
std::size_t Connection::poll_packet(TimePoint, std::span<std::byte> out) { return impl_->poll_packet(out); }
std::optional<Connection::Event> Connection::poll_event() { return impl_->poll_event(); }
std::vector<std::vector<std::byte>> Connection::take_early_data() { return impl_->take_early_data(); }

std::size_t Connection::header_room() const noexcept { return impl_->writer().header_room(1); }
std::size_t Connection::overhead() const noexcept { return impl_->writer().overhead(1); }
std::size_t Connection::seal(std::span<std::byte> record, std::size_t payload_size) noexcept {
  return impl_->seal(record, payload_size);
}

DtlsTransportState Connection::state() const noexcept { return impl_->state(); }
std::optional<Role> Connection::role() const noexcept { return impl_->role(); }
std::string_view Connection::version() const noexcept { return impl_->handshake_over() ? "FEFD" : ""; }
std::string_view Connection::cipher() const noexcept {
  return impl_->handshake_over() ? impl_->secrets()->suite().name : "";
}
std::string_view Connection::srtp_profile() const noexcept { return impl_->srtp_profile(); }
const crypto::Certificate& Connection::local_certificate() const noexcept { return impl_->options().certificate; }
std::span<const std::byte> Connection::remote_certificate() const noexcept { return impl_->remote_certificate(); }
const Statistics& Connection::statistics() const noexcept { return impl_->statistics(); }
Result<> Connection::export_keying_material(std::string_view label, std::span<std::byte> out) const {
  return impl_->export_keying_material(label, std::nullopt, out);
}
Result<> Connection::export_keying_material(std::string_view label, std::span<const std::byte> context_value,
                                            std::span<std::byte> out) const {
  return impl_->export_keying_material(label, context_value, out);
}

}  // namespace linnet::dtls
