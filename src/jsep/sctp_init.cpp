#include "jsep/sctp_init.hpp"

#include "base/base64.hpp"
#include "jsep/remote_transport.hpp"

namespace linnet::jsep {
namespace {

std::unexpected<Error> syntax(const sdp::Attribute& attribute, const char* what) {
  Error error{.name = ErrorName::OperationError, .message = what, .detail = ErrorDetail::SdpSyntaxError};
  error.sdp_line_number = attribute.line;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::vector<std::byte>> read_sctp_init(const sdp::MediaSection& section, const SctpInits& inits) {
  // "SDP sctp-init attribute": for the protocols of RFC 8841, not for those of its drafts.
  const sdp::Attribute* const attribute = section.attributes.find("sctp-init");
  if (attribute == nullptr || is_draft_data_section(section)) return std::vector<std::byte>{};
  if (section.attributes.count("sctp-init") > 1) return syntax(*attribute, "a=sctp-init: stands twice");
  auto chunk = decode_base64(attribute->value.value_or(""));
  if (!chunk) return syntax(*attribute, "a=sctp-init: not base64");
  if (!inits.acceptable(*chunk)) return fail(ErrorName::InvalidAccessError, "a=sctp-init is not a valid INIT chunk");
  return std::move(*chunk);
}

}  // namespace linnet::jsep
