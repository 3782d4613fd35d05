#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linnet::signaling {

/// One of golden/*.jsonl and the names that it uses; protocol.md, "Transcripts", has the rules. Used by the tests of
/// the hub and of the client, each of which plays its own side.
class Golden {
 public:
  explicit Golden(const std::string& file) {
    std::ifstream in(std::string(LINNET_GOLDEN_DIR) + "/" + file);
    for (std::string line; std::getline(in, line);) lines_.push_back(boost::json::parse(line).as_object());
    if (lines_.empty()) throw std::runtime_error("no transcript " + file);
  }

  [[nodiscard]] const std::vector<boost::json::object>& lines() const noexcept { return lines_; }

  /// A frame to send: with what its names stand for by now.
  [[nodiscard]] boost::json::value fill(const boost::json::value& value) {
    if (const auto* text = value.if_string(); text && text->starts_with('$')) {
      const std::string name(text->data(), text->size());
      if (name == "$since") return moment;
      const boost::json::value own = name == "$time" ? boost::json::value(moment) : value;
      return matches_anything(name) ? own : known_.emplace(name, own).first->second;
    }
    if (const auto* list = value.if_array()) {
      boost::json::array out;
      for (const auto& each : *list) out.push_back(fill(each));
      return out;
    }
    if (const auto* object = value.if_object()) {
      boost::json::object out;
      for (const auto& member : *object) out[member.key()] = fill(member.value());
      return out;
    }
    return value;
  }

  /// Does `actual` have all that `expected` has?
  [[nodiscard]] bool match(const boost::json::value& expected, const boost::json::value& actual) {
    if (const auto* text = expected.if_string(); text && text->starts_with('$')) {
      const std::string name(text->data(), text->size());
      return matches_anything(name) || known_.emplace(name, actual).first->second == actual;
    }
    if (const auto* list = expected.if_array()) {
      const auto* other = actual.if_array();
      if (!other || other->size() != list->size()) return false;
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (!match((*list)[i], (*other)[i])) return false;
      }
      return true;
    }
    if (const auto* object = expected.if_object()) {
      const auto* other = actual.if_object();
      if (!other) return false;
      for (const auto& member : *object) {
        const auto* value = other->if_contains(member.key());
        if (!value || !match(member.value(), *value)) return false;
      }
      return true;
    }
    return expected == actual;
  }

 private:
  static constexpr std::int64_t moment = 1'790'000'000'000;
  static bool matches_anything(std::string_view name) {
    return name == "$since" || name == "$text" || name == "$client";
  }

  std::vector<boost::json::object> lines_;
  std::map<std::string, boost::json::value> known_;
};

}  // namespace linnet::signaling
