#pragma once

#include <chrono>
#include <vector>

#include "crypto/certificate.hpp"
#include "ice/server.hpp"
#include "linnet/configuration.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/session.hpp"
#include "transport/options.hpp"

namespace linnet::session {

/// W3C "set the ICE servers": each URL read and checked.
[[nodiscard]] Result<std::vector<ice::Server>> ice_servers(const Configuration& configuration);

/// The configured certificate, or a new one. InvalidAccessError when it has expired.
[[nodiscard]] Result<crypto::Certificate> certificate_for(const Configuration& configuration,
                                                          const crypto::LibraryContext& context,
                                                          const Session::Environment& environment);

/// RangeError for a value out of its range.
[[nodiscard]] Result<> check(const Tuning& tuning);

[[nodiscard]] transport::Options transport_options(const Configuration& configuration, const Tuning& tuning,
                                                   std::vector<ice::Server> servers, crypto::Certificate certificate,
                                                   crypto::LibraryContext context);

}  // namespace linnet::session
