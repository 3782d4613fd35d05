#include "sim/session/life.hpp"

#include <algorithm>
#include <utility>

#include "sim/allocations.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

const Endpoint stun_server{.address = IpAddress::v4({192, 0, 2, 53}), .port = 3'478};

// No life may take longer. Slow paths lose a third of their packets, where a megabyte takes many minutes.
constexpr Duration transfer_limit = 60min;
constexpr Duration close_limit = 6min;   // Tuning::close_limit is 5 minutes.
constexpr Duration notice_limit = 2min;  // Consent is lost after 30 seconds.

constexpr std::size_t index(Side side) { return static_cast<std::size_t>(side); }
std::string name_of(Side side) { return side == Side::A ? "A" : "B"; }

IpAddress v6(std::uint8_t last) {
  return IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}

}  // namespace

Life::Life(std::uint64_t seed)
    : seed_(seed), plan_(seed), memory_before_(live_bytes()), luck_(seed ^ 0x6c69'6e6b), network_(luck_) {
  channels_.reserve(plan_.channels.size());
  for (const ChannelPlan& plan : plan_.channels) channels_.emplace_back(plan);
  plug_in();
  meet();
}

void Life::plug_in() {
  for (const Side side : {Side::A, Side::B}) {
    const auto i = static_cast<std::uint8_t>(index(side));
    const LinkOptions& access = side == Side::A ? plan_.near : plan_.far;
    IpAddress address = IpAddress::v4({203, 0, 113, static_cast<std::uint8_t>(1 + i)});
    if (plan_.nats[i]) {
      nats_[i] = &network_.add_nat(IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(1 + i)}), *plan_.nats[i]);
      address = IpAddress::v4({10, 0, 0, 2});
    }
    hosts_[i] = &network_.add_host(name_of(side), address, nats_[i], access);
    if (plan_.ipv6) hosts_[i]->add_address(v6(static_cast<std::uint8_t>(1 + i)), nullptr, access);
  }
  if (plan_.stun) network_.add_stun_server(stun_server);
}

void Life::meet() {
  Configuration configuration;
  if (plan_.stun) configuration.ice_servers = {{.urls = {"stun:" + to_string(stun_server.address)}}};
  meeting_ = std::make_unique<Meeting>(network_, *hosts_[0], *hosts_[1], seed_,
                                       Meeting::PeerOptions{.configuration = configuration, .tuning = plan_.tuning[0]},
                                       Meeting::PeerOptions{.configuration = configuration, .tuning = plan_.tuning[1]});
  meeting_->a.polite = plan_.polite_a;
  meeting_->b.polite = !plan_.polite_a;
  meeting_->signaling_delay = plan_.signaling_delay;
  meeting_->signaling_jitter = plan_.signaling_jitter;
  meeting_->on_event = [this](Meeting::Peer& peer, Session::Event& event) { on_event(peer, event); };
  meeting_->world.before_step = [this] { watch_memory(); };
}

Outcome Life::run() {
  std::vector<bool> follows(channels_.size(), false);
  for (const Channel& c : channels_) {
    if (c.plan.successor) follows[*c.plan.successor] = true;
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (!follows[i]) meeting_->later(channels_[i].plan.opens_at, [this, i] { open(i); });
  }
  for (const auto& [at, side] : plan_.ice_restarts) {
    meeting_->later(at, [this, side = side] { meeting_->peer(side).session->restart_ice(now()); });
  }
  if (plan_.rebinding) {
    meeting_->later(plan_.rebinding->first, [this, nat = nats_[index(plan_.rebinding->second)]] {
      nat->rebind();
      outcome_.rebound = true;
    });
  }
  for (const Side side : {Side::A, Side::B}) {
    if (plan_.lazy_reader[index(side)]) read_late(side);
  }
  transfer();
  if (outcome_.complaints.empty()) finish();
  judge();
  return std::move(outcome_);
}

void Life::transfer() {
  if (plan_.ending != Ending::WhenDone) {
    if (meeting_->run_until([&] { return failed(); }, plan_.closes_at) == Stop::StepLimit) complain("never at rest");
    return;
  }
  const Stop stop = meeting_->run_until([&] { return failed() || all_said_and_heard(); }, transfer_limit);
  if (stop == Stop::Done) return;
  complain(plan_.describe());
  complain(stop == Stop::StepLimit ? meeting_->describe() : stop == Stop::Idle ? "idle before the end" : "hangs");
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    for (const Side side : {Side::A, Side::B}) {
      const Channel& c = channels_[i];
      complain("channel " + std::to_string(i) + " from " + name_of(side) + ": " + c.lanes[index(side)].describe() +
               ", planned " + std::to_string(c.plan.messages[index(side)].size()));
    }
  }
  for (const Meeting::Peer* peer : {&meeting_->a, &meeting_->b}) {
    complain(name_of(peer->side) + " is " + std::string{to_string(peer->session->connection_state())} + ", signaling " +
             std::string{to_string(peer->session->signaling_state())});
  }
}

