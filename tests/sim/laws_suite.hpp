#pragma once

#include <gtest/gtest.h>

#include "sim/laws.hpp"
#include "sim/seed_trace.hpp"

namespace linnet::sim {

/// The seven laws as a test suite. For a machine:
///   INSTANTIATE_TYPED_TEST_SUITE_P(Association, SevenLaws, sctp::AssociationFixture);
/// inside namespace linnet::sim.
template <class F>
class SevenLaws : public testing::Test {
 protected:
  static void expect(Law law) {
    std::uint64_t usual = 10;
    if constexpr (requires { F::law_seeds; }) usual = F::law_seeds;
    for (const std::uint64_t seed : seeds(usual)) {
      const SeedTrace trace{seed};
      const Violations violations = check_law<F>(law, seed);
      for (const std::string& violation : violations) ADD_FAILURE() << violation;
      if (!violations.empty()) return;
    }
  }
};
TYPED_TEST_SUITE_P(SevenLaws);

TYPED_TEST_P(SevenLaws, SameSeedAndInputsGiveTheSameBytes) { this->expect(Law::Deterministic); }
TYPED_TEST_P(SevenLaws, NothingIsSharedWithOthers) { this->expect(Law::Closed); }
TYPED_TEST_P(SevenLaws, InputsNeedNoPollingAndPollingOnlyDrains) { this->expect(Law::AnyOrder); }
TYPED_TEST_P(SevenLaws, AnOlderTimeIsHarmless) { this->expect(Law::TimeIsClamped); }
TYPED_TEST_P(SevenLaws, TimeoutsAdvanceInBoundedSteps) { this->expect(Law::TimeoutsAdvance); }
TYPED_TEST_P(SevenLaws, ClosedMachinesAreSilent) { this->expect(Law::SilentAfterClose); }
TYPED_TEST_P(SevenLaws, HostileInputCannotGrowMemory) { this->expect(Law::Bounded); }

REGISTER_TYPED_TEST_SUITE_P(SevenLaws, SameSeedAndInputsGiveTheSameBytes, NothingIsSharedWithOthers,
                            InputsNeedNoPollingAndPollingOnlyDrains, AnOlderTimeIsHarmless,
                            TimeoutsAdvanceInBoundedSteps, ClosedMachinesAreSilent, HostileInputCannotGrowMemory);

}  // namespace linnet::sim
