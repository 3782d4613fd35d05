#include "runtime/socket_set.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/interfaces.hpp"

namespace linnet::runtime {

void SocketSet::on_ready(std::weak_ptr<void> owner, OnReadable readable, OnWritable writable) {
  owner_ = std::move(owner);
  readable_ = std::move(readable);
  writable_ = std::move(writable);
}

SocketSet::Changes SocketSet::refresh() {
  const auto addresses = io::host_addresses(io::interfaces(), {.ipv4 = tuning_.use_ipv4,
                                                               .ipv6 = tuning_.use_ipv6,
                                                               .loopback = tuning_.ice_loopback_candidates,
                                                               .loopback_only = tuning_.ice_loopback_only});
  Changes out;
  for (const auto& [local, socket] : sockets_)
    if (std::ranges::find(addresses, local.address, &io::InterfaceAddress::address) == addresses.end())
      out.gone.push_back(local);
  for (const Endpoint& local : out.gone) close(local);

  constexpr std::uint16_t wireless_cost = 10;
  for (const io::InterfaceAddress& a : addresses) {
    const auto same = [&](const auto& entry) { return entry.first.address == a.address; };
    if (std::ranges::any_of(sockets_, same)) continue;
    auto socket = io::UdpSocket::bind({a.address, 0}, {.receive_buffer = tuning_.socket_receive_buffer,
                                                       .send_buffer = tuning_.socket_send_buffer,
                                                       .port_min = tuning_.port_min,
                                                       .port_max = tuning_.port_max});
    if (!socket) continue;  // The address may have gone a moment ago, or all its ports are taken.
    const Endpoint local = socket->local();
    const auto ready = std::make_shared<Socket>(executor_, std::move(*socket));
    sockets_.emplace(local, ready);
    wait_readable(ready);
    out.added.push_back(
        {.local = local, .network_id = a.index, .network_cost = a.wireless ? wireless_cost : std::uint16_t{0}});
  }
  return out;
}

void SocketSet::close(const Endpoint& local) {
  const auto found = sockets_.find(local);
  if (found == sockets_.end()) return;
  found->second->stop();
  sockets_.erase(found);
}

void SocketSet::close() {
  closed_ = true;
  for (auto& [local, socket] : sockets_) socket->stop();
  sockets_.clear();
  kept_.reset();
  blocked_ = false;
}

void SocketSet::send(std::span<const DatagramBatch::Run> runs) {
  while (!runs.empty()) {
    const Endpoint local = runs.front().path.local;
    if (runs.front().path.protocol != Protocol::Udp) {
      runs = runs.subspan(1);
      continue;
    }
    const auto other = std::ranges::find_if(
        runs, [&](const auto& run) { return run.path.local != local || run.path.protocol != Protocol::Udp; });
    const auto same = runs.first(static_cast<std::size_t>(other - runs.begin()));
    runs = runs.subspan(same.size());
    const auto found = sockets_.find(local);
    if (found == sockets_.end()) continue;  // Closed meanwhile: lost, as any datagram may be.
    const auto sent = (*found->second)->send(same);
    if (!sent.blocked) continue;
    keep(same.subspan(sent.runs), sent.bytes);
    wait_writable(found->second);
  }
}

void SocketSet::keep(std::span<const DatagramBatch::Run> runs, std::size_t skip) {
  if (!kept_) kept_.emplace();
  blocked_ = true;
  for (const DatagramBatch::Run& run : runs) {
    auto rest = run.bytes.subspan(std::exchange(skip, 0));
    while (!rest.empty()) {
      const auto piece = run.segment_size == 0 ? rest : rest.first(std::min(rest.size(), run.segment_size));
      const auto room = kept_->begin(run.path, run.ecn, piece.size());
      if (room.size() < piece.size()) return;
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
    send(resending_->runs());
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
    readable_(*socket);
  });
}

void SocketSet::wait_writable(const std::shared_ptr<Socket>& socket) {
  // An error means that this socket was closed; the others may still have something kept back.
  socket->wait(Socket::Wait::wait_write, [this, owner = owner_.lock()](boost::system::error_code) {
    if (closed_) return;
    resend();
    if (!blocked_) writable_();
  });
}

}  // namespace linnet::runtime
