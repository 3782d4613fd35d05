#include "bench/answerer.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include "bench/process_cost.hpp"
#include "file_limit.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// From a channel to the first word over it.
constexpr std::chrono::seconds patience{30};

std::size_t number(const boost::json::object& object, std::string_view name, std::size_t most) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return 0;
  return std::min(static_cast<std::size_t>(value->get_int64()), most);
}

double real(const boost::json::object& object, std::string_view name, double most) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  return std::clamp(value->to_number<double>(), 0.0, most);
}

Connection::Id connection_of(const boost::json::object& object) {
  return static_cast<Connection::Id>(number(object, "connection", 1'000'000));
}

}  // namespace

Answerer::Answerer(Executor executor, Link& link, Configuration configuration, Tuning tuning)
    : greeted_(executor),
      over_(executor),
      end_(std::move(executor), link, std::move(configuration), std::move(tuning)) {
  raise_file_limit();
  end_.on_connection = [this](Connection& connection) { connected(connection); };
  end_.on_object = [this](const boost::json::object& request) { handle(request); };
  end_.on_link_end = [this] {
    greeted_.open();
    over_.open();
  };
}

Answerer::~Answerer() { end_.close_all(); }

asio::awaitable<bool> Answerer::greeted() { return greeted_.wait(patience); }

asio::awaitable<bool> Answerer::run() {
  // However long the driver takes.
  while (!over_.is_open()) co_await over_.wait(std::chrono::hours{1});
  co_return done_;
}

void Answerer::connected(Connection& connection) {
  connection.pc.on_data_channel = [this, &connection, start = Clock::now()](const DataChannelEvent& event) {
    if (connection.channels.empty())
      set_up_ms_.add(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    channel(connection, event.channel);
  };
}

Traffic& Answerer::traffic(Connection::Id id) {
  auto& found = traffic_[id];
  if (!found) found = std::make_shared<Traffic>(end_.executor());
  return *found;
}

const std::shared_ptr<ManyChannels>& Answerer::many(Connection::Id id) {
  auto& found = many_[id];
  if (!found) found = std::make_shared<ManyChannels>(end_.executor());
  return found;
}

void Answerer::channel(Connection& connection, const DataChannel& channel) {
  const auto label = channel.label();
  if (label == "many") {
    many(connection.id)->take(channel);
    return;
  }
  connection.channels.push_back(channel);
  if (label == "traffic") {
    traffic(connection.id).attach(channel);
  } else if (label == "echo") {
    channel.on_message = [channel](const MessageEvent& message) { channel.send(message.bytes()); };
  }
}

void Answerer::handle(const boost::json::object& request) {
  const auto* ask = request.if_contains("ask");
  if (ask == nullptr || !ask->is_string()) return;
  const std::string_view what{ask->get_string()};
  if (what == "many") return open_many(request);  // answers when it is done
  auto reply = answer(what, request);
  reply["answer"] = what;
  end_.send(reply);
}

boost::json::object Answerer::answer(std::string_view what, const boost::json::object& request) {
  if (what == "cost") {
    if (request.contains("trim")) trim_memory();
    return {{"cpu_seconds", cpu_seconds()}, {"private_kb", private_kb()}};
  }
  if (what == "hello") greeted_.open();
  if (what == "traffic") send_traffic(request);
  if (what == "arrived") {
    const auto found = traffic_.find(connection_of(request));
    const auto arrived = found == traffic_.end() ? Arrived{} : found->second->arrived();
    return {{"bytes", arrived.bytes}, {"messages", arrived.messages}, {"seconds", arrived.seconds}};
  }
  if (what == "set_up") return {{"p50", set_up_ms_.percentile(50)}, {"p99", set_up_ms_.percentile(99)}};
  if (what == "close") {
    const auto id = connection_of(request);
    end_.close(id);
    traffic_.erase(id);
    many_.erase(id);
  }
  if (what == "close_all") {
    end_.close_all();
    traffic_.clear();
    many_.clear();
  }
  if (what == "done") {
    done_ = true;
    over_.open();
  }
  return {};
}

void Answerer::send_traffic(const boost::json::object& request) {
  const auto found = traffic_.find(connection_of(request));
  if (found == traffic_.end()) return;
  const std::chrono::duration<double> seconds{real(request, "seconds", 3600)};
  // The driver sees what does not arrive.
  asio::co_spawn(end_.executor(), found->second->send(number(request, "size", 262'144), seconds), asio::detached);
}

asio::awaitable<void> Answerer::report_many(std::shared_ptr<ManyChannels> many, double limit) {
  const bool complete = co_await many->complete(std::chrono::duration<double>(limit));
  boost::json::object reply;
  reply["answer"] = "many";
  reply["complete"] = complete;
  reply["opened"] = many->opened();
  reply["delivered"] = many->delivered();
  end_.send(reply);
}

void Answerer::open_many(const boost::json::object& request) {
  const auto id = connection_of(request);
  auto* connection = end_.find(id);
  if (connection == nullptr) return;
  const auto& channels = many(id);
  channels->open(connection->pc, number(request, "mine", 65'534), number(request, "theirs", 65'534));
  asio::co_spawn(end_.executor(), report_many(channels, real(request, "seconds", 3600)), asio::detached);
}

}  // namespace linnet::app::bench
