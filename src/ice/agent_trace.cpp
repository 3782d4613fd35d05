// What the agent writes into the trace.
#include <algorithm>
#include <utility>

#include "ice/agent.hpp"

namespace linnet::ice {

void Agent::trace_event(const Event& event) {
  TraceBuffer& trace = *options_.trace;
  if (const auto* changed = std::get_if<StateChanged>(&event)) {
    if (changed->state == traced_state_) return;
    trace.add(trace::StateUpdated{"ice:state_updated", linnet::to_string(std::exchange(traced_state_, changed->state)),
                                  linnet::to_string(changed->state)});
  } else if (const auto* gathering = std::get_if<GatheringStateChanged>(&event)) {
    trace.add(trace::StateUpdated{"ice:gathering_state_updated",
                                  linnet::to_string(std::exchange(traced_gathering_, gathering->state)),
                                  linnet::to_string(gathering->state)});
  } else if (const auto* local = std::get_if<LocalCandidate>(&event)) {
    trace.add(trace::IceCandidate{true, to_string(local->candidate)});
  } else if (const auto* error = std::get_if<CandidateError>(&event)) {
    trace.add(trace::IceCandidateError{error->url, error->error_code, error->error_text});
  } else if (const auto* selected = std::get_if<SelectedPairChanged>(&event)) {
    trace_pairs();  // first that it works, then that it is taken
    trace.add(trace::IceSelectedPair{selected->path});
  } else if (const auto* role = std::get_if<RoleChanged>(&event)) {
    trace.add(trace::StateUpdated{"ice:role_updated", {}, linnet::to_string(role->role)});
  }
}

/// Compares with what was told: pairs change in many places, and no input changes more than a few.
void Agent::trace_pairs() {
  TraceBuffer& trace = *options_.trace;
  std::erase_if(traced_pairs_, [&](const TracedPair& known) {
    const CandidatePair* const pair = checks_.find(known.id);
    if (pair != nullptr && pair->path == known.path) return false;
    trace.add(trace::IcePairUpdated{known.id.value(), known.path, to_string(known.state), {}, known.nominated});
    return true;
  });
  for (const CandidatePair& pair : checks_.pairs()) {
    const auto known = std::ranges::find(traced_pairs_, pair.id, &TracedPair::id);
    if (known == traced_pairs_.end()) {
      traced_pairs_.push_back({pair.id, pair.path, pair.state, pair.nominated});
      trace.add(trace::IcePairUpdated{pair.id.value(), pair.path, {}, to_string(pair.state), pair.nominated});
    } else if (known->state != pair.state || known->nominated != pair.nominated) {
      trace.add(trace::IcePairUpdated{pair.id.value(), pair.path, to_string(std::exchange(known->state, pair.state)),
                                      to_string(pair.state), pair.nominated});
      known->nominated = pair.nominated;
    }
  }
}

}  // namespace linnet::ice
