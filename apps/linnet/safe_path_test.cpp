#include "safe_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linnet::app {
namespace {

using testing::ElementsAre;

TEST(SafePath, KeepsAPlainRelativePath) {
  EXPECT_THAT(*safe_elements("photos/2026/a b.jpg"), ElementsAre("photos", "2026", "a b.jpg"));
}

TEST(SafePath, NeverLeavesTheFolder) {
  EXPECT_THAT(*safe_elements("../../etc/passwd"), ElementsAre("etc", "passwd"));
  EXPECT_THAT(*safe_elements("/etc/passwd"), ElementsAre("etc", "passwd"));
  EXPECT_THAT(*safe_elements("..\\..\\x"), ElementsAre("x"));
  EXPECT_THAT(*safe_elements("a/./../b"), ElementsAre("a", "b"));
  EXPECT_THAT(*safe_elements(".\x01./x"), ElementsAre("x")) << "what is a dot after cleaning is a dot";
}

TEST(SafePath, RefusesWhatHasNoName) {
  for (const auto* name : {"", "/", "..", "./..", "\x01\x02", "\u202e"}) EXPECT_FALSE(safe_elements(name)) << name;
  EXPECT_FALSE(safe_elements(std::string(1'025, 'a')));
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "a/";
  EXPECT_FALSE(safe_elements(deep));
}

TEST(SafePath, DropsCharactersThatMislead) { EXPECT_THAT(*safe_elements("a\u202egpj.exe\n"), ElementsAre("agpj.exe")); }

TEST(SafePath, RefusesWhatIsNoUtf8) {
  EXPECT_FALSE(safe_elements("a\xff"));
  // Without the control character in its middle it would be U+202E.
  EXPECT_FALSE(
      safe_elements("a\xe2\x80\x01\xae"
                    "gpj.exe"));
}

TEST(SafePath, CutsALongElementBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 200; ++i) name += "\u00e9";
  const auto elements = safe_elements(name);
  ASSERT_TRUE(elements);
  EXPECT_LE(elements->front().size(), 240U);
  EXPECT_EQ(elements->front().size() % 2, 0U);
}

}  // namespace
}  // namespace linnet::app
