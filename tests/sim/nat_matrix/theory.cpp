#include "sim/nat_matrix/theory.hpp"

#include <fstream>
#include <sstream>

namespace linnet::sim {

const Theory& Theory::get() {
  static const Theory theory;
  return theory;
}

Theory::Theory() {
  std::ifstream file{LINNET_NAT_THEORY};
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string kind;
    if (!(words >> kind) || kind.starts_with('#')) continue;
    kinds_.push_back(kind);
    std::string letters;
    for (std::string letter; words >> letter;) letters += letter;
    rows.push_back(letters);
  }
  for (std::size_t a = 0; a < kinds_.size(); ++a)
    for (std::size_t b = 0; b < kinds_.size(); ++b) direct_[{kinds_[a], kinds_[b]}] = rows.at(a).at(b) == 'd';
}

}  // namespace linnet::sim
