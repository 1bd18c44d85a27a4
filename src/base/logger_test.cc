#include "base/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/text.h"

namespace carillon {
namespace {

using std::string_view_literals::operator""sv;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kAmple = 1 << 20;

bool harmless(std::string_view text) {
  const auto control = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  return is_utf8(text) && std::ranges::none_of(text, control);
}

TEST(Printable, PlainTextOfAnyLanguageStaysAsItIs) {
  constexpr auto kText =
      "orders.eu gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xe6\x97\xa5 \xf0\x9f\x94\x94"sv;

  EXPECT_EQ(printable(kText, kAmple), kText);
  EXPECT_EQ(printable("", kAmple), "");
}

TEST(Printable, ALineBreakForgesNoLine) {
  EXPECT_EQ(printable("a\r\nERROR b", kAmple), "a\\x0d\\x0aERROR b");
}

TEST(Printable, C0ControlsEscapeAndDeleteAreEscaped) {
  EXPECT_EQ(printable("\0\a\b\t\x1b[31m\x7f"sv, kAmple), "\\x00\\x07\\x08\\x09\\x1b[31m\\x7f");
}

TEST(Printable, C1ControlsAreEscapedWhetherEncodedOrBare) {
  EXPECT_EQ(printable("\xc2\x80\xc2\x9b\xc2\x9f", kAmple), "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f");
  EXPECT_EQ(printable("\x9b", kAmple), "\\x9b");
  EXPECT_EQ(printable("\xc2\xa0", kAmple), "\xc2\xa0");
}

TEST(Printable, EveryBidirectionalControlIsEscaped) {
  for (const auto control :
       {"\xd8\x9c"sv, "\xe2\x80\x8e"sv, "\xe2\x80\x8f"sv, "\xe2\x80\xaa"sv, "\xe2\x80\xab"sv,
        "\xe2\x80\xac"sv, "\xe2\x80\xad"sv, "\xe2\x80\xae"sv, "\xe2\x81\xa6"sv, "\xe2\x81\xa7"sv,
        "\xe2\x81\xa8"sv, "\xe2\x81\xa9"sv}) {
    const auto shown = printable(control, kAmple);
    EXPECT_EQ(shown.find(control), std::string::npos) << shown;
    EXPECT_THAT(shown, StartsWith("\\x"));
  }
}

TEST(Printable, TheNeighboursOfTheBidirectionalControlsAreNotEscaped) {
  for (const auto plain : {"\xe2\x80\x90"sv, "\xe2\x80\xaf"sv, "\xe2\x81\xb0"sv}) {
    EXPECT_EQ(printable(plain, kAmple), plain);
  }
}

TEST(Printable, BytesThatAreNotUtf8AreEscapedOneByOne) {
  EXPECT_EQ(printable("a\xff\xc0\x80z", kAmple), "a\\xff\\xc0\\x80z");
  EXPECT_EQ(printable("\xe2\x82", kAmple), "\\xe2\\x82");
  EXPECT_EQ(printable("\xe2\x82z", kAmple), "\\xe2\\x82z");
  EXPECT_EQ(printable("\xed\xa0\x80", kAmple), "\\xed\\xa0\\x80");
}

TEST(Printable, EachOfThe256BytesComesOutHarmlessAsT23Wants) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    EXPECT_TRUE(harmless(printable(one, kAmple))) << byte;
    all += one;
  }

  EXPECT_TRUE(harmless(printable(all, kAmple)));
}

RC_GTEST_PROP(Printable, AnyBytesComeOutHarmless, (const std::string& bytes)) {
  RC_ASSERT(harmless(printable(bytes, kAmple)));
}

TEST(Printable, ALongTextIsCutAndSaysSo) {
  EXPECT_EQ(printable(std::string(10, 'a'), 10), "aaaaaaaaaa");
  EXPECT_THAT(printable(std::string(11, 'a'), 10), EndsWith("..."));
}

RC_GTEST_PROP(Printable, IsNeverLongerThanItMayBe, (const std::string& bytes)) {
  const auto bytes_max = *rc::gen::inRange<size_t>(16, 64);

  RC_ASSERT(printable(bytes, bytes_max).size() <= bytes_max);
}

RC_GTEST_PROP(Printable, ACutTextIsStillHarmless, (const std::string& bytes)) {
  RC_ASSERT(harmless(printable(bytes, *rc::gen::inRange<size_t>(1, 64))));
}

std::string written(LogFormat format, Severity least, std::string_view text,
                    std::string_view value) {
  testing::internal::CaptureStderr();
  {
    StderrLogger logger(format, least);
    logger.debug("too fine");
    logger.warn(text, {{"field", std::string(value)}});
  }
  return testing::internal::GetCapturedStderr();
}

TEST(StderrLogger, OneCallIsOneLineOfJson) {
  const auto line = written(LogFormat::json, Severity::info, "a\n\"b\"", "c\nd");

  EXPECT_THAT(line, StartsWith(R"({"time":")"));
  EXPECT_THAT(line, HasSubstr(R"("level":"warning","text":"a\\x0a\"b\"","field":"c\\x0ad"})"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(StderrLogger, OneCallIsOneLineOfText) {
  const auto line = written(LogFormat::text, Severity::info, "a\nb", "\x1b[2J");

  EXPECT_THAT(line, HasSubstr("a\\x0ab  field=\\x1b[2J"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(StderrLogger, WhatIsBelowTheLeastSeverityIsLeftOut) {
  EXPECT_THAT(written(LogFormat::text, Severity::info, "a", ""), Not(HasSubstr("too fine")));
  EXPECT_THAT(written(LogFormat::text, Severity::debug, "a", ""), HasSubstr("too fine"));
  EXPECT_EQ(written(LogFormat::text, Severity::error, "a", ""), "");
}

TEST(StderrLogger, AFieldOfStrangersFloodsNothing) {
  const auto line = written(LogFormat::json, Severity::info, "a", std::string(100'000, 'x'));

  EXPECT_LT(line.size(), 2'000U);
}

TEST(NullLogger, SaysNothing) {
  testing::internal::CaptureStderr();
  NullLogger().error("a");

  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace carillon
