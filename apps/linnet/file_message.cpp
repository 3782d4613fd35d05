#include "file_message.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "output.hpp"

namespace linnet::app {
namespace {

namespace json = boost::json;

constexpr std::uint64_t max_number = std::uint64_t{1} << 53;
constexpr std::size_t max_reason = 200;

std::optional<std::string> string_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::optional{std::string{value->get_string()}} : std::nullopt;
}

std::optional<std::uint64_t> number_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error || number > max_number ? std::nullopt : std::optional{number};
}

std::optional<std::int64_t> time_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? std::nullopt : std::optional{number};
}

/// Made harmless, and cut between characters.
std::string one_line(std::string_view text) {
  std::string out = Output::printable(text.substr(0, max_reason + 4));
  if (out.size() <= max_reason) return out;
  std::size_t end = max_reason;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
  out.resize(end);
  return out;
}

std::string reason_in(const json::object& object) {
  return one_line(string_in(object, "reason").value_or("no reason given"));
}

std::optional<FileMessage> read_offer(const json::object& object) {
  auto name = string_in(object, "name");
  const auto size = number_in(object, "size");
  if (!name || name->empty() || !size) return std::nullopt;
  return Offer{.name = std::move(*name),
               .size = *size,
               .index = number_in(object, "index").value_or(0),
               .count = number_in(object, "count").value_or(1),
               .modified = time_in(object, "modified")};
}

struct Writer {
  json::object operator()(const Offer& m) const {
    json::object out{{"type", "offer"}, {"name", m.name}, {"size", m.size}};
    if (m.modified) out["modified"] = *m.modified;
    if (m.index != 0 || m.count != 1) {
      out["index"] = m.index;
      out["count"] = m.count;
    }
    return out;
  }
  json::object operator()(const Accept& m) const { return {{"type", "accept"}, {"offset", m.offset}}; }
  json::object operator()(const Refuse& m) const { return {{"type", "refuse"}, {"reason", one_line(m.reason)}}; }
  json::object operator()(const End& m) const { return {{"type", "end"}, {"sha256", m.sha256}}; }
  json::object operator()(const Received&) const { return {{"type", "received"}}; }
  json::object operator()(const Failure& m) const { return {{"type", "error"}, {"reason", one_line(m.reason)}}; }
};

}  // namespace

std::optional<FileMessage> parse_file_message(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto type = object ? string_in(*object, "type") : std::nullopt;
  if (type == "offer") return read_offer(*object);
  if (type == "accept") {
    // Absent is from the beginning; what is no number is no acceptance.
    const auto offset = object->contains("offset") ? number_in(*object, "offset") : 0;
    return offset ? std::optional<FileMessage>{Accept{*offset}} : std::nullopt;
  }
  if (type == "refuse") return Refuse{reason_in(*object)};
  if (type == "end") return End{string_in(*object, "sha256").value_or("")};
  if (type == "received") return Received{};
  if (type == "error") return Failure{reason_in(*object)};
  return std::nullopt;
}

std::string to_text(const FileMessage& message) { return json::serialize(std::visit(Writer{}, message)); }

}  // namespace linnet::app