void Life::close(Side side) {
  closed_[index(side)] = true;
  meeting_->peer(side).session->close(now());
}

void Life::finish() {
  const Side first = plan_.closer;
  const Side second = other(first);
  outcome_.lost_early = failed();
  if (plan_.ending != Ending::BothAtOnce) say_last_words();
  close(first);
  if (plan_.ending == Ending::BothAtOnce) close(second);
  const Meeting::Peer& closer = meeting_->peer(first);
  Meeting::Peer& left = meeting_->peer(second);
  if (meeting_->run_until([&] { return closer.terminated; }, close_limit) != Stop::Done)
    complain(name_of(first) + " does not come to its end after close()");
  if (!closed_[index(second)]) {
    const auto noticed = [&] {
      const auto dtls = left.session->dtls_transport_state();
      return !left.failure.empty() || dtls == DtlsTransportState::Closed || dtls == DtlsTransportState::Failed ||
             !left.was_connected;
    };
    if (meeting_->run_until(noticed, notice_limit) != Stop::Done)
      complain(name_of(second) + " does not notice that the peer closed: " + meeting_->describe() + "\n" +
               plan_.describe());
    meeting_->run_for(1s);  // A lazy reader takes the rest.
    close(second);
  }
  if (meeting_->run_until([&] { return left.terminated; }, close_limit) != Stop::Done)
    complain(name_of(second) + " does not come to its end after close()");
  meeting_->run_for(5s);
  for (const Meeting::Peer* peer : {&meeting_->a, &meeting_->b}) {
    const Session& session = *peer->session;
    if (session.next_timeout() != never) complain(name_of(peer->side) + " has a timer after its end");
    if (session.connection_state() != PeerConnectionState::Closed ||
        session.signaling_state() != SignalingState::Closed)
      complain(name_of(peer->side) + " is not closed at the end");
  }
}

void Life::judge() {
  Meeting& m = *meeting_;
  outcome_.crossable = plan_.is_crossable();
  outcome_.corrupting = plan_.near.corrupt > 0;
  outcome_.connected = m.a.was_connected && m.b.was_connected;
  outcome_.failure = m.a.failure;
  if (!m.b.failure.empty()) outcome_.failure += (outcome_.failure.empty() ? "" : "; ") + m.b.failure;
  outcome_.steps = m.world.steps();
  outcome_.digest = m.a.digest * 31 + m.b.digest;
  outcome_.time = now() - start;
  outcome_.whole = true;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const Channel& c = channels_[i];
    for (const Side sender : {Side::A, Side::B}) {
      const Side reader = other(sender);
      const Lane& lane = c.lanes[index(sender)];
      // A reader who closes is told no more.
      const bool reader_left = c.closed_by[index(reader)] || plan_.ending == Ending::BothAtOnce ||
                               (plan_.ending == Ending::Early && plan_.closer == reader);
      if (!lane.reliable() || reader_left || lane.whole()) continue;
      outcome_.whole = false;
      // Nobody said that the connection was lost: then nothing may be.
      if (!outcome_.failure.empty() || !outcome_.complaints.empty()) continue;
      complain("channel " + std::to_string(i) + ": " + name_of(reader) + " got " + lane.describe() +
               " and nobody told of a failure");
    }
  }
}

void Life::open(std::size_t i) {
  Channel& c = channels_[i];
  if (std::exchange(c.opened, true)) return;
  for (const Side side : {Side::A, Side::B}) {
    if (side != c.plan.opener && !c.plan.init.negotiated) continue;
    if (closed_[index(side)]) continue;
    const auto id = meeting_->peer(side).session->create_data_channel(now(), std::to_string(i), c.plan.init);
    if (id)
      c.ids[index(side)] = *id;
    else
      complain("cannot create channel " + std::to_string(i) + ": " + id.error().message);
  }
}

DataChannelMessage Life::message(std::size_t channel, Side sender, std::size_t size) {
  DataChannelMessage out{.binary = (serial_ & 1) == 0, .data = std::vector<std::byte>(size)};
  const std::string head = std::to_string(channel) + name_of(sender) + std::to_string(serial_++) + ' ';
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t letter = i < head.size() ? 0 : (i * 7 + i / 26 + serial_) % 26;
    out.data[i] = static_cast<std::byte>(i < head.size() ? head[i] : static_cast<char>('a' + letter));
  }
  return out;
}

void Life::speak(Side side) {
  for (std::size_t i = 0; i < channels_.size(); ++i) speak(side, i);
}

