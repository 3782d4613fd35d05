#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/system_generator.hpp"
#include "linnet/core/session.hpp"
#include "runtime/entry_guard.hpp"
#include "runtime/mdns_names.hpp"
#include "runtime/name_lookup.hpp"
#include "runtime/network_watch.hpp"
#include "runtime/observer.hpp"
#include "runtime/socket_set.hpp"
#include "runtime/stream_set.hpp"
#include "runtime/trace_writer.hpp"

namespace linnet::runtime {

/// Drives one session: its sockets, its timer, its name lookups, and the pump that moves everything between them.
///
/// Owned by the API's connection and by whatever it waits for, so that a closed session goes on until everything was
/// flushed. Lives on one executor. Never calls the observer inside a call from outside; hands it events while the
/// session is at rest.
class Host : public std::enable_shared_from_this<Host> {
  struct Key {};

 public:
  [[nodiscard]] static Result<std::shared_ptr<Host>> create(boost::asio::any_io_executor executor,
                                                            Configuration configuration, const Tuning& tuning);
  Host(Key, boost::asio::any_io_executor executor, const Tuning& tuning);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void observe(std::weak_ptr<Observer> observer) { observer_ = std::move(observer); }

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] Session& session() noexcept { return *session_; }
  [[nodiscard]] EntryGuard& guard() noexcept { return guard_; }

  /// The session's, and those of the sockets that it shares with others.
  [[nodiscard]] StatsReport get_stats() const;
  /// Why the trace or the key log lacks something.
  [[nodiscard]] std::optional<Error> trace_failure() const {
    return trace_ ? trace_->failure() : std::optional<Error>{};
  }

  /// After a verb: lets the session's output flow, soon.
  void wake();
  /// Runs `done` soon, after the state changes that an operation made known and before everything else that came of
  /// it: an answer to setLocalDescription() precedes the candidates that it made the session gather.
  void complete(std::move_only_function<void()> done);

 private:
  void on_readable(SocketSet::Socket& socket);
  void on_stream_readable(Stream& stream);
  void tell_stream_changes(TimePoint now);
  void on_received(std::span<const Datagram> datagrams);
  void pump(TimePoint now);
  void drain(TimePoint now);
  void run_completions();
  void handle(Session::Event& event, TimePoint now);
  void open_sockets(TimePoint now);
  void give(TimePoint now, LocalSocket socket);
  void watch_networks();
  void name_session();
  /// False when there was nothing to send.
  bool transmit(TimePoint now);
  void set_timer();
  void write_trace() {
    if (trace_) trace_->drain(*session_);
  }
  void finish();

  boost::asio::any_io_executor executor_;
  Tuning tuning_;
  crypto::SystemGenerator generator_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<TraceWriter> trace_;  ///< Null: nothing is traced.
  std::weak_ptr<Observer> observer_;
  SocketSet sockets_;
  StreamSet streams_;
  std::optional<NameLookup> names_;
  boost::asio::steady_timer timer_;
  TimePoint armed_ = never;  ///< When the timer will fire; never later than the session needs.
  std::optional<Session::Event> next_event_;
  std::deque<std::move_only_function<void()>> completions_;
  EntryGuard guard_;
  std::shared_ptr<MdnsNames> mdns_;      ///< Null: addresses are told as they are.
  std::shared_ptr<NetworkWatch> watch_;  ///< Null: not watched, or not yet.
  NetworkWatch::Id watched_as_ = 0;
  bool network_changed_ = false;
  bool wake_posted_ = false;
  bool pumping_ = false;
  bool again_ = false;
  bool finished_ = false;
};

}  // namespace linnet::runtime
