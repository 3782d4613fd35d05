#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "jsep/negotiation.hpp"
#include "linnet/core/generator.hpp"

namespace linnet::jsep {

inline Options test_options(char letter = 'A') {
  std::string value;
  for (int i = 0; i < 32; ++i) value += (i == 0 ? "" : ":") + std::string(2, letter);
  Options options;
  options.fingerprints = {{.algorithm = "sha-256", .value = value}};
  return options;
}

/// One side of a negotiation. Members that must succeed do so or fail the test.
struct TestPeer {
  explicit TestPeer(char letter = 'A', Options options = {})
      : generator(static_cast<std::uint64_t>(letter)), negotiation(complete(std::move(options), letter), generator) {}

  static Options complete(Options options, char letter) {
    options.fingerprints = test_options(letter).fingerprints;
    return options;
  }

  Changes set_local(std::optional<SdpType> type = std::nullopt) {
    auto out = negotiation.set_local_description(type);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out.value_or(Changes{});
  }
  Changes set_remote(const SessionDescription& description) {
    auto out = negotiation.set_remote_description(description);
    EXPECT_TRUE(out) << (out ? "" : out.error().message) << "\n" << description.sdp;
    return out.value_or(Changes{});
  }
  Changes set_remote(const TestPeer& other) { return set_remote(*other.negotiation.local_description()); }
  [[nodiscard]] Error refusal(const SessionDescription& description) {
    auto out = negotiation.set_remote_description(description);
    EXPECT_FALSE(out) << description.sdp;
    return out ? Error{.name = ErrorName::NotFoundError, .message = "accepted"} : out.error();
  }
  [[nodiscard]] std::string local_sdp() const {
    return negotiation.local_description().value_or(SessionDescription{}).sdp;
  }

  SeededGenerator generator;
  Negotiation negotiation;
};

struct Exchange {
  Changes offered, received, answered, completed;
};

/// Offer and answer, `offerer` first.
inline Exchange exchange(TestPeer& offerer, TestPeer& answerer) {
  Exchange out;
  out.offered = offerer.set_local();
  out.received = answerer.set_remote(offerer);
  out.answered = answerer.set_local();
  out.completed = offerer.set_remote(answerer);
  return out;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in\n" << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// Alice has a data channel to offer; Bob takes what comes.
class NegotiationTest : public ::testing::Test {
 protected:
  NegotiationTest() { alice.negotiation.want_data(); }
  TestPeer alice{'A'};
  TestPeer bob{'B'};
};

}  // namespace linnet::jsep
