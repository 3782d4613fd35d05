#include <gtest/gtest.h>

#include "dtls/record.hpp"
#include "dtls/testing/couple.hpp"

// The last word of an end that failed, and the other end's reading of it.
namespace linnet::dtls::testing {
namespace {

class LastWord : public ::testing::TestWithParam<Role> {
 protected:
  /// One end is told a fingerprint that the other's certificate does not have.
  void mistrust() {
    couple_.trust();
    strict().connection.set_remote_fingerprints({fresh_certificate().fingerprint()});
    couple_.start();
  }
  End& strict() { return GetParam() == Role::Client ? couple_.client : couple_.server; }
  End& honest() { return GetParam() == Role::Client ? couple_.server : couple_.client; }

  Couple couple_;
};
INSTANTIATE_TEST_SUITE_P(Roles, LastWord, ::testing::Values(Role::Client, Role::Server));

TEST_P(LastWord, IsBadCertificateForAWrongFingerprint) {
  mistrust();
  EXPECT_FALSE(couple_.run(3s));
  ASSERT_TRUE(strict().error);
  EXPECT_EQ(strict().error->detail, ErrorDetail::FingerprintFailure);
  EXPECT_EQ(strict().error->sent_alert, 42U);
  ASSERT_TRUE(honest().error);
  EXPECT_EQ(honest().error->received_alert, 42U);
}

TEST_P(LastWord, IsSaidAgainToAPeerThatGoesOn) {
  int lost = 0;
  couple_.path = [&](End& to, Bytes&) { return &to != &honest() || !strict().error || ++lost > 3; };
  mistrust();
  EXPECT_FALSE(couple_.run(5s));
  EXPECT_GT(lost, 3);
  ASSERT_TRUE(honest().error);
  EXPECT_EQ(honest().error->received_alert, 42U);
}

TEST_P(LastWord, IsNotRepeatedForEver) {
  int said = 0;
  couple_.path = [&](End& to, Bytes&) { return &to != &honest() || !strict().error || ++said == 0; };
  mistrust();
  EXPECT_FALSE(couple_.run(60s));
  EXPECT_EQ(said, 9);
  ASSERT_TRUE(honest().error);
  EXPECT_EQ(couple_.now, TimePoint{} + 30s);
}

TEST_P(LastWord, IsNoAnswerToGarbageAnAlertOrAFlood) {
  mistrust();
  EXPECT_FALSE(couple_.run(1s));
  ASSERT_TRUE(strict().error);
  couple_.now += 1s;
  Bytes alert(15);
  write_record_header(std::span{alert}.first<13>(), ContentType::Alert, version_1_2, 0, 50, 2);
  strict().handle(couple_.now, alert);
  EXPECT_FALSE(strict().poll(couple_.now));
  strict().handle(couple_.now, bytes("garbage"));
  EXPECT_FALSE(strict().poll(couple_.now));
  Bytes hello(15);
  write_record_header(std::span{hello}.first<13>(), ContentType::Handshake, version_1_2, 0, 51, 2);
  strict().handle(couple_.now, hello);
  EXPECT_TRUE(strict().poll(couple_.now));
  strict().handle(couple_.now, hello);
  EXPECT_FALSE(strict().poll(couple_.now));
  strict().connection.close(couple_.now);
  couple_.now += 1s;
  strict().handle(couple_.now, hello);
  EXPECT_FALSE(strict().poll(couple_.now));
}

}  // namespace
}  // namespace linnet::dtls::testing
