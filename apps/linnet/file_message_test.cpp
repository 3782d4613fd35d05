#include "file_message.hpp"

#include <gtest/gtest.h>

#include "output.hpp"

namespace linnet::app {
namespace {

TEST(FileMessage, IsReadAsItWasWritten) {
  for (const FileMessage& message :
       {FileMessage{Offer{.name = "a/b.txt", .size = 1'234, .index = 1, .count = 3, .modified = 1'700'000'000'000}},
        FileMessage{Offer{.name = "x"}}, FileMessage{Accept{7}}, FileMessage{Refuse{"declined"}},
        FileMessage{End{"ab"}}, FileMessage{Received{}}, FileMessage{Failure{"why"}}})
    EXPECT_EQ(parse_file_message(to_text(message)), message) << to_text(message);
}

TEST(FileMessage, WritesWhatThePagesOfTheProtocolSay) {
  EXPECT_EQ(to_text(Offer{.name = "a", .size = 5}), R"({"type":"offer","name":"a","size":5})") << "one file alone";
  EXPECT_EQ(to_text(Offer{.name = "a", .size = 5, .index = 1, .count = 2}),
            R"({"type":"offer","name":"a","size":5,"index":1,"count":2})");
  EXPECT_EQ(to_text(Failure{"r"}), R"({"type":"error","reason":"r"})");
}

TEST(FileMessage, IsNothingWhenItCannotBeRead) {
  for (const auto* text :
       {"", "{", "[]", "{}", R"({"type":1})", R"({"type":"tomorrow"})", R"({"type":"offer","size":1})",
        R"({"type":"offer","name":"","size":1})", R"({"type":"offer","name":"x"})",
        R"({"type":"offer","name":"x","size":-1})", R"({"type":"offer","name":"x","size":1.5})",
        R"({"type":"offer","name":"x","size":9007199254740993})", R"({"type":"accept","offset":"1"})",
        R"({"type":"accept","offset":-1})"})
    EXPECT_FALSE(parse_file_message(text)) << text;
}

TEST(FileMessage, TakesAnAcceptanceWithoutAnOffsetAsFromTheBeginning) {
  EXPECT_EQ(parse_file_message(R"({"type":"accept"})"), FileMessage{Accept{0}});
}

TEST(FileMessage, MakesAReasonOneHarmlessLine) {
  EXPECT_EQ(parse_file_message(R"({"type":"refuse","reason":"a\n\u001bb"})"), FileMessage{Refuse{"a??b"}});
  EXPECT_EQ(parse_file_message(R"({"type":"error"})"), FileMessage{Failure{"no reason given"}});
}

TEST(FileMessage, CutsALongReasonBetweenCharacters) {
  // 199 and a character of three bytes: cut at 200 it would be no UTF-8, and a browser would refuse the message.
  const std::string reason = std::string(199, 'x') + "\u20ac\u20ac";
  const auto read = parse_file_message(to_text(Failure{reason}));
  EXPECT_EQ(read, FileMessage{Failure{std::string(199, 'x')}});
}

}  // namespace
}  // namespace linnet::app
