// Clients that come over TCP, RFC 8656 section 3.1.
#include <algorithm>

#include "base/ip_prefix.hpp"
#include "io/clock.hpp"
#include "runtime/turn_host.hpp"

namespace linnet::runtime {

void TurnHost::wait_acceptable(const std::shared_ptr<Listener>& listener) {
  if (listener->stopped()) return;
  listener->wait(Listener::Wait::wait_read, [self = shared_from_this(), listener](boost::system::error_code error) {
    if (!error && !self->stopped_ && !listener->stopped()) self->accept(listener);
  });
}

void TurnHost::accept(const std::shared_ptr<Listener>& listener) {
  constexpr int most = 16;  // Then others get their turn.
  for (int i = 0; i < most; ++i) {
    auto accepted = (*listener)->accept();
    if (!accepted) {
      if (accepted.error() == std::errc::operation_would_block) break;
      return listener->wait_a_moment([self = shared_from_this(), listener](boost::system::error_code error) {
        if (!error && !self->stopped_) self->wait_acceptable(listener);
      });
    }
    const Path path{(*listener)->local(), accepted->remote, Protocol::Tcp};
    if (!has_room_for(path)) continue;  // Closed at once.
    const auto stream = std::make_shared<Stream>(executor_, std::move(accepted->socket), path, Framing::Stun,
                                                 std::unique_ptr<crypto::TlsClient>{}, true, max_kept);
    streams_.emplace(path, stream);
    wait_readable(stream);
    watch(stream, options_.first_limit);
  }
  wait_acceptable(listener);
}

bool TurnHost::has_room_for(const Path& path) const {
  if (streams_.size() >= options_.max_streams || streams_.contains(path)) return false;
  const IpAddress network = network_of(path.remote.address);
  const auto is_neighbour = [&](const auto& entry) { return network_of(entry.first.remote.address) == network; };
  const auto neighbours = std::ranges::count_if(streams_, is_neighbour);
  return static_cast<std::size_t>(neighbours) < options_.max_streams_per_address;
}

std::size_t TurnHost::kept() const noexcept {
  std::size_t bytes = 0;
  for (const auto& [path, stream] : streams_) bytes += stream->kept();
  return bytes;
}

void TurnHost::watch(const Handle& stream, Duration time) {
  stream->limit.expires_after(time);
  stream->limit.async_wait([self = shared_from_this(), stream](boost::system::error_code error) {
    if (error || self->stopped_ || stream->socket.stopped()) return;
    if (self->server_->serves(stream->path())) return self->watch(stream, self->options_.idle_limit);
    stream->end("idle");
    self->settle(stream);
  });
}

void TurnHost::wait_readable(const Handle& stream) {
  if (stream->socket.stopped()) return;
  stream->socket.wait(Ready<io::TcpSocket>::Wait::wait_read,
                      [self = shared_from_this(), stream](boost::system::error_code error) {
                        if (error || self->stopped_ || stream->socket.stopped()) return;
                        self->on_readable(stream);
                        self->wait_readable(stream);
                      });
}

void TurnHost::on_readable(const Handle& stream) {
  constexpr int reads = 4;  // Then others get their turn.
  const TimePoint now = tell_time();
  for (int i = 0; i < reads; ++i) {
    const bool more = stream->receive();
    while (const auto datagram = stream->next())
      server_->handle_datagram({.at = now, .path = stream->path(), .bytes = *datagram});
    if (!more) break;
    transmit(now);
  }
  settle(stream);
  pump(now);
}

void TurnHost::wait_writable(const Handle& stream) {
  if (stream->socket.stopped() || stream->waits_writable) return;
  stream->waits_writable = true;
  stream->socket.wait(Ready<io::TcpSocket>::Wait::wait_write,
                      [self = shared_from_this(), stream](boost::system::error_code error) {
                        stream->waits_writable = false;
                        if (error || self->stopped_ || stream->socket.stopped()) return;
                        stream->flush();
                        self->settle(stream);
                        self->pump(io::SteadyClock::now());
                      });
}

void TurnHost::settle(const Handle& stream) {
  if (stream->phase() != Stream::Phase::Ended) {
    if (stream->kept() != 0) wait_writable(stream);
    return;
  }
  stream->limit.cancel();
  stream->socket.stop();
  const auto found = streams_.find(stream->path());
  if (found == streams_.end() || found->second != stream) return;
  const Path path = stream->path();
  streams_.erase(found);
  const TimePoint now = io::SteadyClock::now();
  server_->disconnected(now, path);
}

void TurnHost::send(const DatagramBatch::Run& run) {
  const auto found = streams_.find(run.path);
  if (found == streams_.end()) return;
  const Handle stream = found->second;
  stream->send(run);
  settle(stream);
}

}  // namespace linnet::runtime
