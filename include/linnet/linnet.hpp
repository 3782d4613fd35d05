#pragma once

/// The whole public API.

#include "linnet/certificate.hpp"
#include "linnet/configuration.hpp"
#include "linnet/data_channel.hpp"
#include "linnet/event.hpp"
#include "linnet/exception.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/nat_behavior.hpp"
#include "linnet/network_check.hpp"
#include "linnet/peer_connection.hpp"
#include "linnet/runtime.hpp"
#include "linnet/session_description.hpp"
#include "linnet/states.hpp"
#include "linnet/stats.hpp"
#include "linnet/stun_turn_server.hpp"
#include "linnet/tuning.hpp"
