#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace carillon {
namespace {

// Fed byte by byte: after how many bytes it is refused; nothing when it never is.
std::optional<size_t> refused_after(std::string_view bytes) {
  Utf8Checker checker;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!checker.feed(bytes.substr(i, 1))) return i + 1;
  }
  return std::nullopt;
}

TEST(Utf8Checker, ACharacterMayBeCutAnywhere) {
  const std::string text = "aé€\xF0\x9F\x9A\x80z";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Checker checker;

    EXPECT_TRUE(checker.feed(std::string_view(text).substr(0, cut)));
    EXPECT_TRUE(checker.feed(std::string_view(text).substr(cut)));
    EXPECT_TRUE(checker.is_whole());
  }
}

TEST(Utf8Checker, AnOpenCharacterIsNotWhole) {
  Utf8Checker checker;

  EXPECT_TRUE(checker.feed("ab\xE2\x82"));
  EXPECT_FALSE(checker.is_whole());
  EXPECT_TRUE(checker.feed("\xAC"));
  EXPECT_TRUE(checker.is_whole());
}

TEST(Utf8Checker, TheFirstImpossibleByteIsRefused) {
  EXPECT_EQ(refused_after("ab\x80"), 3U);        // a continuation without a beginning
  EXPECT_EQ(refused_after("\xC0\xAF"), 1U);      // longer than need be
  EXPECT_EQ(refused_after("\xE0\x9F\xBF"), 2U);  // likewise
  EXPECT_EQ(refused_after("\xED\xA0\x80"), 2U);  // a surrogate
  EXPECT_EQ(refused_after("\xF0\x8F\xBF\xBF"), 2U);
  EXPECT_EQ(refused_after("\xF4\x90\x80\x80"), 2U);  // beyond U+10FFFF
  EXPECT_EQ(refused_after("\xF5"), 1U);
  EXPECT_EQ(refused_after("\xE2\x82z"), 3U);
}

// Every sequence of up to three bytes, by the other engine.
TEST(Utf8Checker, AgreesWithTheCheckOfWholeTexts) {
  for (uint32_t number = 0; number < 1U << 24; number += number < 1U << 16 ? 1 : 7) {
    const char bytes[] = {static_cast<char>(number), static_cast<char>(number >> 8),
                          static_cast<char>(number >> 16)};
    const std::string_view text(bytes, 3);
    Utf8Checker checker;
    const bool good =
        checker.feed(text.substr(0, 1)) && checker.feed(text.substr(1)) && checker.is_whole();

    ASSERT_EQ(good, is_utf8(text)) << number;
  }
}

}  // namespace
}  // namespace carillon
