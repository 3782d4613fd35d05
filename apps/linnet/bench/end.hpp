#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "bench/connection.hpp"
#include "bench/link.hpp"

namespace linnet::app::bench {

/// What both ends of a bench have: the measured connections by number, negotiated over the link as
/// {"connection":7,"signal":{...}}, and every other object of the link as a request or a reply. Owned by Driver or
/// Answerer; lives on the link's executor.
class End {
 public:
  End(Executor executor, Link& link, Configuration configuration, Tuning tuning);
  ~End();
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }

  /// A new connection that this side offers.
  [[nodiscard]] Connection& open();
  /// Null when there is none of that number.
  [[nodiscard]] Connection* find(Connection::Id id) const;
  /// Closes and forgets it.
  void close(Connection::Id id);
  void close_all();
  [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }
  /// Why the first closed connection whose trace is not complete has not all of it.
  [[nodiscard]] const std::optional<Error>& trace_failure() const noexcept { return trace_failure_; }

  void send(const boost::json::object& object) { link_.send(object); }

  /// The other side offers a connection; nothing was negotiated yet.
  std::function<void(Connection&)> on_connection;
  std::function<void(const boost::json::object&)> on_object;
  std::function<void()> on_link_end;

 private:
  Connection& make(Connection::Id id, bool offers);
  void handle(boost::json::object object);

  Executor executor_;
  Link& link_;
  Configuration configuration_;
  Tuning tuning_;
  std::map<Connection::Id, std::unique_ptr<Connection>> connections_;
  Connection::Id last_ = 0;
  std::optional<Error> trace_failure_;
};

}  // namespace linnet::app::bench
