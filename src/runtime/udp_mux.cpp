#include "runtime/udp_mux.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "io/clock.hpp"
#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {

Result<std::shared_ptr<UdpMux>> UdpMux::at(const boost::asio::any_io_executor& executor, const Tuning& tuning) {
  auto& muxes = SharedByExecutor<UdpMux>::of(executor);
  if (auto known = muxes.find(executor, tuning.udp_mux_port)) return known;
  // That the port is taken is better known now than by candidates that never come.
  for (const IpAddress& any : {IpAddress{}, IpAddress::v6({})}) {
    if (any.is_v4() ? !tuning.use_ipv4 : !tuning.use_ipv6) continue;
    const auto probe = io::UdpSocket::bind({any, tuning.udp_mux_port}, {});
    if (probe || probe.error() == std::errc::address_family_not_supported) continue;
    return fail(ErrorName::OperationError, "UDP port " + std::to_string(tuning.udp_mux_port) +
                                               " (Tuning::udp_mux_port) cannot be bound: " + probe.error().message());
  }
  auto mux = std::make_shared<UdpMux>(Key{}, executor, tuning);
  muxes.add(executor, mux, tuning.udp_mux_port);
  return mux;
}

UdpMux::UdpMux(Key, boost::asio::any_io_executor executor, const Tuning& tuning)
    : executor_(std::move(executor)),
      options_{.receive_buffer = tuning.socket_receive_buffer, .send_buffer = tuning.socket_send_buffer},
      port_(tuning.udp_mux_port) {}

UdpMux::MemberId UdpMux::join(Member member) {
  const MemberId id = demux_.add();
  members_.emplace(id, std::make_shared<Member>(std::move(member)));
  return id;
}

void UdpMux::leave(MemberId member) {
  demux_.remove(member);
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  const auto last = std::move(found->second);  // Its owner may end here, when the map is in order again.
  members_.erase(found);
  if (!members_.empty()) return;
  for (const auto& [address, socket] : sockets_) socket->stop();
  sockets_.clear();
}

void UdpMux::abandon() {
  for (const auto& [address, socket] : sockets_) socket->stop();
  const auto members = std::exchange(members_, {});
}

std::shared_ptr<UdpMux::Socket> UdpMux::open(const IpAddress& address) {
  const auto known = sockets_.find(address);
  if (known != sockets_.end()) return known->second;
  auto socket = io::UdpSocket::bind({address, port_}, options_);
  if (!socket) return nullptr;
  const auto ready = std::make_shared<Socket>(executor_, std::move(*socket));
  sockets_.emplace(address, ready);
  wait(ready);
  return ready;
}

void UdpMux::close(const IpAddress& address) {
  const auto found = sockets_.find(address);
  if (found == sockets_.end()) return;
  // Sessions have it still, and the port has to be free if the address comes back.
  found->second->stop();
  (*found->second)->close();
  sockets_.erase(found);
}

void UdpMux::wait(const std::shared_ptr<Socket>& socket) {
  socket->wait(Socket::Wait::wait_read, [self = shared_from_this(), socket](boost::system::error_code error) {
    if (error || socket->stopped()) return;
    // Also when a handler throws.
    struct Again {
      UdpMux& mux;
      const std::shared_ptr<Socket>& socket;
      Again(UdpMux& m, const std::shared_ptr<Socket>& s) : mux(m), socket(s) {}
      Again(const Again&) = delete;
      Again& operator=(const Again&) = delete;
      ~Again() {
        if (!socket->stopped()) mux.wait(socket);
      }
    } again{*self, socket};
    self->on_readable(*socket);
  });
}

void UdpMux::on_readable(Socket& socket) {
  constexpr int batches = 4;  // Then the sessions answer.
  const TimePoint now = io::SteadyClock::now();
  for (int i = 0; i < batches; ++i) {
    const bool more = socket->receive(now, batch_);
    deliver(batch_.datagrams());
    if (!more) break;
  }
  pump(now);
}

void UdpMux::deliver(std::span<Datagram> datagrams) {
  // Neighbours are mostly of one path.
  auto next = datagrams.empty() ? std::nullopt : demux_.route(datagrams.front());
  while (!datagrams.empty()) {
    const auto whose = next;
    std::size_t count = 1;
    while (count < datagrams.size() && (next = demux_.route(datagrams[count])) == whose) ++count;
    const auto own = datagrams.first(count);
    datagrams = datagrams.subspan(count);
    const auto member = whose ? members_.find(*whose) : members_.end();
    if (member == members_.end()) continue;
    member->second->receive(own);
    if (!std::exchange(member->second->to_be_pumped, true)) to_pump_.push_back(*whose);
  }
}

void UdpMux::pump(TimePoint now) {
  struct Rest {
    UdpMux& mux;
    int exceptions = std::uncaught_exceptions();
    explicit Rest(UdpMux& m) : mux(m) {}
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    ~Rest() {
      if (std::uncaught_exceptions() == exceptions) return;
      // A handler threw: the other sessions go on later.
      boost::asio::post(mux.executor_, [self = mux.shared_from_this()] { self->pump(io::SteadyClock::now()); });
    }
  } rest{*this};
  while (!to_pump_.empty()) {
    const auto member = members_.find(to_pump_.front());
    to_pump_.pop_front();
    if (member == members_.end()) continue;  // A handler ended it.
    const auto alive = member->second;
    alive->to_be_pumped = false;
    alive->pump(now);
  }
}

}  // namespace linnet::runtime
