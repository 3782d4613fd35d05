#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/data_channel.hpp"

namespace linnet::detail {

class Connection;

/// What DataChannel is a handle to. Owned by its Connection while it can still fire events, and by the handles; knows
/// its Connection until that closes. Everything runs on the connection's executor.
class Channel final : public EventOwner, public std::enable_shared_from_this<Channel> {
 public:
  struct Events {
    explicit Events(EventOwner& owner) noexcept
        : open(owner), message(owner), buffered_amount_low(owner), error(owner), closing(owner), close(owner) {}
    EventState<> open;
    EventState<MessageEvent> message;
    EventState<> buffered_amount_low;
    EventState<ErrorEvent> error;
    EventState<> closing;
    EventState<> close;
  };

  Channel(Connection& connection, ChannelId session_id);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  /// The handle that applications share; when the last is gone and nobody listens, messages are not kept any more.
  [[nodiscard]] std::shared_ptr<Channel> handle();
  [[nodiscard]] Events& events() noexcept { return events_; }
  [[nodiscard]] const Executor& executor() const noexcept override { return *executor_; }
  void listened() override;
  void check_thread() const override;
  [[nodiscard]] ChannelId session_id() const noexcept { return session_id_; }

  [[nodiscard]] const std::string& label() const noexcept { return label_; }
  [[nodiscard]] const std::string& protocol() const noexcept { return init_.protocol; }
  [[nodiscard]] const DataChannelInit& init() const noexcept { return init_; }
  [[nodiscard]] std::optional<std::uint16_t> id() const;
  [[nodiscard]] DataChannelState ready_state() const;
  [[nodiscard]] std::size_t buffered_amount() const;
  [[nodiscard]] std::size_t buffered_amount_low_threshold() const;
  void set_buffered_amount_low_threshold(std::size_t bytes);

  void send(std::string_view text);
  void send(std::span<const std::byte> data);
  void close();

  std::uint64_t receive(Completion<std::optional<MessageEvent>> done);
  void cancel_receive(std::uint64_t id);
  std::uint64_t writable(Completion<> done);
  void cancel_writable(std::uint64_t id);

  // --- For the connection, in its pump -----------------------------------------------------------------------

  /// Gives messages to whoever wants them now.
  void drain();
  /// Ends the waits for room that there is now.
  void check_writable();
  /// False ends the connection's watch over this channel.
  [[nodiscard]] bool still_waits_for_room() noexcept { return watched_ = !writers_.empty(); }
  void fire_close();
  /// The connection was closed: no event any more, every call is inert.
  void detach();

 private:
  struct Receiver {
    std::uint64_t id;
    Completion<std::optional<MessageEvent>> done;
  };
  struct Writer {
    std::uint64_t id;
    Completion<> done;
  };

  [[nodiscard]] bool has_room() const;
  void orphaned();
  void request_drain();
  void end_receivers();
  void end_writers();

  Connection* connection_;                    ///< Null after detach().
  std::shared_ptr<const Executor> executor_;  ///< The connection's.
  ChannelId session_id_;
  std::string label_;
  DataChannelInit init_;
  std::optional<std::uint16_t> id_;  ///< As last known.
  std::size_t unsent_ = 0;           ///< W3C bufferedAmount when it closed.
  Events events_;
  std::weak_ptr<Channel> handle_;
  std::vector<Receiver> receivers_;  // rarely more than one, mostly none
  std::vector<Writer> writers_;
  std::uint64_t last_wait_ = 0;
  bool orphaned_ = false;
  bool draining_ = false;
  bool watched_ = false;  ///< The connection calls check_writable.
};

}  // namespace linnet::detail
