#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>

#include "bench/end.hpp"
#include "bench/gate.hpp"
#include "bench/many_channels.hpp"
#include "bench/samples.hpp"
#include "bench/traffic.hpp"

namespace linnet::app::bench {

/// The side that does what the driver asks. A channel's label says what is done with it: "traffic" is counted, and sent
/// on when asked; "echo" is sent back; "many" is one of very many. Requests are {"ask":WHAT,...}, each answered once,
/// in order: {"answer":WHAT,...}. Owned by a command.
class Answerer {
 public:
  Answerer(Executor executor, Link& link, Configuration configuration, Tuning tuning);
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  /// Waits for the driver's first word; false when it does not come.
  [[nodiscard]] boost::asio::awaitable<bool> greeted();
  /// Until the driver is done (true) or gone.
  [[nodiscard]] boost::asio::awaitable<bool> run();

  /// Why the trace lacks something; asked when it is over.
  [[nodiscard]] const std::optional<Error>& trace_failure() const noexcept { return end_.trace_failure(); }

 private:
  void connected(Connection& connection);
  Traffic& traffic(Connection::Id id);
  const std::shared_ptr<ManyChannels>& many(Connection::Id id);
  void channel(Connection& connection, const DataChannel& channel);
  void handle(const boost::json::object& request);
  [[nodiscard]] boost::json::object answer(std::string_view what, const boost::json::object& request);
  void send_traffic(const boost::json::object& request);
  [[nodiscard]] boost::asio::awaitable<void> report_many(std::shared_ptr<ManyChannels> many, double limit);
  void open_many(const boost::json::object& request);

  Gate greeted_;
  Gate over_;
  bool done_ = false;
  std::map<Connection::Id, std::shared_ptr<Traffic>> traffic_;
  std::map<Connection::Id, std::shared_ptr<ManyChannels>> many_;
  Samples set_up_ms_;
  // The last member: its connections close, and call nothing any more, before the rest goes.
  End end_;
};

}  // namespace linnet::app::bench
