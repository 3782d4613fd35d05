// Each line of good descriptions missing, doubled, cut or absurd: read, or refused with a proper error and no
// trace left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>

#include "jsep/negotiation.hpp"
#include "linnet/core/generator.hpp"
#include "sdp/parser.hpp"
#include "sdp/writer.hpp"
#include "sdp_fixtures.hpp"

namespace linnet::jsep {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// Calls `use` with every mutation of `text`, and a name for it.
void mutate(const std::string& text, const std::function<void(const std::string&, const std::string&)>& use) {
  static const std::regex digits{"[0-9]+"};
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto with = [&](const std::string& instead, const std::string& what) {
      std::string out;
      for (std::size_t k = 0; k < lines.size(); ++k) out += k == i ? instead : lines[k];
      use(out, what + " " + lines[i]);
    };
    const std::string line = lines[i].substr(0, lines[i].find('\r'));
    with("", "without");
    with(lines[i] + lines[i], "doubled");
    for (std::size_t size = 0; size < line.size(); size += std::max(line.size() / 6, std::size_t{1}))
      with(line.substr(0, size) + "\r\n", "cut to " + std::to_string(size));
    for (const char* number : {"99999999999999", "99999999999999999999999999", "-1", "0", "", "x", "4294967296"})
      with(std::regex_replace(line, digits, number, std::regex_constants::format_first_only) + "\r\n",
           std::string{"number "} + number);
    with(std::regex_replace(line, digits, "99999999999999") + "\r\n", "all numbers");
    with(line + "\n\r\n", "blank line after");
    with(line.substr(0, 2) + std::string(70'000, 'A') + "\r\n", "huge");
    with(line.substr(0, 2) + std::string{"\0\xff\xfe\x80", 4} + "\r\n", "binary");
    with(line + " " + line + "\r\n", "said twice in one line");
    if (const std::size_t colon = line.find(':'); colon != std::string::npos)
      with(line.substr(0, colon + 1) + "\r\n", "without value");
  }
  use(text + text, "whole text twice");
  for (std::size_t size = 0; size < text.size(); size += 97) use(text.substr(0, size), "cut text");
}

struct Peer {
  SeededGenerator generator{1};
  Negotiation negotiation{{.fingerprints = {{.algorithm = "sha-256", .value = "AB:CD"}}}, generator};
};

void expect_proper(const Error& error, std::size_t lines, const std::string& text) {
  EXPECT_FALSE(error.message.empty());
  if (error.detail == ErrorDetail::SdpSyntaxError) {
    EXPECT_EQ(error.name, ErrorName::OperationError);
    ASSERT_TRUE(error.sdp_line_number);
    EXPECT_GE(*error.sdp_line_number, 1u);
    EXPECT_LE(*error.sdp_line_number, lines + 1) << text;
  } else {
    EXPECT_EQ(error.name, ErrorName::InvalidAccessError);
    EXPECT_FALSE(error.sdp_line_number);
  }
}

const std::vector<std::string> small_offers{
    "chromium_data_offer_gathered", "firefox_data_offer_gathered", "aiortc_draft_data_offer",  "pion_data_offer",
    "libdatachannel_data_offer",    "lite_gateway_data_offer",     "chromium_data_first_offer"};

TEST(SdpMutation, OfAnOfferIsAcceptedOrRefusedWithoutATrace) {
  std::map<bool, int> count;
  for (const std::string& name : small_offers)
    mutate(sdp_fixture(name), [&](const std::string& text, const std::string& what) {
      SCOPED_TRACE(name + ": " + what.substr(0, 200));
      Peer peer;
      const auto result = peer.negotiation.set_remote_description({.type = SdpType::Offer, .sdp = text});
      ++count[result.has_value()];
      if (!result) {
        expect_proper(result.error(), lines_of(text).size(), text.substr(0, 2'000));
        EXPECT_EQ(peer.negotiation.signaling_state(), SignalingState::Stable);
        EXPECT_FALSE(peer.negotiation.remote_description());
        EXPECT_FALSE(peer.negotiation.can_trickle());
        return;
      }
      const auto answered = peer.negotiation.set_local_description();
      ASSERT_TRUE(answered) << answered.error().message;
      EXPECT_TRUE(sdp::parse(peer.negotiation.local_description()->sdp));
      EXPECT_TRUE(peer.negotiation.set_local_description()) << "an offer of ours afterwards";
    });
  EXPECT_GT(count[true], 500);
  EXPECT_GT(count[false], 500);
}

TEST(SdpMutation, OfAnAnswerIsAcceptedOrRefusedWithoutATrace) {
  for (const std::string name : {"chromium_data_answer", "firefox_data_answer"})
    mutate(sdp_fixture(name), [&](const std::string& text, const std::string& what) {
      SCOPED_TRACE(name + ": " + what.substr(0, 200));
      Peer peer;
      peer.negotiation.want_data();
      ASSERT_TRUE(peer.negotiation.set_local_description());
      const auto before = peer.negotiation.local_description();
      const auto result = peer.negotiation.set_remote_description({.type = SdpType::Answer, .sdp = text});
      if (result) {
        EXPECT_EQ(peer.negotiation.signaling_state(), SignalingState::Stable);
        EXPECT_NE(result->remote.has_value(), result->transport_dropped);
        return;
      }
      expect_proper(result.error(), lines_of(text).size(), text.substr(0, 2'000));
      EXPECT_EQ(peer.negotiation.signaling_state(), SignalingState::HaveLocalOffer);
      EXPECT_EQ(peer.negotiation.local_description(), before);
      EXPECT_FALSE(peer.negotiation.remote_description());
      const auto good = peer.negotiation.set_remote_description({.type = SdpType::Answer, .sdp = sdp_fixture(name)});
      EXPECT_TRUE(good) << "the good answer still fits";
    });
}

TEST(SdpMutation, NeverChangesWhatIsReadByWritingIt) {
  for (const Fixture& fixture : sdp_fixtures()) {
    if (fixture.text.size() > 1'600) continue;
    mutate(fixture.text, [&](const std::string& text, const std::string& what) {
      const auto d = sdp::parse(text);
      if (!d) return;
      const auto again = sdp::parse(sdp::write(*d));
      ASSERT_TRUE(again) << what;
      EXPECT_EQ(*again, *d) << what;
    });
  }
}

/// Lines that no connection can do without.
TEST(SdpMutation, NoticesEachEssentialLineThatIsMissing) {
  const std::string offer = sdp_fixture("chromium_data_offer_gathered");
  for (const std::string start : {"v=", "o=", "s=", "t=", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=mid"}) {
    SCOPED_TRACE(start);
    std::string text;
    for (const std::string& line : lines_of(offer))
      if (!line.starts_with(start)) text += line;
    ASSERT_NE(text, offer);
    Peer peer;
    EXPECT_FALSE(peer.negotiation.set_remote_description({.type = SdpType::Offer, .sdp = text}));
  }
}

}  // namespace
}  // namespace linnet::jsep
