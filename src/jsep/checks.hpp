#pragma once

#include "linnet/core/error.hpp"
#include "sdp/description.hpp"

// RFC 8829 section 5.8 and 5.9: what a description must satisfy before it is applied. Pure functions.
namespace linnet::jsep {

/// The attributes that the negotiation reads are well formed, none that must be single stands twice.
/// Errors: OperationError with SdpSyntaxError and the line.
[[nodiscard]] Result<> check_attributes(const sdp::Description& description);
/// Mids are unique; BUNDLE groups name each mid once and only those that exist. Errors: InvalidAccessError.
[[nodiscard]] Result<> check_groups(const sdp::Description& description);
/// A later offer keeps the m-lines of the last exchange in order; only one that either side rejected may be
/// recycled with a new mid.
[[nodiscard]] Result<> check_offer_follows(const sdp::Description& local, const sdp::Description& remote,
                                           const sdp::Description& offer);
/// The answer has the offer's m-lines in order, accepts no rejected one and bundles only what was offered.
[[nodiscard]] Result<> check_answer_matches(const sdp::Description& offer, const sdp::Description& answer);

}  // namespace linnet::jsep
