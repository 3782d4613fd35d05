#include "transport/dtls_in_stun.hpp"

#include <gmock/gmock.h>

#include "base/bytes.hpp"
#include "stun/wire.hpp"

namespace linnet::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Bytes = std::vector<std::byte>;

/// A datagram that looks like DTLS.
Bytes dtls(unsigned number) { return {std::byte{22}, static_cast<std::byte>(number)}; }
std::uint32_t crc(const Bytes& bytes) { return stun::wire::crc32(bytes); }

ice::Embedded with(Bytes data, std::vector<std::uint32_t> acknowledged = {}) {
  return {.data = std::move(data), .acknowledged = std::move(acknowledged)};
}
ice::Embedded only_acknowledging(std::vector<std::uint32_t> acknowledged) {
  return {.data = std::nullopt, .acknowledged = std::move(acknowledged)};
}

TEST(DtlsInStun, TellsFromTheStartThatItIsThere) {
  const DtlsInStun side;
  const auto embedding = side.to_embed();
  ASSERT_TRUE(embedding);
  EXPECT_THAT(embedding->data, IsEmpty());
  EXPECT_TRUE(embedding->data_if_empty);
  EXPECT_THAT(embedding->acknowledged, IsEmpty());
}

TEST(DtlsInStun, CarriesAFlightUntilItIsAcknowledged) {
  DtlsInStun side;
  side.flight({dtls(1), dtls(2)});
  EXPECT_THAT(side.to_embed()->data, ElementsAre(dtls(1), dtls(2)));
  EXPECT_FALSE(side.received(with({}, {crc(dtls(1)), 12345})));
  EXPECT_THAT(side.to_embed()->data, ElementsAre(dtls(2)));
  side.flight({dtls(3)});
  EXPECT_THAT(side.to_embed()->data, ElementsAre(dtls(3))) << "the next flight takes its place";
}

TEST(DtlsInStun, SendsByItselfWhatThePeerIsNotKnownToHave) {
  DtlsInStun side;
  side.flight({dtls(1), dtls(2)});
  (void)side.received(with({}, {crc(dtls(2))}));
  EXPECT_THAT(side.take_unsent(), ElementsAre(dtls(1)));
  EXPECT_THAT(side.take_unsent(), IsEmpty()) << "once";
  EXPECT_THAT(side.to_embed()->data, ElementsAre(dtls(1))) << "and still with checks";
}

TEST(DtlsInStun, AcknowledgesTheLastFourThatArrived) {
  DtlsInStun side;
  for (unsigned i = 1; i <= 6; ++i) EXPECT_EQ(side.received(with(dtls(i))), dtls(i));
  EXPECT_THAT(side.to_embed()->acknowledged, ElementsAre(crc(dtls(3)), crc(dtls(4)), crc(dtls(5)), crc(dtls(6))));
  EXPECT_EQ(side.received(with(dtls(6))), dtls(6)) << "a repetition is for DTLS to judge";
  EXPECT_THAT(side.to_embed()->acknowledged, SizeIs(4));
}

TEST(DtlsInStun, DiscardsWhatIsNoDtls) {
  DtlsInStun side;
  for (const Bytes& bad : {Bytes{}, Bytes{std::byte{0}}, Bytes{std::byte{19}}, Bytes{std::byte{64}}, Bytes(2'000)})
    EXPECT_FALSE(side.received(with(bad)));
  EXPECT_THAT(side.to_embed()->acknowledged, IsEmpty());
  EXPECT_FALSE(side.over());
}

TEST(DtlsInStun, APeerThatSendsNeitherAttributeGetsAnOrdinaryHandshake) {
  DtlsInStun side;
  side.flight({dtls(1)});
  EXPECT_FALSE(side.received({}));
  EXPECT_TRUE(side.over());
  EXPECT_FALSE(side.to_embed());
  EXPECT_THAT(side.take_unsent(), ElementsAre(dtls(1))) << "what was to go with checks goes by itself";
  EXPECT_FALSE(side.received(with(dtls(9)))) << "and it stays so";
}

TEST(DtlsInStun, TheClientIsDoneWhenItIsConnectedAndHearsOnce) {
  DtlsInStun side;
  side.flight({dtls(1)});
  side.connected(true);
  ASSERT_TRUE(side.to_embed()) << "the server must learn that its last flight has arrived";
  EXPECT_THAT(side.to_embed()->data, IsEmpty());
  EXPECT_FALSE(side.to_embed()->data_if_empty);
  EXPECT_FALSE(side.received(with(dtls(7)))) << "nothing for DTLS any more";
  EXPECT_TRUE(side.over());
}

TEST(DtlsInStun, TheServerKeepsItsLastFlightUntilItIsAcknowledged) {
  DtlsInStun side;
  side.flight({dtls(1)});
  side.connected(false);
  (void)side.received(only_acknowledging({}));
  EXPECT_FALSE(side.over());
  EXPECT_THAT(side.to_embed()->data, ElementsAre(dtls(1)));
  (void)side.received(only_acknowledging({crc(dtls(1))}));
  EXPECT_TRUE(side.over());
}

TEST(DtlsInStun, KeepsNoMoreThanAFlight) {
  DtlsInStun side;
  DtlsInStun::Datagrams many;
  for (unsigned i = 0; i < 200; ++i) many.push_back(dtls(i));
  side.flight(std::move(many));
  EXPECT_THAT(side.to_embed()->data, SizeIs(16));
}

}  // namespace
}  // namespace linnet::transport
