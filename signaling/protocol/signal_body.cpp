#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <utility>

#include "linnet/signaling/types.hpp"
#include "protocol/fields.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;

template <class... F>
struct Overload : F... {
  using F::operator()...;
};

std::unexpected<Error> wrong(const char* what) { return fail(ErrorName::TypeError, what); }

json::value candidate_to_json(const Candidate& candidate) {
  if (!candidate) return nullptr;
  json::object out{{"candidate", candidate->candidate}};
  // W3C RTCIceCandidate.toJSON writes all four members, null when unset.
  out["sdpMid"] = candidate->sdp_mid ? json::value(*candidate->sdp_mid) : json::value(nullptr);
  out["sdpMLineIndex"] = candidate->sdp_m_line_index ? json::value(*candidate->sdp_m_line_index) : json::value(nullptr);
  if (candidate->username_fragment) out["usernameFragment"] = *candidate->username_fragment;
  return out;
}

Result<Candidate> parse_candidate(const json::value& value) {
  if (value.is_null()) return Candidate{};
  const auto* object = value.if_object();
  if (!object) return wrong("candidate must be an object or null");
  IceCandidateInit out{.candidate = string_or_empty(*object, "candidate")};
  if (has_value(*object, "candidate") && !find_string(*object, "candidate")) {
    return wrong("candidate.candidate must be a string");
  }
  if (has_value(*object, "sdpMid")) {
    const auto* mid = find_string(*object, "sdpMid");
    if (!mid) return wrong("candidate.sdpMid must be a string");
    out.sdp_mid.emplace(mid->data(), mid->size());
  }
  if (has_value(*object, "sdpMLineIndex")) {
    const auto index = find_uint(*object, "sdpMLineIndex");
    if (!index || *index > std::numeric_limits<std::uint16_t>::max()) {
      return wrong("candidate.sdpMLineIndex must be a number from 0 to 65535");
    }
    out.sdp_m_line_index = static_cast<std::uint16_t>(*index);
  }
  if (const auto* ufrag = find_string(*object, "usernameFragment")) {
    out.username_fragment.emplace(ufrag->data(), ufrag->size());
  }
  return Candidate{std::move(out)};
}

Result<SignalBody> parse_description(const json::object& object) {
  SessionDescription out{.sdp = string_or_empty(object, "sdp")};
  const std::string type = string_or_empty(object, "type");
  if (type == "offer") {
    out.type = SdpType::Offer;
  } else if (type == "answer") {
    out.type = SdpType::Answer;
  } else if (type == "pranswer") {
    out.type = SdpType::Pranswer;
  } else if (type == "rollback") {
    out.type = SdpType::Rollback;
  } else {
    return wrong("description.type must be offer, answer, pranswer or rollback");
  }
  if (out.type != SdpType::Rollback && !find_string(object, "sdp")) return wrong("description.sdp must be a string");
  return SignalBody{std::move(out)};
}

Result<SignalBody> parse_candidates(const json::array& array) {
  std::vector<Candidate> out;
  out.reserve(array.size());
  for (const auto& value : array) {
    auto candidate = parse_candidate(value);
    if (!candidate) return std::unexpected(std::move(candidate).error());
    out.push_back(std::move(*candidate));
  }
  return SignalBody{std::move(out)};
}

}  // namespace

json::object to_json(const SignalBody& body) {
  return std::visit(Overload{
                        [](const SessionDescription& d) -> json::object {
                          json::object description{{"type", to_string(d.type)}, {"sdp", d.sdp}};
                          return {{"description", std::move(description)}};
                        },
                        [](const Candidate& c) -> json::object { return {{"candidate", candidate_to_json(c)}}; },
                        [](const std::vector<Candidate>& list) -> json::object {
                          json::array array;
                          for (const auto& c : list) array.push_back(candidate_to_json(c));
                          return {{"candidates", std::move(array)}};
                        },
                        [](const CloseSignal& c) -> json::object {
                          json::object close{{"reason", c.reason}};
                          return {{"close", std::move(close)}};
                        },
                        [](const SealedSignal& s) -> json::object { return {{"sealed", s.sealed}}; },
                    },
                    body);
}

Result<SignalBody> parse_signal_body(const json::object& object) {
  constexpr std::string_view keys[] = {"description", "candidate", "candidates", "close", "sealed"};
  int present = 0;
  for (const auto key : keys) present += object.contains(key) ? 1 : 0;
  if (present != 1) return wrong("exactly one of description, candidate, candidates, close and sealed is needed");

  if (const auto* candidate = object.if_contains("candidate")) {
    auto parsed = parse_candidate(*candidate);
    if (!parsed) return std::unexpected(std::move(parsed).error());
    return SignalBody{std::move(*parsed)};
  }
  if (const auto* description = find_object(object, "description")) return parse_description(*description);
  if (const auto* candidates = find_array(object, "candidates")) return parse_candidates(*candidates);
  if (const auto* close = find_object(object, "close")) {
    return SignalBody{CloseSignal{.reason = string_or_empty(*close, "reason")}};
  }
  if (const auto* sealed = find_string(object, "sealed")) {
    return SignalBody{SealedSignal{.sealed = std::string(sealed->data(), sealed->size())}};
  }
  return wrong("description and close must be objects, candidates a list, sealed a string");
}

std::string to_line(const SignalBody& body) { return json::serialize(to_json(body)); }

Result<SignalBody> parse_signal_line(std::string_view line) {
  boost::system::error_code ec;
  const json::value value = json::parse(line, ec);
  if (ec) return fail(ErrorName::SyntaxError, "not JSON: " + ec.message());
  const auto* object = value.if_object();
  if (!object) return wrong("a JSON object is needed");
  return parse_signal_body(*object);
}

}  // namespace linnet::signaling
