#include "mdns/responder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "base/bytes.hpp"
#include "base/mdns_name.hpp"
#include "mdns/resolver.hpp"

namespace linnet::mdns {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr TimePoint t0{1h};
constexpr std::string_view name = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
const IpAddress v4 = IpAddress::v4({192, 168, 1, 7});
const IpAddress v6 = IpAddress::parse("2001:db8::7").value();
const IpAddress other = IpAddress::v4({192, 168, 1, 8});

using Packet = std::vector<std::byte>;

std::vector<Packet> drain(Responder& responder, TimePoint now) {
  std::vector<Packet> out;
  Packet room(1'500);
  while (const std::size_t size = responder.poll_packet(now, room))
    out.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
  return out;
}
/// Until everything that a new name says by itself is said.
void settle(Responder& responder, TimePoint& now) {
  while (responder.next_timeout() != never) {
    now = responder.next_timeout();
    responder.handle_timeout(now);
  }
  now += 10s;
  (void)drain(responder, now);
}
Packet question(std::string_view host = name) {
  Packet out(300);
  out.resize(write_query(out, host, false));
  return out;
}
Packet response(const AddressRecord& record) {
  Packet out(300);
  out.resize(write_response(out, record, Wanted::Any));
  return out;
}
Packet probe(const AddressRecord& record) {
  Packet out(300);
  out.resize(write_probe(out, record));
  return out;
}
/// "A 120", "query", "goodbye": what a packet is.
std::string kind(const Packet& packet) {
  if (const auto query = parse_query(packet, 8)) return query->proposed.empty() ? "query" : "probe";
  const auto records = parse_response(packet, 8);
  if (!records) return "malformed";
  if (records->empty()) return "goodbye";
  return to_string(records->front().address) + ' ' + std::to_string(records->front().ttl);
}
std::vector<std::string> conflicts(Responder& responder) {
  std::vector<std::string> out;
  while (const auto event = responder.poll_event()) out.push_back(std::get<Conflict>(*event).name);
  return out;
}

TEST(RandomName, IsAVersion4UuidAndNeverTheSame) {
  SeededGenerator random{1};
  std::set<std::string> names;
  const char* const form = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\.local";
  for (int i = 0; i < 100; ++i) {
    const std::string made = random_name(random);
    EXPECT_THAT(made, testing::MatchesRegex(form));
    names.insert(made);
  }
  EXPECT_EQ(names.size(), 100U);
  for (const auto& each : names) EXPECT_TRUE(is_mdns_name(each));
}

TEST(Responder, ProbesThreeTimesThenAnnouncesTwice) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  std::vector<std::pair<Duration, std::string>> said;
  for (TimePoint now = t0; now != never; now = responder.next_timeout()) {
    responder.handle_timeout(now);
    for (const Packet& packet : drain(responder, now)) said.emplace_back(now - t0, kind(packet));
  }
  using Said = std::pair<Duration, std::string>;
  EXPECT_THAT(said, ElementsAre(Said{0ms, "probe"}, Said{250ms, "probe"}, Said{500ms, "probe"},
                                Said{750ms, "192.168.1.7 120"}, Said{1'750ms, "192.168.1.7 120"}));
}

TEST(Responder, AnswersAResolverAtOnceAlsoWhileItStillProbes) {
  for (const IpAddress& address : {v4, v6}) {
    Responder responder;
    ASSERT_TRUE(responder.publish(t0, name, address));
    (void)drain(responder, t0);
    SeededGenerator random{1};
    Resolver resolver{{}, random};
    resolver.query(t0 + 1ms, QueryId{1}, "1F4712DB-ea17-4bcf-a596-105139dfd8bf.LOCAL.");
    Packet room(1'500);
    const std::size_t size = resolver.poll_packet(t0 + 1ms, room);
    responder.handle_packet(t0 + 2ms, std::span{room}.first(size));
    const auto answers = drain(responder, t0 + 2ms);
    ASSERT_THAT(answers, SizeIs(1)) << "both questions at once";
    resolver.handle_packet(t0 + 3ms, answers.front());
    const auto event = resolver.poll_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(std::get<Resolved>(*event).addresses, std::vector{address});
  }
}

TEST(Responder, SaysThatThereIsNoAddressOfTheOtherFamily) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  Packet ask = question();
  ask[5] = std::byte{1};  // One question only; make it AAAA.
  ask.resize(12 + name.size() + 2 + 4);
  ask[ask.size() - 3] = std::byte{28};
  responder.handle_packet(now, ask);
  const auto answers = drain(responder, now);
  ASSERT_THAT(answers, SizeIs(1));
  const std::byte* const type = answers[0].data() + 12 + name.size() + 2;
  EXPECT_EQ(load_be<std::uint16_t>(type), 47) << "NSEC is the answer";
  EXPECT_EQ(load_be<std::uint32_t>(type + 4), 120U);
  EXPECT_EQ(load_be<std::uint16_t>(type + 8), 5);
  EXPECT_EQ(std::to_integer<int>(type[14]), 0x40) << "there is an A record";
  EXPECT_EQ(kind(answers[0]), "192.168.1.7 120") << "and here it is";
}

TEST(Responder, AnswersForNoOtherName) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  responder.handle_packet(now, question("other.local"));
  EXPECT_THAT(drain(responder, now), IsEmpty());
  Packet garbage = question();
  garbage.resize(garbage.size() - 1);
  responder.handle_packet(now, garbage);
  EXPECT_THAT(drain(responder, now), IsEmpty());
  EXPECT_EQ(responder.packets_ignored(), 1U);
}

TEST(Responder, LeavesOutWhatTheAskerKnows) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  for (const auto& [ttl, answers] : {std::pair{60U, 0U}, std::pair{59U, 1U}}) {
    // A known answer follows the questions.
    Packet ask = question();
    ask[7] = std::byte{1};
    const Packet record = response({.name = std::string(name), .address = v4, .ttl = ttl});
    ask.insert(ask.end(), record.begin() + 12,
               record.begin() + 12 + static_cast<std::ptrdiff_t>(name.size()) + 2 + 10 + 4);
    responder.handle_packet(now, ask);
    EXPECT_THAT(drain(responder, now), SizeIs(answers)) << ttl;
    now += 10s;
  }
}

/// A question of a plain DNS resolver, with an id.
Packet plain_question(std::uint8_t type) {
  Packet ask = question();
  ask[1] = std::byte{9};
  ask[5] = std::byte{1};
  ask.resize(12 + name.size() + 2 + 4);
  ask[ask.size() - 3] = std::byte{type};
  return ask;
}

TEST(Responder, AnswersAPlainResolverDirectlyWithItsIdAndQuestionAndForTenSeconds) {
  constexpr std::uint8_t a = 1, aaaa = 28;
  const Endpoint asker{other, 40'000};
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  for (const auto& [type, records] : {std::pair{a, 1U}, std::pair{aaaa, 0U}}) {
    const Packet ask = plain_question(type);
    responder.handle_legacy_packet(now, ask, asker);
    Packet answer(512);
    std::optional<Endpoint> to;
    answer.resize(responder.poll_packet(now, answer, to));
    ASSERT_GE(answer.size(), ask.size());
    EXPECT_EQ(to, asker);
    EXPECT_EQ(load_be<std::uint16_t>(answer.data()), 9U);
    EXPECT_EQ(load_be<std::uint16_t>(answer.data() + 4), 1U) << "the question, too";
    EXPECT_TRUE(std::equal(ask.begin() + 12, ask.end(), answer.begin() + 12));
    const auto parsed = parse_response(answer, 8);
    ASSERT_TRUE(parsed);
    ASSERT_THAT(*parsed, SizeIs(records));
    if (records == 0) continue;
    EXPECT_EQ(parsed->front().address, v4);
    EXPECT_EQ(parsed->front().ttl, 10U);
    EXPECT_EQ(load_be<std::uint16_t>(answer.data() + ask.size() + 4), 1U) << "no cache-flush bit";
  }
  EXPECT_THAT(drain(responder, now), IsEmpty());
}

TEST(Responder, BelievesNothingThatComesFromAnotherPort) {
  const Endpoint stranger{other, 40'000};
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  responder.handle_legacy_packet(t0, response({.name = std::string(name), .address = other, .ttl = 120}), stranger);
  responder.handle_legacy_packet(t0, probe({.name = std::string(name), .address = other, .ttl = 120}), stranger);
  EXPECT_THAT(conflicts(responder), IsEmpty());
  EXPECT_EQ(responder.packets_ignored(), 2U);
  (void)drain(responder, t0);
  responder.handle_legacy_packet(t0, question(), stranger);
  EXPECT_THAT(drain(responder, t0), IsEmpty()) << "two questions at once";
}

TEST(Responder, KeepsThousandsOfNamesApart) {
  constexpr int count = 5'000;
  Responder responder{{.max_names = count, .max_packets = 2 * count, .max_events = count}};
  const auto name_of = [](int i) { return "n" + std::to_string(i) + ".local"; };
  const auto address_of = [](int i) {
    return IpAddress::v4({10, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)});
  };
  for (int i = 0; i < count; ++i) ASSERT_TRUE(responder.publish(t0 + i * 1us, name_of(i), address_of(i)));
  TimePoint now = t0;
  settle(responder, now);
  for (int i = 0; i < count; i += 7) {
    responder.handle_packet(now, question(name_of(i)));
    const auto answers = drain(responder, now);
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(kind(answers[0]), to_string(address_of(i)) + " 120");
    responder.handle_packet(now, response({.name = name_of(i), .address = v4, .ttl = 120}));
    ASSERT_THAT(conflicts(responder), ElementsAre(name_of(i)));
    responder.handle_packet(now, question(name_of(i)));
    ASSERT_THAT(drain(responder, now), IsEmpty());
  }
  for (int i = 0; i < count; ++i) responder.withdraw(now, name_of(i));
  EXPECT_EQ(responder.names(), 0U);
  EXPECT_EQ(responder.next_timeout(), never);
}

TEST(Responder, AFloodOfQuestionsGetsFewAnswers) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  std::size_t answers = 0;
  for (int i = 0; i < 10'000; ++i) {
    responder.handle_packet(now, question());
    responder.handle_timeout(now);
    answers += drain(responder, now).size();
    now += 100us;
  }
  EXPECT_LE(answers, 7U);
  EXPECT_GE(answers, 5U) << "who asked last is answered, too";
}

TEST(Responder, HearsItselfWithoutTakingItForSomebodyElse) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  std::size_t packets = 0;
  for (TimePoint now = t0; now != never; now = responder.next_timeout()) {
    responder.handle_timeout(now);
    for (const Packet& packet : drain(responder, now)) {
      ++packets;
      responder.handle_packet(now, packet);
    }
  }
  EXPECT_EQ(packets, 5U);
  EXPECT_THAT(conflicts(responder), IsEmpty());
  EXPECT_EQ(responder.names(), 1U);
}

TEST(Responder, KnowsItsOwnLinkLocalAddressWhichPacketsCarryWithoutItsScope) {
  const IpAddress link_local = IpAddress::parse("fe80::7").value();
  TimePoint now = t0;
  Responder responder;
  ASSERT_TRUE(responder.publish(now, name, IpAddress::v6({0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, 3)));
  responder.handle_packet(now, probe({.name = std::string{name}, .address = link_local, .ttl = 120}));
  settle(responder, now);
  responder.handle_packet(now, response({.name = std::string{name}, .address = link_local, .ttl = 120}));
  EXPECT_THAT(conflicts(responder), IsEmpty());
  EXPECT_EQ(responder.names(), 1U);
}

TEST(Responder, GivesTheNameUpThatSomebodyElseAnswersFor) {
  for (const bool settled : {false, true}) {
    Responder responder;
    ASSERT_TRUE(responder.publish(t0, name, v4));
    TimePoint now = t0;
    if (settled) settle(responder, now);
    responder.handle_packet(now, response({.name = std::string(name), .address = other, .ttl = 120}));
    EXPECT_THAT(conflicts(responder), ElementsAre(name));
    EXPECT_EQ(responder.names(), 0U);
    EXPECT_EQ(responder.next_timeout(), never);
  }
}

TEST(Responder, YieldsToAnotherProbeOnlyWhileItProbesItself) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  responder.handle_packet(t0, probe({.name = std::string(name), .address = other, .ttl = 120}));
  EXPECT_THAT(conflicts(responder), ElementsAre(name));
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  responder.handle_packet(now, probe({.name = std::string(name), .address = other, .ttl = 120}));
  EXPECT_THAT(conflicts(responder), IsEmpty());
  const auto defence = drain(responder, now);
  ASSERT_THAT(defence, SizeIs(1));
  EXPECT_EQ(kind(defence[0]), "192.168.1.7 120");
}

TEST(Responder, SaysGoodbyeToThoseWhoMayHaveHeardOfAName) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  (void)drain(responder, t0);
  responder.withdraw(t0, name);
  EXPECT_THAT(drain(responder, t0), IsEmpty()) << "nobody has";
  ASSERT_TRUE(responder.publish(t0, name, v4));
  TimePoint now = t0;
  settle(responder, now);
  responder.withdraw(now, name);
  const auto goodbye = drain(responder, now);
  ASSERT_THAT(goodbye, SizeIs(1));
  EXPECT_EQ(kind(goodbye[0]), "goodbye");
  responder.handle_packet(now, question());
  EXPECT_THAT(drain(responder, now), IsEmpty());
}

