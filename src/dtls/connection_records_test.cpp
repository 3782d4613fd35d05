#include <gtest/gtest.h>

#include "dtls/connection.hpp"
#include "dtls/record.hpp"
#include "dtls/testing/couple.hpp"

// Two Connections with somebody between them who changes, repeats and forges records.
namespace linnet::dtls::testing {
namespace {

TEST(Connection, ReassemblesAHandFragmentedClientHello) {
  Couple pair;
  pair.trust();
  pair.path = [&](End& to, Bytes& packet) {
    if (&to != &pair.server || packet[0] != std::byte{22} || packet[13] != std::byte{1}) return true;
    // Pieces of 40 bytes, the last first.
    std::span<std::byte> rest = packet;
    const Record record = next_record(rest).value();
    const auto whole = *read_handshake_header(record.fragment);
    std::uint64_t sequence = max_sequence - 50;  // the rest of the handshake must not seem a replay after it
    for (std::size_t end = whole.length; end > 0;) {
      const std::size_t begin = (end - 1) / 40 * 40;
      auto header = whole;
      header.fragment_offset = static_cast<std::uint32_t>(begin);
      header.fragment_length = static_cast<std::uint32_t>(end - begin);
      Bytes piece(25 + end - begin);
      write_record_header(std::span{piece}.first<13>(), ContentType::Handshake, version_1_0, 0, sequence++,
                          12 + end - begin);
      write_handshake_header(std::span{piece}.subspan<13, 12>(), header);
      std::memcpy(&piece[25], &record.fragment[12 + begin], end - begin);
      pair.send(to, piece);
      pair.send(to, piece);
      end = begin;
    }
    return false;
  };
  pair.start();
  EXPECT_TRUE(pair.run());
  EXPECT_EQ(pair.now, TimePoint{} + 40ms);
}

TEST(Connection, DropsReplayedTruncatedAndChangedRecords) {
  Couple pair;
  pair.connect();
  const Bytes record = pair.client.seal(bytes("data"));
  for (std::size_t i = 0; i < record.size(); ++i) {
    pair.server.handle(pair.now, Bytes(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(i)));
    Bytes changed = record;
    changed[i] ^= std::byte{0x10};
    pair.server.handle(pair.now, changed);
  }
  EXPECT_TRUE(pair.server.received.empty());
  pair.server.handle(pair.now, record);
  pair.server.handle(pair.now, record);
  EXPECT_EQ(pair.server.received.size(), 1U);
  EXPECT_EQ(pair.server.connection.statistics().records_replayed, 1U);
  EXPECT_TRUE(pair.server.connection.connected());
}

TEST(Connection, AcceptsReorderedRecordsWithinTheWindow) {
  Couple pair;
  pair.connect();
  std::vector<Bytes> records;
  for (int i = 0; i < 300; ++i) records.push_back(pair.client.seal(bytes("data")));
  for (auto record = records.rbegin(); record != records.rend(); ++record) pair.server.handle(pair.now, *record);
  EXPECT_EQ(pair.server.received.size(), 256U);
}

TEST(Connection, ReadsSeveralRecordsOfADatagram) {
  Couple pair;
  pair.connect();
  Bytes both = pair.client.seal(bytes("one"));
  const Bytes second = pair.client.seal(bytes("two"));
  both.insert(both.end(), second.begin(), second.end());
  pair.server.handle(pair.now, both);
  ASSERT_EQ(pair.server.received.size(), 2U);
  EXPECT_EQ(pair.server.received[1], bytes("two"));
}

TEST(Connection, IgnoresForgedPlaintextAfterTheHandshake) {
  Couple pair;
  pair.connect();
  for (const ContentType type :
       {ContentType::ChangeCipherSpec, ContentType::Alert, ContentType::Handshake, ContentType::ApplicationData}) {
    Bytes forged(15);
    write_record_header(std::span{forged}.first<13>(), type, version_1_2, 0, 999, 2);
    forged[13] = std::byte{2};
    forged[14] = std::byte{40};
    pair.server.handle(pair.now, forged);
  }
  EXPECT_TRUE(pair.server.connection.connected());
  EXPECT_FALSE(pair.server.poll(pair.now));
  EXPECT_TRUE(pair.server.received.empty());
}

Bytes plaintext_alert(std::uint8_t level, std::uint8_t description) {
  Bytes alert(15);
  write_record_header(std::span{alert}.first<13>(), ContentType::Alert, version_1_2, 0, 50, 2);
  alert[13] = std::byte{level};
  alert[14] = std::byte{description};
  return alert;
}

TEST(Connection, SurvivesAForgedAlertDuringTheHandshake) {
  Couple pair;
  pair.path = [&](End& to, Bytes&) {
    pair.send(to, plaintext_alert(2, 40), 1ms);
    pair.send(to, plaintext_alert(1, 0), 1ms);
    return true;
  };
  pair.connect();
}

TEST(Connection, BelievesAPlaintextAlertWhenNothingElseComes) {
  End client{1};
  client.connection.start(TimePoint{}, Role::Client);
  client.handle(TimePoint{} + 10ms, plaintext_alert(2, 40));
  EXPECT_FALSE(client.error);
  client.connection.handle_timeout(TimePoint{} + 2010ms);
  client.poll_events();
  ASSERT_TRUE(client.error);
  EXPECT_EQ(client.error->received_alert, 40U);
}

}  // namespace
}  // namespace linnet::dtls::testing
