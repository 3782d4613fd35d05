#pragma once

#include <CLI/CLI.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "linnet/core/error.hpp"
#include "linnet/signaling/server.hpp"
#include "linnet/stun_turn_server.hpp"
#include "options.hpp"

namespace linnet::app {

/// The options of `linnet serve` about relays.
void add_turn_arguments(CLI::App& serve, TurnOptions& options);

/// What `linnet serve` gives its peers to find a path with: a configured TURN server, the one inside this process, both
/// or none. Owned by the command.
class IceService {
 public:
  /// Reads the secret, starts the embedded server on `bind`, and writes into `server` what peers are told.
  [[nodiscard]] Result<> start(const boost::asio::any_io_executor& executor, const TurnOptions& options,
                               const std::string& bind, signaling::ServerOptions& server);
  void stop();
  /// Of the embedded server; 0 without one.
  [[nodiscard]] std::uint16_t port() const noexcept { return embedded_ ? embedded_->port() : std::uint16_t{0}; }

 private:
  std::unique_ptr<StunTurnServer> embedded_;
};

}  // namespace linnet::app
