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

TEST(SafePath, HidesNothing) {
  EXPECT_THAT(*safe_elements(".ssh/authorized_keys"), ElementsAre("_ssh", "authorized_keys"));
  EXPECT_THAT(*safe_elements("a/..b"), ElementsAre("a", "_.b"));
  EXPECT_THAT(*safe_elements("\u202e.bashrc"), ElementsAre("_bashrc")) << "a dot that is the first after cleaning";
}

TEST(SafePath, GivesNoNameThatAnotherSystemTakesForADevice) {
  for (const std::string name :
       {"NUL", "con", "Aux", "prn.txt", "COM1", "com\u00b9", "LPT9.tar.gz", "lpt0", "nul .x", "CONIN$", "conout$"})
    EXPECT_THAT(*safe_elements("d/" + name), ElementsAre("d", "_" + name));
  for (const std::string name : {"NULL", "COM", "COM10", "console", "a.con", "_NUL", "lpt\u00b4", "xcon"})
    EXPECT_THAT(*safe_elements(name), ElementsAre(name));
}

TEST(SafePath, GivesNoNameThatAnotherSystemReadsDifferently) {
  EXPECT_THAT(*safe_elements("a:b"), ElementsAre("a_b"));
  EXPECT_THAT(*safe_elements("C:\\x"), ElementsAre("C_", "x"));
  EXPECT_THAT(*safe_elements("what? <*>|\"x\""), ElementsAre("what_ _____x_"));
  EXPECT_THAT(*safe_elements("a./b.. /c "), ElementsAre("a_", "b.._", "c_"));
  EXPECT_THAT(*safe_elements(".. /.../ . / /x"), ElementsAre("x")) << "dots and spaces are no name";
}

TEST(SafePath, WhatCuttingUncoversIsCleanedAgain) {
  EXPECT_THAT(*safe_elements("a" + std::string(228, 'b') + ".txt"), ElementsAre("a" + std::string(228, 'b') + "_"));
  const auto device = safe_elements("nul." + std::string(400, 'x'));
  EXPECT_EQ(device->front(), "_nul." + std::string(225, 'x'));
}

TEST(SafePath, ShowsWhatIsSaved) {
  EXPECT_EQ(safe_name("/.d/a\u202egpj.exe"), "_d/agpj.exe");
  EXPECT_EQ(safe_name(".."), "");
}

TEST(SafePath, RefusesWhatHasNoName) {
  for (const auto* name : {"", "/", "..", "./..", " ", ". .", "\x01\x02", "\u202e"})
    EXPECT_FALSE(safe_elements(name)) << name;
  EXPECT_FALSE(safe_elements(std::string(1'025, 'a')));
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "a/";
  EXPECT_FALSE(safe_elements(deep));
}

TEST(SafePath, DropsCharactersThatMislead) {
  EXPECT_THAT(*safe_elements("a\u202egpj.exe\n"), ElementsAre("agpj.exe"));
  EXPECT_THAT(*safe_elements("a\u0080\u009f\u00a0b\u2028\u2029c"), ElementsAre("a\u00a0bc")) << "controls and lines";
}

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
  EXPECT_LE(elements->front().size(), 230U);
  EXPECT_EQ(elements->front().size() % 2, 0U);
}

}  // namespace
}  // namespace linnet::app
