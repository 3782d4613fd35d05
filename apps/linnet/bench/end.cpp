#include "bench/end.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "linnet/signaling/types.hpp"

namespace linnet::app::bench {

End::End(Executor executor, Link& link, Configuration configuration, Tuning tuning)
    : executor_(std::move(executor)),
      link_(link),
      configuration_(std::move(configuration)),
      tuning_(std::move(tuning)) {
  link_.on_object = [this](boost::json::object object) { handle(std::move(object)); };
  link_.on_end = [this] {
    if (on_link_end) on_link_end();
  };
}

End::~End() {
  link_.on_object = nullptr;
  link_.on_end = nullptr;
  close_all();
}

Connection& End::open() { return make(++last_, true); }

Connection& End::make(Connection::Id id, bool offers) {
  auto owned = std::make_unique<Connection>(id, executor_, configuration_, tuning_);
  auto& connection = *owned;
  connections_.emplace(id, std::move(owned));
  connection.negotiator.emplace(
      connection.pc,
      [this, id](const signaling::SignalBody& body) {
        link_.send({{"connection", id}, {"signal", signaling::to_json(body)}});
      },
      signaling::NegotiatorOptions{.polite = !offers, .offers_first = offers});
  connection.negotiator->on_error([](const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& problem) {
      spdlog::warn("negotiation: {}", problem.what());
    }
  });
  return connection;
}

Connection* End::find(Connection::Id id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void End::close(Connection::Id id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const auto kept = std::move(found->second);
  connections_.erase(found);
  kept->negotiator.reset();
  kept->channels.clear();
  kept->pc.close();
  if (!trace_failure_) trace_failure_ = kept->pc.trace_failure();
}

void End::close_all() {
  while (!connections_.empty()) close(connections_.begin()->first);
}

void End::handle(boost::json::object object) {
  const auto* id = object.if_contains("connection");
  const auto* signal = object.if_contains("signal");
  if (id == nullptr || signal == nullptr) {
    if (on_object) on_object(object);
    return;
  }
  if (!id->is_int64() || id->get_int64() < 1 || id->get_int64() > 1'000'000 || !signal->is_object()) return;
  const auto number = static_cast<Connection::Id>(id->get_int64());
  auto body = signaling::parse_signal_body(signal->get_object());
  if (!body) return;
  auto* connection = find(number);
  if (connection == nullptr) {
    // Candidates may still come for a connection that is closed already.
    const auto* description = std::get_if<SessionDescription>(&*body);
    if (!on_connection || description == nullptr || description->type != SdpType::Offer) return;
    connection = &make(number, false);
    on_connection(*connection);
  }
  connection->negotiator->handle(std::move(*body));
}

}  // namespace linnet::app::bench
