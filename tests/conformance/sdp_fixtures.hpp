#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace linnet {

/// A description of tests/conformance/sdp: those of the browsers are what Chromium and Firefox gave, the others
/// have the shape of what aiortc, Pion, libdatachannel and an ICE-lite gateway write.
struct Fixture {
  std::string name;
  std::string text;
};

inline std::vector<Fixture> sdp_fixtures() {
  std::vector<Fixture> out;
  for (const auto& entry : std::filesystem::directory_iterator(LINNET_SDP_FIXTURES)) {
    std::ifstream file(entry.path(), std::ios::binary);
    out.push_back({.name = entry.path().stem().string(),
                   .text = {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}});
  }
  std::ranges::sort(out, {}, &Fixture::name);
  return out;
}

inline std::string sdp_fixture(const std::string& name) {
  for (Fixture& fixture : sdp_fixtures())
    if (fixture.name == name) return std::move(fixture.text);
  return {};
}

}  // namespace linnet
