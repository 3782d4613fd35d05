#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "linnet/core/session.hpp"
#include "linnet/data_channel_init.hpp"
#include "linnet/event.hpp"
#include "linnet/states.hpp"

namespace linnet {

namespace detail {
class Channel;
}

/// W3C MessageEvent: one message. `is_text()`, `text()`, `bytes()`, and `data` to move out of.
using MessageEvent = DataChannelMessage;

/// W3C RTCErrorEvent.
struct ErrorEvent {
  Error error;
};

/// W3C RTCDataChannel: a handle to one channel of a PeerConnection. Copies are the same channel; a handle may outlive
/// the connection and is inert then. Made by PeerConnection::create_data_channel and the `on_data_channel` event.
///
/// Messages are pulled: while nobody listens (`on_message`) or asks (`receive`), they stay in the receive window, and
/// the peer is held back when it is full. The other way round, `writable` waits for room in the send queue.
///
/// Thread safety: distinct objects (of distinct connections): safe. Shared objects: unsafe, except functions that take
/// a completion token, which dispatch to the connection's executor. Handlers run only there, never inside one of your
/// calls, never after close() returned. A handler may destroy the connection.
class DataChannel {
 public:
  /// An empty handle: closed, every call is inert or throws InvalidStateError.
  DataChannel() = default;
  /// For the library itself.
  explicit DataChannel(std::shared_ptr<detail::Channel> impl);

  [[nodiscard]] std::string label() const;                                  ///< W3C label.
  [[nodiscard]] bool ordered() const;                                       ///< W3C ordered.
  [[nodiscard]] std::optional<std::uint16_t> max_packet_life_time() const;  ///< W3C maxPacketLifeTime, milliseconds.
  [[nodiscard]] std::optional<std::uint16_t> max_retransmits() const;       ///< W3C maxRetransmits.
  [[nodiscard]] std::string protocol() const;                               ///< W3C protocol.
  [[nodiscard]] bool negotiated() const;                                    ///< W3C negotiated.
  [[nodiscard]] std::optional<std::uint16_t> id() const;                    ///< W3C id: the SCTP stream.
  [[nodiscard]] Priority priority() const;                                  ///< W3C priority (WebRTC Priority).
  [[nodiscard]] DataChannelState ready_state() const;                       ///< W3C readyState.
  [[nodiscard]] std::size_t buffered_amount() const;                        ///< W3C bufferedAmount, bytes.
  [[nodiscard]] std::size_t buffered_amount_low_threshold() const;          ///< W3C bufferedAmountLowThreshold.
  void set_buffered_amount_low_threshold(std::size_t bytes) const;          ///< W3C bufferedAmountLowThreshold.

  /// W3C send() of a string, which should be UTF-8. Queues; throws Exception: InvalidStateError unless open, TypeError
  /// when larger than the peer accepts, OperationError when the send queue is full (await `writable`).
  void send(std::string_view text) const;
  /// W3C send() of binary data. Errors as above.
  void send(std::span<const std::byte> data) const;
  void send(const char* text) const { send(std::string_view{text}); }

  /// W3C close(): what was sent before is delivered first; `on_close` follows.
  void close() const;

  Event<> on_open;                 ///< W3C open: once, then its handlers are dropped. (To wait for it: `writable`.)
  Event<MessageEvent> on_message;  ///< W3C message.
  Event<> on_buffered_amount_low;  ///< W3C bufferedamountlow.
  Event<ErrorEvent> on_error;      ///< W3C error.
  Event<> on_closing;              ///< W3C closing.
  Event<> on_close;                ///< W3C close. The last event; afterwards all handlers are dropped.

  /// Extension: the next message, or nothing when the channel is closed and everything was read. Messages go to
  /// `on_message` while that has a handler. Signature: `void(std::exception_ptr, std::optional<MessageEvent>)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto receive(Token&& token = {}) const {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, std::optional<MessageEvent>)>(
        [](auto handler, const std::shared_ptr<detail::Channel>& channel) {
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          auto completion =
              detail::make_completion<std::optional<MessageEvent>>(std::move(handler), executor_of(channel));
          auto cancel = start_receive(channel, std::move(completion));
          if (slot.is_connected()) slot.assign([cancel](boost::asio::cancellation_type) { cancel(); });
        },
        token, impl_);
  }

  /// Extension: completes when the channel is open and the queue of all channels has room for the largest message; with
  /// InvalidStateError when the channel closes first. Signature: `void(std::exception_ptr)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto writable(Token&& token = {}) const {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [](auto handler, const std::shared_ptr<detail::Channel>& channel) {
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          auto completion = detail::make_completion<>(std::move(handler), executor_of(channel));
          auto cancel = start_writable(channel, std::move(completion));
          if (slot.is_connected()) slot.assign([cancel](boost::asio::cancellation_type) { cancel(); });
        },
        token, impl_);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  /// Whether both are the same channel.
  friend bool operator==(const DataChannel& a, const DataChannel& b) noexcept { return a.impl_ == b.impl_; }

 private:
  static Executor executor_of(const std::shared_ptr<detail::Channel>& channel);
  /// Both return what cancels the wait.
  static std::function<void()> start_receive(const std::shared_ptr<detail::Channel>& channel,
                                             detail::Completion<std::optional<MessageEvent>> completion);
  static std::function<void()> start_writable(const std::shared_ptr<detail::Channel>& channel,
                                              detail::Completion<> completion);

  std::shared_ptr<detail::Channel> impl_;
};

}  // namespace linnet
