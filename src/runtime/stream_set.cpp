#include "runtime/stream_set.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "io/interfaces.hpp"

namespace linnet::runtime {
namespace {

constexpr auto close_limit = std::chrono::seconds{2};
/// How long one connection may hold the others back.
constexpr auto hold_limit = std::chrono::milliseconds{100};

}  // namespace

StreamSet::StreamSet(boost::asio::any_io_executor executor, const Tuning& tuning)
    : executor_(std::move(executor)), tuning_(tuning), hold_timer_(executor_) {}

void StreamSet::on_ready(std::weak_ptr<void> owner, OnReadable readable, OnChange changed, OnDiscarded discarded) {
  discarded_ = std::move(discarded);
  owner_ = std::move(owner);
  readable_ = std::move(readable);
  changed_ = std::move(changed);
}

void StreamSet::tell() {
  if (!closed_) changed_();
}

Result<std::unique_ptr<crypto::TlsClient>> StreamSet::tls_for(const std::string& server_name) {
  if (!trust_) {
    auto trust = crypto::TlsTrust::load(tuning_.tls_ca_file);
    if (!trust) return std::unexpected(std::move(trust).error());
    trust_.emplace(std::move(*trust));
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return std::make_unique<crypto::TlsClient>(*trust_, server_name, now);
}

void StreamSet::connect(const Session::Connect& wish) {
  const auto refuse = [&](std::string why, std::error_code error = {}) {
    changes_.push_back({.path = wish.path, .open = false, .why = std::move(why), .error = error});
  };
  if (closed_ || streams_.contains(wish.path)) return;
  if (streams_.size() >= max_streams) return refuse("too many connections");
  std::unique_ptr<crypto::TlsClient> tls;
  if (wish.path.protocol == Protocol::Tls) {
    auto made = tls_for(wish.server_name);
    if (!made) return refuse(made.error().message, std::make_error_code(std::errc::protocol_error));
    tls = std::move(*made);
  }
  auto socket = io::TcpSocket::connect(wish.path.local.address, wish.path.remote);
  if (!socket) return refuse(socket.error().message(), socket.error());
  const auto stream =
      std::make_shared<Stream>(executor_, std::move(*socket), wish.path, wish.framing, std::move(tls), false);
  streams_.emplace(wish.path, stream);
  stream->limit.expires_after(tuning_.stream_connect_timeout);
  stream->limit.async_wait([this, stream, owner = owner_.lock()](boost::system::error_code error) {
    if (error || (stream->phase() != Stream::Phase::Connecting && stream->phase() != Stream::Phase::Handshaking))
      return;
    stream->end("no answer in time", std::make_error_code(std::errc::timed_out));
    retire(stream);
    tell();
  });
  wait_writable(stream);
}

void StreamSet::disconnect(const Path& path) {
  const auto found = streams_.find(path);
  if (found == streams_.end()) return;
  const Handle stream = found->second;
  streams_.erase(found);
  release(*stream);
  stream->close();
  stream->limit.cancel();
  if (stream->phase() == Stream::Phase::Ended) return stream->socket.stop();
  stream->limit.expires_after(close_limit);
  stream->limit.async_wait([stream, owner = owner_.lock()](boost::system::error_code error) {
    if (!error) stream->socket.stop();
  });
  wait_writable(stream);
}

void StreamSet::set_username_fragments(std::vector<std::string> fragments) {
  fragments_ = std::move(fragments);
  if (member_) mux_->set_username_fragments(*member_, fragments_);
}

std::optional<Endpoint> StreamSet::listen(const IpAddress& address) {
  if (mux_) {
    if (closed_) return std::nullopt;
    if (!member_) {
      member_ = mux_->join({.owner = owner_.lock(),
                            .accept = [this](io::TcpSocket socket, const Path& path, std::vector<std::byte> first) {
                              take_over(std::move(socket), path, std::move(first));
                            }});
      mux_->set_username_fragments(*member_, fragments_);
    }
    const auto shared = mux_->open(address);
    if (shared) listeners_.emplace(*shared, nullptr);
    return shared;
  }
  auto bound =
      io::TcpListener::bind({address, 0}, {.port_min = tuning_.port_min, .port_max = tuning_.port_max, .backlog = 16});
  if (!bound) return std::nullopt;  // The address may have gone a moment ago, or all its ports are taken.
  const Endpoint local = bound->local();
  const auto listener = std::make_shared<Listener>(executor_, std::move(*bound));
  listeners_.emplace(local, listener);
  wait_acceptable(listener);
  return local;
}

void StreamSet::close_listener(const Endpoint& local) {
  const auto found = listeners_.find(local);
  if (found == listeners_.end()) return;
  if (found->second) found->second->stop();
  listeners_.erase(found);
}

std::vector<Endpoint> StreamSet::close_listeners(const IpAddress& address) {
  std::vector<Endpoint> out;
  for (const auto& [local, listener] : listeners_)
    if (local.address == address) out.push_back(local);
  const auto all = io::interfaces();
  if (mux_ && std::ranges::find(all, address, &io::InterfaceAddress::address) == all.end()) mux_->close(address);
  for (const Endpoint& local : out) close_listener(local);
  return out;
}

void StreamSet::close() {
  closed_ = true;
  while (!listeners_.empty()) close_listener(Endpoint{listeners_.begin()->first});
  if (member_) mux_->leave(*std::exchange(member_, std::nullopt));
  while (!streams_.empty()) disconnect(Path{streams_.begin()->first});
  changes_.clear();
  hold_timer_.cancel();
}

bool StreamSet::receive(Stream& stream) {
  const Stream::Phase before = stream.phase();
  const bool more = stream.receive();
  if (before == Stream::Phase::Handshaking && stream.phase() == Stream::Phase::Open) {
    stream.limit.cancel();
    changes_.push_back({.path = stream.path(), .open = true, .why = {}});
  }
  return more;
}

void StreamSet::settle(Stream& stream) {
  const auto found = streams_.find(stream.path());
  if (found == streams_.end() || found->second.get() != &stream) return;
  if (stream.phase() == Stream::Phase::Ended) return retire(Handle{found->second});
  if (stream.kept() != 0) wait_writable(found->second);
}

/// It has ended by itself.
void StreamSet::retire(const Handle& stream) {
  stream->limit.cancel();
  stream->socket.stop();
  release(*stream);
  const auto found = streams_.find(stream->path());
  if (found == streams_.end() || found->second != stream) return;  // The session has given it up already.
  changes_.push_back({.path = stream->path(), .open = false, .why = stream->why(), .error = stream->error()});
  streams_.erase(found);
}

void StreamSet::send(std::span<const DatagramBatch::Run> runs) {
  for (const DatagramBatch::Run& run : runs) {
    if (run.path.protocol == Protocol::Udp) continue;
    const auto found = streams_.find(run.path);
    if (found == streams_.end()) {  // Ended meanwhile: lost, as any datagram may be.
      if (discarded_) discarded_(run.path, run.segments(), run.bytes.size());
      continue;
    }
    const Handle stream = found->second;
    const Stream::Counters before = stream->counters();
    stream->send(run);
    const Stream::Counters& after = stream->counters();
    if (after.dropped != before.dropped && discarded_)
      discarded_(run.path, after.dropped - before.dropped, after.dropped_bytes - before.dropped_bytes);
    if (stream->phase() == Stream::Phase::Ended) {
      retire(stream);
      continue;
    }
    if (stream->kept() != 0) wait_writable(stream);
    if (stream->kept() > Stream::high_mark && !stream->stalled) hold(*stream);
  }
}

void StreamSet::hold(Stream& stream) {
  if (std::exchange(stream.holds, true)) return;
  if (holding_++ != 0) return;
  hold_timer_.expires_after(hold_limit);
  hold_timer_.async_wait([this, owner = owner_.lock()](boost::system::error_code error) {
    if (error || closed_ || holding_ == 0) return;
    for (auto& [path, held] : streams_) {
      if (held->holds) held->stalled = true;
      held->holds = false;
    }
    holding_ = 0;
    tell();
  });
}

void StreamSet::release(Stream& stream) {
  stream.stalled = false;
  if (!std::exchange(stream.holds, false)) return;
  if (--holding_ == 0) hold_timer_.cancel();
}

void StreamSet::on_writable(const Handle& stream) {
  const bool was_blocked = blocked();
  if (stream->phase() == Stream::Phase::Connecting) {
    stream->socket_connected();
    if (stream->phase() == Stream::Phase::Open) {
      stream->limit.cancel();
      changes_.push_back({.path = stream->path(), .open = true, .why = {}});
    }
    if (stream->phase() != Stream::Phase::Ended) wait_readable(stream);
  } else {
    stream->flush();
  }
  if (stream->phase() == Stream::Phase::Ended) {
    retire(stream);
  } else {
    if (stream->kept() != 0) wait_writable(stream);
    if (stream->kept() <= Stream::high_mark) release(*stream);
  }
  if (has_changes() || (was_blocked && !blocked())) tell();
}

void StreamSet::wait_writable(const Handle& stream) {
  if (stream->socket.stopped() || std::exchange(stream->waits_writable, true)) return;
  stream->socket.wait(Ready<io::TcpSocket>::Wait::wait_write,
                      [this, stream, owner = owner_.lock()](boost::system::error_code error) {
                        stream->waits_writable = false;
                        if (!error && !stream->socket.stopped()) on_writable(stream);
                      });
}

void StreamSet::wait_readable(const Handle& stream) {
  // What is being closed is not read any more, and would be readable for ever.
  const bool reads = stream->phase() == Stream::Phase::Handshaking || stream->phase() == Stream::Phase::Open;
  if (!reads || stream->socket.stopped()) return;
  stream->socket.wait(Ready<io::TcpSocket>::Wait::wait_read,
                      [this, stream, owner = owner_.lock()](boost::system::error_code error) {
                        if (error || closed_ || stream->socket.stopped()) return;
                        // Waits again also when a handler throws, see SocketSet.
                        struct Again {
                          StreamSet& set;
                          const Handle& stream;
                          Again(StreamSet& s, const Handle& k) : set(s), stream(k) {}
                          Again(const Again&) = delete;
                          Again& operator=(const Again&) = delete;
                          ~Again() { set.wait_readable(stream); }
                        } again{*this, stream};
                        readable_(*stream);
                      });
}

void StreamSet::wait_acceptable(const std::shared_ptr<Listener>& listener) {
  if (listener->stopped()) return;
  listener->wait(Listener::Wait::wait_read, [this, listener, owner = owner_.lock()](boost::system::error_code error) {
    if (error || closed_ || listener->stopped()) return;
    accept(listener);
    if (has_changes()) tell();
  });
}

void StreamSet::accept(const std::shared_ptr<Listener>& listener) {
  constexpr int most = 16;  // Then others get their turn.
  for (int i = 0; i < most; ++i) {
    auto accepted = (*listener)->accept();
    if (!accepted) {
      if (accepted.error() == std::errc::operation_would_block) break;
      return listener->wait_a_moment([this, listener, owner = owner_.lock()](boost::system::error_code error) {
        if (!error && !closed_) wait_acceptable(listener);
      });
    }
    (void)adopt(std::move(accepted->socket), {(*listener)->local(), accepted->remote, Protocol::Tcp}, {});
  }
  wait_acceptable(listener);
}

bool StreamSet::adopt(io::TcpSocket socket, const Path& path, std::vector<std::byte> first) {
  if (closed_ || streams_.size() >= max_streams || streams_.contains(path)) return false;
  const auto stream = std::make_shared<Stream>(executor_, std::move(socket), path, Framing::Rfc4571,
                                               std::unique_ptr<crypto::TlsClient>{}, true);
  stream->begin_with(std::move(first));
  streams_.emplace(path, stream);
  changes_.push_back({.path = path, .open = true, .why = {}});
  wait_readable(stream);
  return true;
}

/// From the mux, which has read the first frame: nothing more need come for there to be something to read.
void StreamSet::take_over(io::TcpSocket socket, const Path& path, std::vector<std::byte> first) {
  if (!listeners_.contains(path.local) || !adopt(std::move(socket), path, std::move(first))) return;
  boost::asio::post(executor_, [this, stream = streams_.at(path), owner = owner_.lock()] {
    if (!closed_ && !stream->socket.stopped()) readable_(*stream);
  });
}

}  // namespace linnet::runtime
