#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "doctor_verdict.hpp"
#include "exit_code.hpp"
#include "linnet/network_check.hpp"

namespace linnet::app {

/// How it went with the signaling server.
struct SignalingCheck {
  std::string url;
  ExitCode result = ExitCode::Done;
  std::string text{};  ///< Why not, for people.
  std::chrono::duration<double, std::milli> time{};
};

/// What `linnet doctor` found: for people, line by line, and for programs.
struct DoctorReport {
  NetworkReport network;
  std::optional<SignalingCheck> signaling{};

  [[nodiscard]] std::vector<std::string> text() const;
  [[nodiscard]] boost::json::object json() const;
  /// Done when all that was asked serves us; NotAllowed when it is only user names and passwords; else NoPath.
  [[nodiscard]] ExitCode exit_code() const;
};

}  // namespace linnet::app
