#include "chat_line.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace linnet::app {

std::optional<std::string> text_in_line(std::string_view line) {
  if (!line.starts_with('{')) return std::string{line};
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  const auto* text = error || !value.is_object() ? nullptr : value.get_object().if_contains("text");
  if (!text || !text->is_string()) return std::nullopt;
  return std::string{text->get_string()};
}

}  // namespace linnet::app