TEST(Responder, RefusesWhatIsNoNameOrTakenOrTooMuch) {
  Responder responder{{.max_names = 2}};
  EXPECT_FALSE(responder.publish(t0, "example.org", v4));
  EXPECT_FALSE(responder.publish(t0, "", v4));
  EXPECT_TRUE(responder.publish(t0, "a.local", v4));
  EXPECT_FALSE(responder.publish(t0, "A.LOCAL", v6));
  EXPECT_TRUE(responder.publish(t0, "b.local", v4));
  EXPECT_FALSE(responder.publish(t0, "c.local", v4));
}

TEST(Responder, IsSilentAfterClose) {
  Responder responder;
  ASSERT_TRUE(responder.publish(t0, name, v4));
  responder.close();
  EXPECT_FALSE(responder.publish(t0, "b.local", v4));
  responder.handle_packet(t0, question());
  EXPECT_THAT(drain(responder, t0), IsEmpty());
  EXPECT_EQ(responder.next_timeout(), never);
  EXPECT_FALSE(responder.poll_event());
}

TEST(Query, RejectsEveryTruncation) {
  for (const Packet& packet : {question(), probe({.name = std::string(name), .address = v6, .ttl = 120})}) {
    ASSERT_TRUE(parse_query(packet, 8));
    EXPECT_FALSE(parse_response(packet, 8));
    for (std::size_t size = 0; size < packet.size(); ++size)
      EXPECT_FALSE(parse_query(std::span{packet}.first(size), 8)) << size;
  }
}

}  // namespace
}  // namespace linnet::mdns
