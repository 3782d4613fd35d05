#include <gmock/gmock.h>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::system_clock::time_point today = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};

Certificate certificate(std::uint64_t seed, std::chrono::system_clock::time_point now = today) {
  SeededGenerator generator{seed};
  return Certificate::generate(generator, now).value();
}

std::string fingerprint_line(const Certificate& certificate) {
  const DtlsFingerprint fingerprint = certificate.get_fingerprints().front();
  return "a=fingerprint:" + fingerprint.algorithm + " " + fingerprint.value + "\r\n";
}

Result<> creating_with(std::vector<Certificate> certificates) {
  SeededGenerator generator{1};
  const auto made = Session::create({.certificates = std::move(certificates)}, {},
                                    {.generator = generator, .wall_clock = today, .simulation = true});
  if (!made) return std::unexpected(made.error());
  return {};
}

TEST(SessionCertificates, TheFirstOneGivenIsOfferedAndCarriesTheConnection) {
  const Certificate first = certificate(100);
  const Certificate second = certificate(200);
  Rig rig{1, {}, {}, {}, {.certificates = {first, second}}};
  const ChannelId id = rig.connect();
  EXPECT_TRUE(rig.a.open(id));  // The peer has held the handshake against the fingerprint of the offer.
  const std::string sdp = rig.a.session->local_description()->sdp;
  EXPECT_THAT(sdp, HasSubstr(fingerprint_line(first)));
  EXPECT_THAT(sdp, ::testing::Not(HasSubstr(fingerprint_line(second))));
}

void expect_refused(const Result<>& created, const std::string& why) {
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().name, ErrorName::InvalidAccessError);
  EXPECT_THAT(created.error().message, HasSubstr(why));
}

TEST(SessionCertificates, AreAcceptedUntilTheyExpire) {
  // Valid for 30 days (Certificate::generate).
  EXPECT_TRUE(creating_with({certificate(100, today - std::chrono::days{29})}));
  expect_refused(creating_with({certificate(100, today - std::chrono::days{30})}), "expired");
  expect_refused(creating_with({certificate(100), certificate(200, today - std::chrono::days{31})}), "expired");
}

TEST(SessionCertificates, ThatAreEmptyAreRefused) {
  expect_refused(creating_with({Certificate{}}), "empty");
  expect_refused(creating_with({certificate(100), Certificate{}}), "empty");
}

TEST(SessionCertificates, CannotBeChangedAfterwards) {
  const std::vector<Certificate> given{certificate(100)};
  Rig rig{1, {}, {}, {}, {.certificates = given}};
  Session& session = *rig.a.session;
  for (const auto& other : {std::vector{certificate(200)}, std::vector{given.front(), certificate(200)}}) {
    const auto set = session.set_configuration(rig.now(), {.certificates = other});
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().name, ErrorName::InvalidModificationError);
    EXPECT_EQ(session.get_configuration().certificates, given);
  }
  EXPECT_TRUE(session.set_configuration(rig.now(), {.certificates = given}));
}

TEST(SessionCertificates, StayWhenAConfigurationNamesNone) {
  const std::vector<Certificate> given{certificate(100)};
  Rig rig{1, {}, {}, {}, {.certificates = given}};
  EXPECT_TRUE(rig.a.session->set_configuration(rig.now(), {}));
  EXPECT_EQ(rig.a.session->get_configuration().certificates, given);
}

}  // namespace
}  // namespace linnet::session::testing
