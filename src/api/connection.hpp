#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "linnet/peer_connection.hpp"
#include "runtime/host.hpp"

namespace linnet::detail {

class Channel;

/// What PeerConnection is a handle to: turns the session's events into the API's. Owned by the PeerConnection, held
/// weakly by its Host, which outlives it while a closed session is flushed. Everything runs on the executor.
class Connection final : public runtime::Observer, public EventOwner, public std::enable_shared_from_this<Connection> {
 public:
  struct Events {
    explicit Events(EventOwner& owner) noexcept
        : connection_state_change(owner),
          negotiation_needed(owner),
          ice_candidate(owner),
          ice_candidate_error(owner),
          data_channel(owner),
          track(owner),
          signaling_state_change(owner),
          ice_connection_state_change(owner),
          ice_gathering_state_change(owner),
          selected_candidate_pair_change(owner),
          dtls_transport_state_change(owner),
          sctp_transport_state_change(owner) {}
    EventState<PeerConnectionState> connection_state_change;
    EventState<> negotiation_needed;
    EventState<IceCandidateEvent> ice_candidate;
    EventState<IceCandidateErrorEvent> ice_candidate_error;
    EventState<DataChannelEvent> data_channel;
    EventState<TrackEvent> track;
    EventState<SignalingState> signaling_state_change;
    EventState<IceConnectionState> ice_connection_state_change;
    EventState<IceGatheringState> ice_gathering_state_change;
    EventState<Path> selected_candidate_pair_change;
    EventState<DtlsTransportState> dtls_transport_state_change;
    EventState<SctpTransportState> sctp_transport_state_change;
  };

  /// Throws Exception.
  [[nodiscard]] static std::shared_ptr<Connection> create(Executor executor, Configuration configuration,
                                                          const Tuning& tuning);
  explicit Connection(std::shared_ptr<runtime::Host> host);
  ~Connection();

  [[nodiscard]] const Executor& executor() const noexcept override { return *executor_; }
  /// For channels, which outlive their connection: an executor is too large for each to have its own.
  [[nodiscard]] const std::shared_ptr<const Executor>& shared_executor() const noexcept { return executor_; }
  [[nodiscard]] Session& session() noexcept { return host_->session(); }
  [[nodiscard]] StatsReport get_stats() const { return host_->get_stats(); }
  [[nodiscard]] Events& events() noexcept { return events_; }
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] std::optional<Error> trace_failure() const { return host_->trace_failure(); }
  /// Asserts the thread rule while it lives.
  [[nodiscard]] runtime::EntryGuard::Scope enter() const { return runtime::EntryGuard::Scope{host_->guard()}; }
  void check_thread() const override { (void)enter(); }
  void wake() { host_->wake(); }

  /// Completes an operation as Host::complete orders it. One that was under way when the connection closed fails with
  /// InvalidStateError (the W3C's promise stays pending for ever): a coroutine that used the connection ends there.
  template <class T>
  void finish(Result<T> result, Completion<T> done) {
    host_->complete([weak = weak_from_this(), result = std::move(result), done = std::move(done)]() mutable {
      if (!result)
        done(exception_of(std::move(result).error()), T{});
      else if (is_closed(weak))
        done(closed_exception(), T{});
      else
        done(nullptr, std::move(*result));
    });
  }
  void finish(Result<> result, Completion<> done) {
    host_->complete([weak = weak_from_this(), result = std::move(result), done = std::move(done)]() mutable {
      if (!result)
        done(exception_of(std::move(result).error()));
      else
        done(is_closed(weak) ? closed_exception() : nullptr);
    });
  }

  [[nodiscard]] std::shared_ptr<Channel> create_data_channel(std::string_view label, const DataChannelInit& init);
  void close();

  // --- For channels ------------------------------------------------------------------------------------------

  void request_drain(std::weak_ptr<Channel> channel);
  void watch_writable(std::weak_ptr<Channel> channel);
  /// Room in the receive window is told to the peer by what the session sends next.
  void woken_by_reading() { host_->wake(); }
  void forget(ChannelId id);

 private:
  void on_event(Session::Event& event) override;
  void on_pump() override;

  void handle(Session::NegotiationNeeded&);
  void handle(Session::SignalingStateChange& e);
  void handle(Session::IceGatheringStateChange& e);
  void handle(Session::IceConnectionStateChange& e);
  void handle(Session::ConnectionStateChange& e);
  void handle(Session::IceCandidateFound& e);
  void handle(Session::IceCandidateError& e);
  void handle(Session::SelectedPairChange& e);
  void handle(Session::DtlsStateChange& e);
  void handle(Session::SctpStateChange& e);
  void handle(Session::DataChannelAnnounced& e);
  void handle(Session::ChannelOpen& e);
  void handle(Session::ChannelMessageReady& e);
  void handle(Session::ChannelBufferedAmountLow& e);
  void handle(Session::ChannelClosing& e);
  void handle(Session::ChannelError& e);
  void handle(Session::ChannelClosed& e);
  template <class Other>
  void handle(Other&) {}  // The host's business, or no event of the W3C's.

  struct Entry {
    Channel* channel;               ///< Which forgets itself here when it ends.
    std::shared_ptr<Channel> live;  ///< While it can still fire events.
  };

  [[nodiscard]] static bool is_closed(const std::weak_ptr<Connection>& weak) {
    const auto connection = weak.lock();
    return !connection || connection->closed_;
  }
  std::shared_ptr<Channel> make_channel(ChannelId id);
  [[nodiscard]] std::shared_ptr<Channel> find(ChannelId id) const;
  void close_events();

  std::shared_ptr<runtime::Host> host_;
  std::shared_ptr<const Executor> executor_;
  Events events_;
  std::optional<Error> failure_;
  std::unordered_map<ChannelId, Entry> channels_;  ///< Those that somebody still has.
  std::deque<std::weak_ptr<Channel>> to_drain_;
  std::vector<std::weak_ptr<Channel>> to_write_;
  bool closed_ = false;
};

}  // namespace linnet::detail
