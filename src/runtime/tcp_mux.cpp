#include "runtime/tcp_mux.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "base/ip_prefix.hpp"
#include "runtime/shared_by_executor.hpp"
#include "stun/message_view.hpp"
#include "stun/types.hpp"

namespace linnet::runtime {
namespace {

constexpr int backlog = 512;
/// RFC 4571: the length before a frame.
constexpr std::size_t length_size = 2;

}  // namespace

Result<std::shared_ptr<TcpMux>> TcpMux::at(const boost::asio::any_io_executor& executor, const Tuning& tuning) {
  auto& muxes = SharedByExecutor<TcpMux>::of(executor);
  if (auto known = muxes.find(executor, tuning.tcp_mux_port)) return known;
  // That the port is taken is better known now than by candidates that never come.
  for (const IpAddress& any : {IpAddress{}, IpAddress::v6({})}) {
    if (any.is_v4() ? !tuning.use_ipv4 : !tuning.use_ipv6) continue;
    const auto probe = io::TcpListener::bind({any, tuning.tcp_mux_port}, {});
    if (probe || probe.error() == std::errc::address_family_not_supported) continue;
    return fail(ErrorName::OperationError, "TCP port " + std::to_string(tuning.tcp_mux_port) +
                                               " (Tuning::tcp_mux_port) cannot be bound: " + probe.error().message());
  }
  auto mux = std::make_shared<TcpMux>(Key{}, executor, tuning.tcp_mux_port);
  muxes.add(executor, mux, tuning.tcp_mux_port);
  return mux;
}

std::shared_ptr<TcpMux> TcpMux::make(boost::asio::any_io_executor executor, std::uint16_t port, const Limits& limits) {
  auto mux = std::make_shared<TcpMux>(Key{}, std::move(executor), port);
  mux->limits_ = limits;
  return mux;
}

TcpMux::TcpMux(Key, boost::asio::any_io_executor executor, std::uint16_t port)
    : executor_(std::move(executor)), port_(port), patience_(executor_) {}

TcpMux::MemberId TcpMux::join(Member member) {
  const MemberId id = demux_.add();
  members_.emplace(id, std::move(member));
  return id;
}

void TcpMux::leave(MemberId member) {
  demux_.remove(member);
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  const auto last = std::move(found->second);  // Its owner may end here, when the map is in order again.
  members_.erase(found);
  if (members_.empty()) stop();
}

void TcpMux::stop() {
  for (const auto& [address, listener] : listeners_) listener->stop();
  listeners_.clear();
  for (const auto& stranger : strangers_) stranger->socket.stop();
  strangers_.clear();
  patience_.cancel();
}

void TcpMux::abandon() {
  stop();
  const auto members = std::exchange(members_, {});
}

std::optional<Endpoint> TcpMux::open(const IpAddress& address) {
  const auto known = listeners_.find(address);
  if (known != listeners_.end()) return (*known->second)->local();
  auto bound = io::TcpListener::bind({address, port_}, {.backlog = backlog});
  if (!bound) return std::nullopt;
  const auto listener = std::make_shared<Listener>(executor_, std::move(*bound));
  listeners_.emplace(address, listener);
  wait(listener);
  return (*listener)->local();
}

void TcpMux::close(const IpAddress& address) {
  const auto found = listeners_.find(address);
  if (found == listeners_.end()) return;
  found->second->stop();
  listeners_.erase(found);
}

// --- Streams that come in ----------------------------------------------------------------------------------------

void TcpMux::wait(const std::shared_ptr<Listener>& listener) {
  if (listener->stopped()) return;
  listener->wait(Listener::Wait::wait_read, [self = shared_from_this(), listener](boost::system::error_code error) {
    if (!error && !listener->stopped()) self->accept(listener);
  });
}

void TcpMux::accept(const std::shared_ptr<Listener>& listener) {
  constexpr int most = 64;  // Then others get their turn.
  for (int i = 0; i < most; ++i) {
    auto accepted = (*listener)->accept();
    if (accepted) {
      welcome(std::move(*accepted), (*listener)->local());
      continue;
    }
    if (accepted.error() == std::errc::operation_would_block) break;
    return listener->wait_a_moment([self = shared_from_this(), listener](boost::system::error_code error) {
      if (!error) self->wait(listener);
    });
  }
  wait(listener);
}

void TcpMux::welcome(io::TcpListener::Accepted accepted, const Endpoint& local) {
  ++statistics_.accepted;
  if (strangers_.size() >= limits_.strangers) make_room();
  const auto stranger =
      std::make_shared<Stranger>(executor_, std::move(accepted.socket), Path{local, accepted.remote, Protocol::Tcp},
                                 std::chrono::steady_clock::now() + limits_.patience);
  strangers_.push_back(stranger);
  if (strangers_.size() == 1) arm();
  wait(stranger);
}

/// Of those who come from the network that has the most strangers here, the first one goes: a flood crowds itself out.
void TcpMux::make_room() {
  std::unordered_map<IpAddress, std::size_t> crowds;
  const auto crowd_of = [&](const auto& stranger) -> std::size_t& {
    return crowds[network_of(stranger->path.remote.address)];
  };
  for (const auto& stranger : strangers_) ++crowd_of(stranger);
  const auto goes = std::ranges::max_element(strangers_, {}, crowd_of);  // Of equals, the one that came first.
  ++statistics_.crowded_out;
  drop(std::shared_ptr<Stranger>{*goes});
}

void TcpMux::drop(const std::shared_ptr<Stranger>& stranger) {
  stranger->socket.stop();
  std::erase(strangers_, stranger);
}

void TcpMux::wait(const std::shared_ptr<Stranger>& stranger) {
  stranger->socket.wait(Ready<io::TcpSocket>::Wait::wait_read,
                        [self = shared_from_this(), stranger](boost::system::error_code error) {
                          if (error || stranger->socket.stopped()) return;
                          switch (self->read(*stranger)) {
                            case Read::More: return self->wait(stranger);
                            case Read::Whole: self->hand_over(*stranger); break;
                            case Read::Over: break;
                          }
                          self->drop(stranger);
                        });
}

/// No byte more than the first frame has: what follows is for whoever gets the stream.
TcpMux::Read TcpMux::read(Stranger& stranger) {
  while (true) {
    std::size_t whole = length_size;
    if (stranger.bytes.size() >= length_size) whole += load_be<std::uint16_t>(stranger.bytes.data());
    if (whole > length_size + max_first_frame ||
        (stranger.bytes.size() >= length_size && whole < length_size + stun::header_size)) {
      ++statistics_.malformed;
      return Read::Over;
    }
    if (stranger.bytes.size() == whole) return Read::Whole;
    std::array<std::byte, max_first_frame> buffer;
    const auto moved = stranger.socket->read(std::span{buffer}.first(whole - stranger.bytes.size()));
    stranger.bytes.insert(stranger.bytes.end(), buffer.begin(),
                          buffer.begin() + static_cast<std::ptrdiff_t>(moved.bytes));
    if (moved.ended || moved.error) {
      ++statistics_.ended;
      return Read::Over;
    }
    if (moved.bytes == 0) return Read::More;
  }
}

void TcpMux::hand_over(Stranger& stranger) {
  const auto frame = std::span{stranger.bytes}.subspan(length_size);
  const auto message = stun::MessageView::parse(frame);
  if (!message || message->message_class() != stun::Class::Request) {
    ++statistics_.malformed;
    return;
  }
  const auto whose = demux_.route({.at = {}, .path = stranger.path, .ecn = Ecn::NotEct, .bytes = frame});
  const auto member = whose ? members_.find(*whose) : members_.end();
  if (member == members_.end()) {
    ++statistics_.unknown;
    return;
  }
  ++statistics_.handed_over;
  stranger.socket.stop();  // The descriptor goes on to somebody else.
  member->second.accept(std::move(*stranger.socket), stranger.path, std::move(stranger.bytes));
}

void TcpMux::arm() {
  if (strangers_.empty()) return;
  patience_.expires_at(strangers_.front()->until);
  patience_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    const auto now = std::chrono::steady_clock::now();
    while (!self->strangers_.empty() && self->strangers_.front()->until <= now) {
      ++self->statistics_.timed_out;
      self->drop(std::shared_ptr<Stranger>{self->strangers_.front()});
    }
    self->arm();
  });
}

}  // namespace linnet::runtime
