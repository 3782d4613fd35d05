#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "file_sink.hpp"
#include "linnet/tuning.hpp"

namespace linnet::app {

/// What every command takes.
struct CommonOptions {
  bool json = false;
  bool quiet = false;
  std::string log = "warn";
};

/// How a command finds its peers.
struct MeetingOptions {
  std::string server = "http://localhost:8080";
  std::string signal{};  ///< "stdio": signaling is JSON lines on standard input and output; empty: the server.
  bool offer = false;    ///< With stdio: this side makes the offer.
  std::string name{};    ///< What others see us as.
  std::string room{};
  std::vector<std::string> stun{};     ///< stun: URLs besides those of the server.
  bool relay_only = false;             ///< Through TURN servers only: the peers do not learn our addresses.
  bool no_relay = false;               ///< Never through one.
  std::uint32_t connect_timeout = 30;  ///< Seconds from meeting a peer to a connection.
  Tuning tuning{};                     ///< `--trace`, `--key-log`, `--experimental` and `--tune` set some.
  std::vector<std::string> tuned{};    ///< The arguments of the latter two, for another process that is to be alike.

  [[nodiscard]] bool stdio() const noexcept { return signal == "stdio"; }
};

/// Which TURN servers `linnet serve` hands out.
struct TurnOptions {
  bool embedded = false;                          ///< One inside this process,
  std::uint16_t port = 3478;                      ///< at this port.
  std::optional<std::uint16_t> alternate_port{};  ///< RFC 5780
  std::string alternate_address{};
  std::uint16_t relay_port_min = 0;
  std::uint16_t relay_port_max = 0;
  std::uint32_t relay_rate = 20;  ///< Mbit/s of one relay, each way; 0: no limit.
  std::size_t max_relays = 1'000;
  std::size_t max_connections = 1'000;  ///< Over TCP.
  bool allow_private = false;
  std::string external{};
  std::vector<std::string> urls{};  ///< Others, which share a secret with us.
  std::string secret_file{};
  std::uint32_t lifetime = 3'600;  ///< Of credentials, in seconds.
};

struct ServeOptions {
  std::string bind = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string web{};
  std::vector<std::string> stun{};
  std::vector<std::string> origins{};
  TurnOptions turn{};
  bool no_qr = false;
};

struct SendOptions {
  std::vector<std::string> paths{};
};

/// What `linnet doctor` asks.
struct DoctorOptions {
  std::string server{};  ///< For signaling; empty: none.
  std::vector<std::string> stun{};
  std::vector<std::string> turn{};
  std::string turn_user{};
  std::string turn_password_file{};
  std::string tls_ca_file{};
  std::uint32_t timeout = 15;  ///< Seconds.
};

struct RecvOptions {
  std::string out = ".";
  bool yes = false;
  Existing existing = Existing::Refuse;
};

}  // namespace linnet::app
