#pragma once

#include <cstdint>

#include "base/serial.hpp"
#include "base/strong.hpp"

namespace linnet::sctp {

/// One direction-neutral stream identifier; a data channel uses the same one both ways (RFC 8831 section 6.4).
using StreamId = Strong<struct StreamIdTag, std::uint16_t>;
/// Payload protocol identifier, carried opaquely (RFC 8831 section 8 lists those of WebRTC).
using Ppid = Strong<struct PpidTag, std::uint32_t>;
/// Transmission Sequence Number of a DATA chunk.
using Tsn = Serial32<struct TsnTag>;
/// Stream Sequence Number of an ordered message.
using Ssn = Serial16<struct SsnTag>;
/// Message Identifier of RFC 8260; its low half is the Stream Sequence Number where messages are not interleaved.
using Mid = Serial32<struct MidTag>;
/// Sequence number of a RFC 6525 re-configuration request.
using ReconfigSn = Serial32<struct ReconfigSnTag>;

}  // namespace linnet::sctp