void Life::speak(Side side, std::size_t i) {
  Channel& c = channels_[i];
  const std::size_t s = index(side);
  Session& session = *meeting_->peer(side).session;
  if (!c.ids[s] || c.paused[s] || c.closed_by[s] || session.ready_state(*c.ids[s]) != DataChannelState::Open) return;
  const auto& sizes = c.plan.messages[s];
  for (std::size_t burst = 0; c.lanes[s].messages_sent() < sizes.size(); ++burst) {
    if (burst == c.plan.burst) {
      c.paused[s] = true;
      meeting_->later(c.plan.pause, [this, &c, side, i] {
        c.paused[index(side)] = false;
        speak(side, i);
      });
      return;
    }
    DataChannelMessage m = message(i, side, sizes[c.lanes[s].messages_sent()]);
    const auto result = m.binary ? session.send(now(), *c.ids[s], m.bytes()) : session.send(now(), *c.ids[s], m.text());
    if (!result) {
      // The queue is full: ChannelWritable will come. Or the peer has just begun to close.
      if (result.error().name != ErrorName::OperationError && result.error().name != ErrorName::InvalidStateError)
        complain("cannot send: " + result.error().message);
      return;
    }
    c.lanes[s].sent(std::move(m));
  }
  if (c.plan.closer != side) return;
  c.closed_by[s] = true;
  session.close_channel(now(), *c.ids[s]);
  if (c.plan.successor) meeting_->later(c.plan.successor_after, [this, next = *c.plan.successor] { open(next); });
}

void Life::say_last_words() {
  Channel& c = channels_.front();
  const std::size_t s = index(plan_.closer);
  Session& session = *meeting_->peer(plan_.closer).session;
  if (!c.ids[s] || session.ready_state(*c.ids[s]) != DataChannelState::Open) return;
  for (const std::size_t size : plan_.last_words) {
    DataChannelMessage m = message(0, plan_.closer, size);
    if (m.binary ? session.send(now(), *c.ids[s], m.bytes()) : session.send(now(), *c.ids[s], m.text()))
      c.lanes[s].sent(std::move(m));
  }
}

Life::Channel* Life::find(Side side, ChannelId id) {
  const auto found = std::ranges::find_if(channels_, [&](const Channel& c) { return c.ids[index(side)] == id; });
  return found == channels_.end() ? nullptr : &*found;
}

void Life::read(Side side, ChannelId id) {
  Channel* c = find(side, id);
  while (const auto m = meeting_->peer(side).session->receive(id)) {
    if (c == nullptr) {
      complain("a message on an unknown channel");
      continue;
    }
    outcome_.bytes_delivered += m->data.size();
    Lane& lane = c->lanes[index(other(side))];
    if (!lane.received(*m)) {
      complain(name_of(side) + " got a message of " + std::to_string(m->data.size()) +
               " bytes that is not the one due on channel " + meeting_->peer(side).session->label(id) + " after " +
               lane.describe());
    }
  }
}

void Life::read_late(Side side) {
  for (const Channel& c : channels_) {
    if (c.ids[index(side)]) read(side, *c.ids[index(side)]);
  }
  if (!meeting_->peer(side).terminated) meeting_->later(300ms, [this, side] { read_late(side); });
}

void Life::on_event(Meeting::Peer& peer, Session::Event& event) {
  const Side side = peer.side;
  if (const auto* announced = std::get_if<Session::DataChannelAnnounced>(&event)) {
    const std::string& label = peer.session->label(announced->channel);
    const std::size_t i = label.empty() ? channels_.size() : std::strtoull(label.c_str(), nullptr, 10);
    if (i >= channels_.size() || channels_[i].ids[index(side)]) {
      complain("an unknown channel was announced: " + label);
    } else {
      channels_[i].ids[index(side)] = announced->channel;
    }
  } else if (const auto* ready = std::get_if<Session::ChannelMessageReady>(&event)) {
    if (!plan_.lazy_reader[index(side)]) read(side, ready->channel);
  } else if (std::holds_alternative<Session::ChannelOpen>(event) ||
             std::holds_alternative<Session::ChannelWritable>(event)) {
    speak(side);
  }
}

bool Life::failed() const { return !meeting_->a.failure.empty() || !meeting_->b.failure.empty(); }

bool Life::all_said_and_heard() const {
  return std::ranges::all_of(channels_, [&](const Channel& c) {
    for (const Side sender : {Side::A, Side::B}) {
      const std::size_t s = index(sender);
      if (c.closed_by[index(other(sender))]) continue;
      if (c.lanes[s].messages_sent() != c.plan.messages[s].size()) return false;
      if (c.plan.reliable() && !c.lanes[s].whole()) return false;
    }
    return c.opened;
  });
}

void Life::watch_memory() {
  if (++step_ % 64 == 0) outcome_.most_live_bytes = std::max(outcome_.most_live_bytes, live_bytes() - memory_before_);
}

}  // namespace linnet::sim
