#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace linnet::sim {

/// What tests/nat_theory.txt says of two kinds of networks. The NAT lab reads the same file.
class Theory {
 public:
  [[nodiscard]] static const Theory& get();

  [[nodiscard]] const std::vector<std::string>& kinds() const noexcept { return kinds_; }
  /// Whether their datagrams find a way without a relay.
  [[nodiscard]] bool is_direct(const std::string& a, const std::string& b) const { return direct_.at({a, b}); }

 private:
  Theory();
  std::vector<std::string> kinds_;
  std::map<std::pair<std::string, std::string>, bool> direct_;
};

}  // namespace linnet::sim
