#include "api/channel.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "api/connection.hpp"
#include "io/clock.hpp"

namespace linnet::detail {
namespace {

// `writable` waits while more than this is unsent: enough to fill any path, little enough to keep latency and memory
// low.
constexpr std::size_t high_water = std::size_t{1} * 1'024 * 1'024;

std::exception_ptr aborted() {
  return std::make_exception_ptr(boost::system::system_error{asio::error::operation_aborted});
}

Error closed_error() { return {.name = ErrorName::InvalidStateError, .message = "the data channel is not open"}; }

}  // namespace

Channel::Channel(Connection& connection, ChannelId session_id)
    : connection_(&connection), executor_(connection.shared_executor()), session_id_(session_id), events_(*this) {
  const Session& s = connection.session();
  label_ = s.label(session_id);
  init_ = {.ordered = s.ordered(session_id),
           .max_packet_life_time = s.max_packet_life_time(session_id),
           .max_retransmits = s.max_retransmits(session_id),
           .protocol = s.protocol(session_id),
           .negotiated = s.negotiated(session_id),
           .priority = s.priority(session_id)};
}

Channel::~Channel() {
  if (connection_ != nullptr) connection_->forget(session_id_);
}

std::shared_ptr<Channel> Channel::handle() {
  if (auto existing = handle_.lock()) return existing;
  // A second owner of this channel, whose end tells that the application let go.
  std::shared_ptr<Channel> made{this, [owner = shared_from_this()](Channel*) mutable {
                                  owner->orphaned();
                                  owner.reset();
                                }};
  handle_ = made;
  orphaned_ = false;
  return made;
}

void Channel::orphaned() {
  check_thread();
  orphaned_ = true;
  request_drain();
}

std::optional<std::uint16_t> Channel::id() const {
  if (connection_ == nullptr) return id_;
  const auto entered = connection_->enter();
  const auto now = connection_->session().id(session_id_);
  return now ? now : id_;
}

DataChannelState Channel::ready_state() const {
  if (connection_ == nullptr) return DataChannelState::Closed;
  const auto entered = connection_->enter();
  return connection_->session().ready_state(session_id_);
}

std::size_t Channel::buffered_amount() const {
  if (connection_ == nullptr) return unsent_;
  const auto entered = connection_->enter();
  // The session forgets the channels that closed first.
  return std::max(unsent_, connection_->session().buffered_amount(session_id_));
}

std::size_t Channel::buffered_amount_low_threshold() const {
  if (connection_ == nullptr) return 0;
  const auto entered = connection_->enter();
  return connection_->session().buffered_amount_low_threshold(session_id_);
}

void Channel::set_buffered_amount_low_threshold(std::size_t bytes) {
  if (connection_ == nullptr) return;
  const auto entered = connection_->enter();
  connection_->session().set_buffered_amount_low_threshold(session_id_, bytes);
  connection_->wake();
}

void Channel::send(std::string_view text) {
  if (connection_ == nullptr) throw Exception{closed_error()};
  const auto entered = connection_->enter();
  auto sent = connection_->session().send(io::SteadyClock::now(), session_id_, text);
  if (!sent) throw Exception{std::move(sent).error()};
  connection_->wake();
}

void Channel::send(std::span<const std::byte> data) {
  if (connection_ == nullptr) throw Exception{closed_error()};
  const auto entered = connection_->enter();
  auto sent = connection_->session().send(io::SteadyClock::now(), session_id_, data);
  if (!sent) throw Exception{std::move(sent).error()};
  connection_->wake();
}

void Channel::close() {
  if (connection_ == nullptr) return;
  const auto entered = connection_->enter();
  connection_->session().close_channel(io::SteadyClock::now(), session_id_);
  connection_->wake();
}

std::uint64_t Channel::receive(Completion<std::optional<MessageEvent>> done) {
  receivers_.push_back({++last_wait_, std::move(done)});
  if (connection_ == nullptr)
    end_receivers();
  else
    request_drain();
  return last_wait_;
}

void Channel::cancel_receive(std::uint64_t id) {
  const auto found = std::ranges::find(receivers_, id, &Receiver::id);
  if (found == receivers_.end()) return;
  asio::post(*executor_, [done = std::move(found->done)]() mutable { done(aborted(), std::nullopt); });
  receivers_.erase(found);
}

std::uint64_t Channel::writable(Completion<> done) {
  writers_.push_back({++last_wait_, std::move(done)});
  if (connection_ == nullptr)
    end_writers();
  else if (!std::exchange(watched_, true))
    connection_->watch_writable(shared_from_this());
  return last_wait_;
}

void Channel::cancel_writable(std::uint64_t id) {
  const auto found = std::ranges::find(writers_, id, &Writer::id);
  if (found == writers_.end()) return;
  asio::post(*executor_, [done = std::move(found->done)]() mutable { done(aborted()); });
  writers_.erase(found);
}

void Channel::check_thread() const {
  if (connection_ != nullptr) connection_->check_thread();
}

void Channel::listened() {
  if (events_.message.has_listeners()) request_drain();
}

void Channel::request_drain() {
  if (connection_ != nullptr && !draining_) connection_->request_drain(weak_from_this());
}

void Channel::drain() {
  if (draining_) return;
  const auto keep = shared_from_this();
  struct Draining {
    Channel& channel;
    int exceptions = std::uncaught_exceptions();
    explicit Draining(Channel& c) : channel(c) { channel.draining_ = true; }
    Draining(const Draining&) = delete;
    Draining& operator=(const Draining&) = delete;
    ~Draining() {
      channel.draining_ = false;
      if (std::uncaught_exceptions() > exceptions) channel.request_drain();  // A handler threw: the rest comes later.
    }
  } draining{*this};

  while (connection_ != nullptr) {
    const bool listened = events_.message.has_listeners();
    const bool dropped = orphaned_ && receivers_.empty();  // Nobody can ever ask for it.
    if (!listened && receivers_.empty() && !dropped) return;
    auto message = connection_->session().receive(session_id_);
    if (!message) {
      if (ready_state() == DataChannelState::Closed) end_receivers();
      return;
    }
    connection_->woken_by_reading();
    if (listened) {
      events_.message.emit(*message);
    } else if (!receivers_.empty()) {
      auto done = std::move(receivers_.front().done);
      receivers_.erase(receivers_.begin());
      done(nullptr, std::move(message));
    }
  }
}

bool Channel::has_room() const {
  const Session& s = connection_->session();
  const std::size_t largest = s.max_message_size();
  const std::size_t message = largest == 0 ? high_water : std::min(largest, high_water);
  // Other channels fill the one queue, too. One that is smaller than the message has most room when it is empty.
  return s.ready_state(session_id_) == DataChannelState::Open && !s.send_held_up(session_id_) &&
         s.buffered_amount(session_id_) <= high_water && (s.send_room() >= message || s.send_queue_empty());
}

void Channel::check_writable() {
  const auto keep = shared_from_this();
  if (connection_ != nullptr && ready_state() >= DataChannelState::Closing) end_writers();
  while (connection_ != nullptr && !writers_.empty() && has_room()) {
    auto done = std::move(writers_.front().done);
    writers_.erase(writers_.begin());
    done(nullptr);
  }
}

void Channel::fire_close() {
  const auto keep = shared_from_this();
  unsent_ = buffered_amount();
  drain();
  end_writers();
  events_.open.close();
  events_.buffered_amount_low.close();
  events_.close.emit();
  // The last event was fired: handlers go, and with them what they hold (often a handle to this very channel).
  // Messages not read yet can still be taken with receive().
  events_.close.close();
  events_.error.close();
  events_.closing.close();
  events_.message.close();
  if (receivers_.empty()) return;
  request_drain();
}

void Channel::detach() {
  if (connection_ == nullptr) return;
  id_ = id();
  unsent_ = buffered_amount();
  connection_ = nullptr;
  events_.open.close();
  events_.message.close();
  events_.buffered_amount_low.close();
  events_.error.close();
  events_.closing.close();
  events_.close.close();
  end_receivers();
  end_writers();
}

void Channel::end_receivers() {
  for (Receiver& receiver : std::exchange(receivers_, {}))
    asio::post(*executor_, [done = std::move(receiver.done)]() mutable { done(nullptr, std::nullopt); });
}

void Channel::end_writers() {
  for (Writer& writer : std::exchange(writers_, {}))
    asio::post(*executor_, [done = std::move(writer.done)]() mutable { done(closed_exception()); });
}

}  // namespace linnet::detail
