#include "ice/candidate_pair.hpp"

namespace linnet::ice {

std::string_view to_string(PairState state) noexcept {
  switch (state) {
    case PairState::Frozen: return "frozen";
    case PairState::Waiting: return "waiting";
    case PairState::InProgress: return "in-progress";
    case PairState::Succeeded: return "succeeded";
    case PairState::Failed: return "failed";
  }
  return {};
}

}  // namespace linnet::ice
