#include "bench/driver.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "bench/process_cost.hpp"
#include "file_limit.hpp"

namespace linnet::app::bench {

namespace asio = boost::asio;

Driver::Driver(Executor executor, Link& link, Configuration configuration, Tuning tuning)
    : news_(executor), gone_(executor), end_(std::move(executor), link, std::move(configuration), std::move(tuning)) {
  raise_file_limit();
  end_.on_object = [this](const boost::json::object& object) {
    if (!object.contains("answer")) return;
    answers_.push_back(object);
    news_.cancel();
  };
  end_.on_link_end = [this] {
    gone_.open();
    news_.cancel();
  };
}

Connection& Driver::start(std::string_view label) {
  auto& connection = end_.open();
  // Whoever waits for its channels hears of it.
  connection.pc.on_connection_state_change = [&connection](PeerConnectionState state) {
    if (state == PeerConnectionState::Failed) connection.pc.close();
  };
  connection.channels.push_back(connection.pc.create_data_channel(label));
  return connection;
}

asio::awaitable<Connection*> Driver::connect(std::string_view label, std::size_t channels) {
  auto& connection = start(label);
  while (connection.channels.size() < channels) connection.channels.push_back(connection.pc.create_data_channel(label));
  for (std::size_t i = 0; i < channels; ++i) co_await connection.channels[i].writable();
  co_return &connection;
}

asio::awaitable<void> Driver::close(Connection::Id id) {
  end_.close(id);
  boost::json::object request;
  request["connection"] = id;
  co_await ask("close", std::move(request));
}

asio::awaitable<void> Driver::close_all() {
  end_.close_all();
  co_await ask("close_all", boost::json::object());
}

asio::awaitable<Cost> Driver::cost(bool trim) {
  boost::json::object request;
  if (trim) {
    request["trim"] = true;
    trim_memory();
  }
  const auto other = co_await ask("cost", std::move(request));
  Cost out;
  out.cpu = cpu_seconds();
  out.private_kb = private_kb();
  out.other_cpu = other.at("cpu_seconds").to_number<double>();
  out.other_private_kb = other.at("private_kb").to_number<std::size_t>();
  co_return out;
}

void Driver::tell(std::string_view what, boost::json::object request) {
  request["ask"] = what;
  end_.send(request);
}

asio::awaitable<boost::json::object> Driver::answer(std::chrono::duration<double> limit) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  while (answers_.empty() && !gone_.is_open() && Clock::now() < deadline) {
    news_.expires_at(deadline);
    co_await news_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (answers_.empty()) {
    const char* why = gone_.is_open() ? "the other end went away" : "the other end does not answer any more";
    throw Exception{{.name = ErrorName::NetworkError, .message = why}};
  }
  auto out = std::move(answers_.front());
  answers_.pop_front();
  co_return out;
}

asio::awaitable<boost::json::object> Driver::ask(std::string_view what, boost::json::object request) {
  tell(what, std::move(request));
  co_return co_await answer();
}

asio::awaitable<void> Driver::run(asio::awaitable<void> measurement) {
  const bool measured = co_await ends_before(std::move(measurement), gone_);
  if (!measured) throw Exception{{.name = ErrorName::NetworkError, .message = "the other end went away"}};
}

asio::awaitable<void> Driver::finish() {
  co_await close_all();
  co_await ask("done", boost::json::object());
  // Its connections say goodbye to ours.
  co_await gone_.wait(std::chrono::seconds{15});
}

}  // namespace linnet::app::bench
