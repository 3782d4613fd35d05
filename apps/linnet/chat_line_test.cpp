#include "chat_line.hpp"

#include <gtest/gtest.h>

namespace linnet::app {
namespace {

TEST(ChatLine, IsTextAsItIs) {
  EXPECT_EQ(text_in_line("hello"), "hello");
  EXPECT_EQ(text_in_line(""), "");
}

TEST(ChatLine, IsTheTextOfAJsonLine) { EXPECT_EQ(text_in_line(R"({"text":"h\u00e9"})"), "h\u00e9"); }

TEST(ChatLine, IsNothingWhenTheJsonHasNoText) {
  for (const auto* line : {"{", "{}", R"({"text":1})", R"({"candidate":null})"})
    EXPECT_FALSE(text_in_line(line)) << line;
}

}  // namespace
}  // namespace linnet::app
