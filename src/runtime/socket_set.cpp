#include "runtime/socket_set.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/clock.hpp"

namespace linnet::runtime {
namespace {

std::vector<IpPrefix> ranges(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> out;
  for (const std::string& text : texts)
    if (const auto range = IpPrefix::parse(text)) out.push_back(*range);  // The session has refused all others.
  return out;
}

}  // namespace

SocketSet::SocketSet(boost::asio::any_io_executor executor, const Tuning& tuning)
    : executor_(std::move(executor)),
      tuning_(tuning),
      policy_{.ipv4 = tuning.use_ipv4,
              .ipv6 = tuning.use_ipv6,
              .loopback = tuning.ice_loopback_candidates,
              .loopback_only = tuning.ice_loopback_only,
              .allow_interfaces = tuning.ice_allow_interfaces,
              .deny_interfaces = tuning.ice_deny_interfaces,
              .allow_addresses = ranges(tuning.ice_allow_addresses),
              .deny_addresses = ranges(tuning.ice_deny_addresses)} {}

void SocketSet::on_ready(std::weak_ptr<void> owner, Handlers handlers) {
  owner_ = std::move(owner);
  handlers_ = std::move(handlers);
}

void SocketSet::set_username_fragments(std::vector<std::string> fragments) {
  fragments_ = std::move(fragments);
  if (member_) mux_->set_username_fragments(*member_, fragments_);
}

SocketSet::Changes SocketSet::refresh() {
  const auto all = io::interfaces();
  const auto addresses = io::host_addresses(all, policy_);
  if (mux_ && !member_ && !closed_) {
    member_ = mux_->join({.owner = owner_.lock(), .receive = handlers_.received, .pump = handlers_.pump});
    mux_->set_username_fragments(*member_, fragments_);
  }
  Changes out;
  for (auto& [local, socket] : sockets_) {
    // Another session saw the address gone, and it is back already: the shared port is the same as before.
    if (socket && socket->stopped()) socket = open(local.address);
    const bool fails = tuning_.ice_udp && !socket;
    if (fails || io::is_lost(local.address, all, addresses)) out.gone.push_back(local);
  }
  for (const Endpoint& local : out.gone) {
    close(local);
    if (mux_ && std::ranges::find(all, local.address, &io::InterfaceAddress::address) == all.end())
      mux_->close(local.address);
  }

  for (const io::InterfaceAddress& address : addresses) refresh_one(address, out);
  return out;
}

void SocketSet::refresh_one(const io::InterfaceAddress& address, Changes& out) {
  const auto same = [&](const auto& entry) { return entry.first.address == address.address; };
  if (std::ranges::any_of(sockets_, same)) return;
  Endpoint local{address.address, 0};
  std::shared_ptr<Socket> socket;
  if (tuning_.ice_udp) {
    socket = open(address.address);
    if (!socket) return;  // The address may have gone a moment ago, or all its ports are taken.
    local = (*socket)->local();
  }
  sockets_.emplace(local, std::move(socket));
  constexpr std::uint16_t wireless_cost = 10;
  out.added.push_back({.local = local,
                       .network_id = address.index,
                       .network_cost = address.wireless ? wireless_cost : std::uint16_t{0}});
}

std::shared_ptr<SocketSet::Socket> SocketSet::open(const IpAddress& address) {
  if (mux_) return mux_->open(address);
  auto socket = io::UdpSocket::bind({address, 0}, {.receive_buffer = tuning_.socket_receive_buffer,
                                                   .send_buffer = tuning_.socket_send_buffer,
                                                   .port_min = tuning_.port_min,
                                                   .port_max = tuning_.port_max});
  if (!socket) return nullptr;
  const auto ready = std::make_shared<Socket>(executor_, std::move(*socket));
  wait_readable(ready);
  return ready;
}

void SocketSet::close(const Endpoint& local) {
  const auto found = sockets_.find(local);
  if (found == sockets_.end()) return;
  if (!mux_ && found->second) found->second->stop();
  sockets_.erase(found);
}

void SocketSet::close() {
  closed_ = true;
  if (!mux_) {
    for (auto& [local, socket] : sockets_)
      if (socket) socket->stop();
  }
  sockets_.clear();
  if (member_) mux_->leave(*std::exchange(member_, std::nullopt));
  kept_.reset();
  blocked_ = false;
}

void SocketSet::send(TimePoint now, std::span<const DatagramBatch::Run> runs) {
  while (!runs.empty()) {
    const Endpoint local = runs.front().path.local;
    // Streams are not ours; and on a shared socket, what is on another session's path is left out.
    const auto mine = [&](const DatagramBatch::Run& run) {
      return run.path.protocol == Protocol::Udp && (!member_ || mux_->may_send(now, *member_, run));
    };
    if (!mine(runs.front())) {
      runs = runs.subspan(1);
      continue;
    }
    std::size_t count = 1;
    while (count < runs.size() && runs[count].path.local == local && mine(runs[count])) ++count;
    const auto same = runs.first(count);
    runs = runs.subspan(count);
    const auto found = sockets_.find(local);
    if (found != sockets_.end() && found->second) {
      send_on(found->second, same);
      continue;
    }
    // Closed meanwhile: lost, as any datagram may be.
    for (const DatagramBatch::Run& run : same) discard(run.path, run.segments(), run.bytes.size());
  }
}

void SocketSet::discard(const Path& path, std::uint64_t datagrams, std::uint64_t bytes) const {
  if (handlers_.discarded) handlers_.discarded(path, datagrams, bytes);
}

void SocketSet::send_on(const std::shared_ptr<Socket>& socket, std::span<const DatagramBatch::Run> runs) {
  const auto sent = (*socket)->send(runs);
  for (const auto& dropped : (*socket)->dropped()) discard(dropped.path, dropped.datagrams, dropped.bytes);
  if (!sent.blocked) return;
  keep(runs.subspan(sent.runs), sent.bytes);
  wait_writable(socket);
}

void SocketSet::keep(std::span<const DatagramBatch::Run> runs, std::size_t skip) {
  if (!kept_) kept_.emplace();
  blocked_ = true;
  for (const DatagramBatch::Run& run : runs) {
    auto rest = run.bytes.subspan(std::exchange(skip, 0));
    while (!rest.empty()) {
      const auto piece = run.segment_size == 0 ? rest : rest.first(std::min(rest.size(), run.segment_size));
      const auto room = kept_->begin(run.path, run.ecn, piece.size());
      if (room.size() < piece.size()) {
        discard(run.path, 1, piece.size());
        rest = rest.subspan(piece.size());
        continue;
      }
      std::memcpy(room.data(), piece.data(), piece.size());
      kept_->commit(piece.size(), run.sizing);
      rest = rest.subspan(piece.size());
    }
  }
}

void SocketSet::resend() {
  blocked_ = false;
  std::swap(kept_, resending_);
  if (resending_) {
    send(io::SteadyClock::now(), resending_->runs());
    resending_->clear();
  }
}

void SocketSet::wait_readable(const std::shared_ptr<Socket>& socket) {
  socket->wait(Socket::Wait::wait_read, [this, socket, owner = owner_.lock()](boost::system::error_code error) {
    if (error || closed_ || socket->stopped()) return;
    // Waits again also when a handler throws: the exception leaves through run(), the session stays usable.
    struct Again {
      SocketSet& set;
      const std::shared_ptr<Socket>& socket;
      Again(SocketSet& s, const std::shared_ptr<Socket>& k) : set(s), socket(k) {}
      Again(const Again&) = delete;
      Again& operator=(const Again&) = delete;
      ~Again() {
        if (!socket->stopped()) set.wait_readable(socket);
      }
    } again{*this, socket};
    handlers_.readable(*socket);
  });
}

void SocketSet::wait_writable(const std::shared_ptr<Socket>& socket) {
  // An error means that this socket was closed; the others may still have something kept back.
  socket->wait(Socket::Wait::wait_write, [this, owner = owner_.lock()](boost::system::error_code) {
    if (closed_) return;
    resend();
    if (!blocked_) handlers_.writable();
  });
}

}  // namespace linnet::runtime
