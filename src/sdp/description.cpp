#include "sdp/description.hpp"

#include <algorithm>

namespace linnet::sdp {

const Attribute* Attributes::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(list, name, &Attribute::name);
  return found == list.end() ? nullptr : &*found;
}

std::optional<std::string_view> Attributes::value(std::string_view name) const noexcept {
  const Attribute* attribute = find(name);
  if (attribute == nullptr || !attribute->value) return std::nullopt;
  return std::string_view{*attribute->value};
}

std::size_t Attributes::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(list, name, &Attribute::name));
}

std::vector<std::string_view> Attributes::values(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const Attribute& attribute : list)
    if (attribute.name == name && attribute.value) out.emplace_back(*attribute.value);
  return out;
}

void Attributes::remove(std::string_view name) {
  std::erase_if(list, [name](const Attribute& attribute) { return attribute.name == name; });
}

bool operator==(const MediaSection& a, const MediaSection& b) {
  return a.kind == b.kind && a.port == b.port && a.port_count == b.port_count && a.protocol == b.protocol &&
         a.formats == b.formats && a.title == b.title && a.connections == b.connections &&
         a.bandwidths == b.bandwidths && a.key == b.key && a.attributes == b.attributes;
}

}  // namespace linnet::sdp
