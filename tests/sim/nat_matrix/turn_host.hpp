#pragma once

#include <map>
#include <set>

#include "sim/network.hpp"
#include "sim/streams.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::sim {

/// Our TURN server on a host of the simulated network: UDP and TCP on port 3478 of each of its addresses, and streams
/// on port 443. Its user is "user" with the password "secret".
class TurnHost {
 public:
  TurnHost(Host& host, Streams& streams, Generator& generator);
  TurnHost(const TurnHost&) = delete;
  TurnHost& operator=(const TurnHost&) = delete;

  [[nodiscard]] const turn_server::TurnServer& server() const noexcept { return server_; }

 private:
  void handle(TimePoint now, const Path& path, std::span<std::byte> bytes);
  void drain(TimePoint now);

  Host& host_;
  Streams& streams_;
  turn_server::TurnServer server_;
  std::map<turn_server::RelayId, Endpoint> relays_;
  DatagramBatch batch_{65'536};
};

}  // namespace linnet::sim
