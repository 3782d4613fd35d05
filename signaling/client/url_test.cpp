#include "client/url.hpp"

#include <gtest/gtest.h>

namespace linnet::signaling {
namespace {

TEST(SignalingUrl, ReadsEachScheme) {
  struct Case {
    const char* text;
    bool tls;
    const char* host;
    unsigned port;
    const char* written;
  };
  for (const Case& c : {Case{"ws://a.example", false, "a.example", 80, "ws://a.example"},
                        Case{"wss://a.example/v1/ws", true, "a.example", 443, "wss://a.example"},
                        Case{"http://[::1]:8080/", false, "::1", 8080, "ws://[::1]:8080"},
                        Case{"https://a.example:80?x#y", true, "a.example", 80, "wss://a.example:80"},
                        Case{"localhost:8080", false, "localhost", 8080, "ws://localhost:8080"}}) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text;
    EXPECT_EQ(url->tls, c.tls) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->text(), c.written) << c.text;
    EXPECT_FALSE(url->room) << c.text;
  }
}

TEST(SignalingUrl, DecodesTheRoom) {
  EXPECT_EQ(parse_url("http://h/r/a%20b")->room, "a b");
  EXPECT_EQ(parse_url("http://h/r/a%2?x")->room, "a%2") << "a broken escape stands for itself";
}

TEST(SignalingUrl, RefusesWhatCannotBeConnectedTo) {
  for (const std::string_view text : {std::string_view{""},
                                      {"ftp://h"},
                                      {"ws://"},
                                      {"ws://h:"},
                                      {"ws://h:0"},
                                      {"ws://h:65536"},
                                      {"ws://h:8a"},
                                      {"ws://u@h"},
                                      {"ws://h/r/"},
                                      {"ws://h/else"},
                                      {"ws://[::1"},
                                      {"ws://[]"},
                                      {"ws://[::1]x"},
                                      {"ws://[::1]:"},
                                      // Written again, "[x" would be the beginning of an address.
                                      {"ws://[[x]"},
                                      {"ws://[h]"},
                                      {"ws://a]b"},
                                      {"ws://a\vb"},
                                      {"ws://a\0b", 8}}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().name, ErrorName::SyntaxError);
  }
}

TEST(SignalingUrl, RefusesAHostLongerThanAnyNameIs) {
  EXPECT_TRUE(parse_url(std::string(255, 'a')));
  const auto url = parse_url(std::string(5'000, 'a'));
  ASSERT_FALSE(url);
  EXPECT_LT(url.error().message.size(), 400U);
}

}  // namespace
}  // namespace linnet::signaling
