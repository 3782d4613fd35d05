#include "sdp/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sdp/writer.hpp"

namespace linnet::sdp {
namespace {

using testing::ElementsAre;

const std::string head = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

Description read(const std::string& text) {
  auto out = parse(text);
  EXPECT_TRUE(out) << (out ? "" : out.error().text + " in line " + std::to_string(out.error().line)) << "\n" << text;
  return out.value_or(Description{});
}

ParseError error_of(const std::string& text, const Limits& limits = {}) {
  auto out = parse(text, limits);
  EXPECT_FALSE(out) << text;
  return out ? ParseError{} : out.error();
}

TEST(SdpParser, ReadsEachFieldOfADescription) {
  const Description d = read(
      "v=0\no=jdoe 3724394400 3724394405 IN IP6 2001:db8::1\ns=Call to me\ni=info\nu=http://example.org/\n"
      "e=j@example.org\np=+1\nc=IN IP4 198.51.100.1\nb=AS:128\nt=3724394400 3724398000\nr=7d 1h 0 25h\nt=0 0\n"
      "z=3730928400 -1h\nk=prompt\na=recvonly\na=tool:x:y\n"
      "m=audio 49170/2 RTP/AVP 0 8\ni=title\nc=IN IP4 198.51.100.2\nc=IN IP4 "
      "198.51.100.3\nb=TIAS:5\nk=clear:x\na=ptime:20\n");
  EXPECT_EQ(d.origin.username, "jdoe");
  EXPECT_EQ(d.origin.session_version, "3724394405");
  EXPECT_EQ(d.origin.addr_type, "IP6");
  EXPECT_EQ(d.session_name, "Call to me");
  EXPECT_EQ(d.information, "info");
  EXPECT_EQ(d.uri, "http://example.org/");
  EXPECT_THAT(d.emails, ElementsAre("j@example.org"));
  EXPECT_EQ(d.connection->address, "198.51.100.1");
  ASSERT_EQ(d.timings.size(), 2u);
  EXPECT_THAT(d.timings[0].repeats, ElementsAre("7d 1h 0 25h"));
  EXPECT_EQ(d.time_zones, "3730928400 -1h");
  EXPECT_EQ(d.key, "prompt");
  EXPECT_TRUE(d.attributes.has("recvonly"));
  EXPECT_EQ(d.attributes.value("tool"), "x:y");
  ASSERT_EQ(d.media.size(), 1u);
  const MediaSection& m = d.media[0];
  EXPECT_EQ(m.kind, "audio");
  EXPECT_EQ(m.port, 49170);
  EXPECT_EQ(m.port_count, 2u);
  EXPECT_THAT(m.formats, ElementsAre("0", "8"));
  EXPECT_EQ(m.title, "title");
  EXPECT_EQ(m.connections.size(), 2u);
  EXPECT_EQ(m.key, "clear:x");
  EXPECT_EQ(m.line, 17u);
  EXPECT_EQ(m.attributes.list[0].line, 23u);
  EXPECT_EQ(read(write(d)), d);
}

TEST(SdpParser, TakesCrLfAndLfAndAMissingLastLineEnd) {
  std::string lf = head;
  std::erase(lf, '\r');
  EXPECT_EQ(read(head), read(lf));
  EXPECT_EQ(read(head.substr(0, head.size() - 2)), read(head));
  EXPECT_EQ(read(head + "\r\n\r\n"), read(head));
}

TEST(SdpParser, KeepsUnknownAttributesInTheirOrder) {
  const Description d = read(head + "a=b:1\r\na=a\r\na=b:2\r\na=c:\r\n");
  EXPECT_THAT(d.attributes.values("b"), ElementsAre("1", "2"));
  EXPECT_EQ(d.attributes.list[1].name, "a");
  EXPECT_EQ(d.attributes.list[1].value, std::nullopt);
  EXPECT_EQ(d.attributes.list[3].value, "");
  EXPECT_TRUE(write(d).ends_with("a=b:1\r\na=a\r\na=b:2\r\na=c:\r\n"));
}

TEST(SdpParser, NamesTheLineOfAnError) {
  EXPECT_EQ(error_of("").line, 1u);
  EXPECT_EQ(error_of("o=- 1 1 IN IP4 0.0.0.0\r\n").line, 1u);
  EXPECT_EQ(error_of("v=0\r\n").line, 2u);
  EXPECT_EQ(error_of("v=0\r\ns=-\r\n").line, 2u);
  EXPECT_EQ(error_of("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nt=0 0\r\n").line, 3u);
  EXPECT_EQ(error_of("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n").line, 4u);
  EXPECT_EQ(error_of(head + "a=ok\r\n\r\na=ok\r\n").line, 6u);
}

TEST(SdpParser, RefusesLinesAgainstTheGrammar) {
  for (const char* bad : {"v=0",
                          "o=- 1 1 IN IP4 0.0.0.0",
                          "s=-",
                          "x=1",
                          "t=0",
                          "t=0 0 0",
                          "t=a b",
                          "c=IN IP4",
                          "c=IN IP4 0.0.0.0 9",
                          "b=AS",
                          "b=AS:x",
                          "b=:1",
                          "a=",
                          "a=:x",
                          "a=b c",
                          "m=",
                          "m=audio 9 RTP/AVP",
                          "m=audio 65536 RTP/AVP 0",
                          "m=audio -1 RTP/AVP 0",
                          "m=audio 9/0 RTP/AVP 0",
                          "m=audio 9/99999999999999999999 RTP/AVP 0",
                          "m=audio nine RTP/AVP 0",
                          "m=au(dio 9 RTP/AVP 0",
                          "m=audio 9 RTP//AVP 0",
                          "m=audio 9 RTP/ 0",
                          "A=x",
                          " a=x",
                          "a",
                          "=x",
                          "a x"})
    EXPECT_EQ(error_of(head + bad + "\r\n").line, 5u) << bad;
  const std::string media = head + "m=audio 9 RTP/AVP 0\r\n";
  for (const char* bad : {"t=0 0", "u=x", "e=x", "r=x", "z=x", "v=0", "c=IN", "b=AS"})
    EXPECT_EQ(error_of(media + bad + "\r\n").line, 6u) << bad;
}

TEST(SdpParser, RefusesSingleLinesThatStandTwice) {
  for (const char* twice : {"i=x", "u=x", "c=IN IP4 0.0.0.0", "z=x", "k=x"})
    EXPECT_EQ(error_of(head + twice + "\r\n" + twice + "\r\n").line, 6u) << twice;
}

TEST(SdpParser, RefusesBadVersionsAndOrigins) {
  for (const char* bad : {"v=1", "v=", "v=00", "v=0 "}) EXPECT_EQ(error_of(std::string{bad} + "\r\n").line, 1u) << bad;
  for (const char* bad : {"o=", "o=- 1 1 IN IP4", "o=- x 1 IN IP4 0.0.0.0", "o=- 1 -1 IN IP4 0.0.0.0",
                          "o=- 1 1 IN IP4 0.0.0.0 x", "o=- 1 1 I:N IP4 0.0.0.0"})
    EXPECT_EQ(error_of(std::string{"v=0\r\n"} + bad + "\r\n").line, 2u) << bad;
}

TEST(SdpParser, RefusesControlCharactersInsideALine) {
  EXPECT_EQ(error_of(head + "a=x:\ry\r\n").line, 5u);
  EXPECT_EQ(error_of(head + std::string{"a=x:\0y\r\n", 9}).line, 5u);
}

TEST(SdpParser, StopsAtItsLimits) {
  EXPECT_NE(error_of(head + std::string(100, 'x'), {.max_size = 100}).text.find("larger"), std::string::npos);
  EXPECT_EQ(error_of(head + "a=x\r\n", {.max_lines = 4}).line, 5u);
  const std::string m = "m=audio 9 RTP/AVP 0\r\n";
  EXPECT_EQ(error_of(head + m + m + m, {.max_media = 2}).line, 7u);
}

}  // namespace
}  // namespace linnet::sdp
