// A peer that tells of ten thousand candidates, against whole sessions: in its description, and trickled.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/allocations.hpp"
#include "sim/session/call.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

constexpr unsigned many = 10'000;

/// Nobody is there. Of four kinds: hosts, relays, names and streams.
std::string nobody(unsigned i) {
  const std::string address = "198.51." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1);
  const std::string start = "candidate:" + std::to_string(i) + " 1 ";
  const std::string priority = ' ' + std::to_string(2'147'000'000U + i) + ' ';
  switch (i % 4) {
    case 0: return start + "udp" + priority + address + " 9 typ host";
    case 1: return start + "udp" + priority + address + " 9 typ relay raddr 0.0.0.0 rport 0";
    case 2: return start + "udp" + priority + std::to_string(i) + ".local 9 typ host";
    default: return start + "tcp" + priority + address + " 9 typ host tcptype passive";
  }
}

template <class S>
std::size_t count(const StatsReport& report) {
  return static_cast<std::size_t>(
      std::ranges::count_if(report, [](const auto& entry) { return std::holds_alternative<S>(entry.second); }));
}

/// A has little of them, however long it lasts.
void expect_bounded(Call& call, std::int64_t before) {
  const Tuning tuning;
  const StatsReport report = call.meeting.a.session->get_stats(call.now());
  EXPECT_LE(count<CandidatePairStats>(report), tuning.ice_max_pairs);
  EXPECT_LE(count<IceCandidateStats>(report), tuning.ice_max_remote_candidates + 8);
  EXPECT_LT(live_bytes() - before, std::int64_t{8} << 20);
}

TEST(TenThousandCandidates, InADescriptionLeaveTheRightOneItsWay) {
  for (const bool right_one_last : {false, true}) {
    Call call;
    call.meeting.candidate_delay = right_one_last ? 1s : 0s;
    call.meeting.on_description = [&](Side from, SessionDescription& description) {
      if (from != Side::B) return;
      for (unsigned i = 0; i < many; ++i) description.sdp += "a=" + nobody(i) + "\r\n";
    };
    const std::int64_t before = live_bytes();
    call.begin();
    ASSERT_EQ(call.open(20s), Stop::Done) << right_one_last << call.meeting.describe();
    EXPECT_TRUE(call.works());
    expect_bounded(call, before);
    const StatsReport report = call.meeting.a.session->get_stats(call.now());
    EXPECT_EQ(type_of(report.at("ICE")), "linnet-ice");
    EXPECT_GE(std::get<IceStats>(report.at("ICE")).candidates_dropped, many / 2);
    call.meeting.run_for(60s);
    EXPECT_TRUE(call.works());
  }
}

TEST(TenThousandCandidates, ThatTrickleAreRefusedWithAnErrorAndLeaveTheRightOneItsWay) {
  for (const bool right_one_last : {false, true}) {
    Call call;
    Meeting& m = call.meeting;
    m.candidate_delay = right_one_last ? 1s : 0s;
    const std::int64_t before = live_bytes();
    call.begin();
    ASSERT_EQ(m.run_until([&] { return m.a.session->remote_description().has_value(); }, 10s), Stop::Done);
    std::size_t refused = 0;
    for (unsigned i = 0; i < many; ++i) {
      const auto added = m.a.session->add_ice_candidate(
          call.now(), IceCandidateInit{.candidate = nobody(i), .sdp_mid = "0", .sdp_m_line_index = std::uint16_t{0}});
      if (added) continue;
      ++refused;
      EXPECT_EQ(added.error().name, ErrorName::OperationError);
    }
    EXPECT_GE(refused, many - 256);
    ASSERT_EQ(call.open(20s), Stop::Done) << right_one_last << m.describe();
    EXPECT_TRUE(call.works());
    expect_bounded(call, before);
  }
}

}  // namespace
}  // namespace linnet::sim
