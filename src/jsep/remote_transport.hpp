#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jsep/changes.hpp"
#include "linnet/core/error.hpp"
#include "sdp/description.hpp"

// Reading a description for negotiation: pure functions, no state.
namespace linnet::jsep {

/// a=mid, empty when there is none.
[[nodiscard]] std::string_view mid_of(const sdp::MediaSection& section) noexcept;
/// RFC 8829 section 5.2.1: port 0 without a=bundle-only.
[[nodiscard]] bool is_rejected(const sdp::MediaSection& section) noexcept;
/// An application m-line that carries SCTP over DTLS in the form of RFC 8841 or its drafts.
[[nodiscard]] bool is_data_section(const sdp::MediaSection& section) noexcept;
/// The draft form: m=application PORT DTLS/SCTP 5000.
[[nodiscard]] bool is_draft_data_section(const sdp::MediaSection& section) noexcept;

/// The data section that is not rejected: the one named `preferred` if there is one, else the first.
[[nodiscard]] std::optional<std::size_t> find_data_section(const sdp::Description& description,
                                                           std::string_view preferred = {});
[[nodiscard]] std::optional<std::size_t> find_mid(const sdp::Description& description, std::string_view mid) noexcept;

/// The a=group:BUNDLE that has `mid`.
[[nodiscard]] std::optional<sdp::Group> bundle_of(const sdp::Description& description, std::string_view mid);

/// The section whose transport attributes hold for `index`: itself, or for a bundle-only section the first
/// of its BUNDLE group that has an address (RFC 9143 section 7.2).
[[nodiscard]] std::size_t transport_section(const sdp::Description& description, std::size_t index);

/// The ICE user name fragment that holds for a section: its own, the session's, or the BUNDLE tag's.
[[nodiscard]] std::string_view ufrag_of(const sdp::Description& description, std::size_t index);
[[nodiscard]] std::optional<sdp::Setup> setup_of(const sdp::Description& description, std::size_t index);

/// a=ice-options of the session or of any section has `option`.
[[nodiscard]] bool has_ice_option(const sdp::Description& description, std::string_view option);

/// What `description` says of the transport of section `index`. Errors: InvalidAccessError when something
/// that DTLS or ICE cannot do without is missing.
[[nodiscard]] Result<RemoteTransport> read_remote_transport(const sdp::Description& description, std::size_t index);

}  // namespace linnet::jsep
