#include "base/clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace carillon {
namespace {

WallTime at(int64_t microseconds) { return WallTime(std::chrono::microseconds(microseconds)); }

// 2026-01-31T09:30:00Z.
constexpr int64_t kMorning = 1'769'851'800'000'000;

void expect_refused(std::string_view text) { EXPECT_FALSE(parse_rfc3339(text)) << text; }

TEST(Rfc3339, ATimeIsWrittenInUtcWithMicrosecondsOnlyWhenThereAreAny) {
  EXPECT_EQ(to_rfc3339(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(at(kMorning)), "2026-01-31T09:30:00Z");
  EXPECT_EQ(to_rfc3339(at(kMorning + 250'000)), "2026-01-31T09:30:00.250000Z");
  EXPECT_EQ(to_rfc3339(at(kMorning + 1)), "2026-01-31T09:30:00.000001Z");
}

TEST(Rfc3339, TimesBeforeTheEpochAreWrittenAsThemselves) {
  EXPECT_EQ(to_rfc3339(at(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(at(-86'400'000'000)), "1969-12-31T00:00:00Z");
}

TEST(Rfc3339, TheExamplesOfTheRfcAreRead) {
  EXPECT_EQ(parse_rfc3339("1985-04-12T23:20:50.52Z"), at(482'196'050'520'000));
  EXPECT_EQ(parse_rfc3339("1996-12-19T16:39:57-08:00"), at(851'042'397'000'000));
  EXPECT_EQ(parse_rfc3339("1990-12-31T23:59:60Z"), at(662'688'000'000'000));
  EXPECT_EQ(parse_rfc3339("1937-01-01T12:00:27.87+00:20"), at(-1'041'337'172'130'000));
}

TEST(Rfc3339, AnOffsetIsTakenOffTheLocalTime) {
  EXPECT_EQ(parse_rfc3339("2026-01-31T10:30:00+01:00"), at(kMorning));
  EXPECT_EQ(parse_rfc3339("2026-01-31T04:00:00-05:30"), at(kMorning));
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:30:00-00:00"), at(kMorning));
}

TEST(Rfc3339, LowerCaseLettersAndASpaceAreTakenAsSection56Allows) {
  EXPECT_EQ(parse_rfc3339("2026-01-31t09:30:00z"), at(kMorning));
  EXPECT_EQ(parse_rfc3339("2026-01-31 09:30:00Z"), at(kMorning));
}

TEST(Rfc3339, FractionsBeyondMicrosecondsAreCut) {
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:30:00.1234569Z"), at(kMorning + 123'456));
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:30:00.000000999999999999999Z"), at(kMorning));
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:30:00.5Z"), at(kMorning + 500'000));
}

TEST(Rfc3339, ATimeWithoutOffsetIsNotOne) {
  expect_refused("2026-01-31T09:30:00");
  expect_refused("2026-01-31T09:30:00.5");
}

TEST(Rfc3339, WhatIsNoDateTimeIsRefused) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026-01-31",
                                      "2026-01-31T",
                                      "2026-01-31T09:30Z",
                                      "2026-1-31T09:30:00Z",
                                      "26-01-31T09:30:00Z",
                                      "2026-01-31T9:30:00Z",
                                      "2026/01/31T09:30:00Z",
                                      "2026-01-31T09.30.00Z",
                                      "2026-01-31T09:30:00.Z",
                                      "2026-01-31T09:30:00,5Z",
                                      "2026-01-31T09:30:00Zx",
                                      "2026-01-31T09:30:00Z ",
                                      " 2026-01-31T09:30:00Z",
                                      "2026-01-31T09:30:00+0100",
                                      "2026-01-31T09:30:00+01",
                                      "2026-01-31T09:30:00+1:00",
                                      "2026-01-31T09:30:00 01:00",
                                      "-026-01-31T09:30:00Z",
                                      "+2026-01-31T09:30:00Z",
                                      "now"}) {
    expect_refused(text);
  }
}

TEST(Rfc3339, DaysAndHoursThatDoNotExistAreRefused) {
  for (const std::string_view text :
       {"2026-00-31T09:30:00Z", "2026-13-01T09:30:00Z", "2026-01-00T09:30:00Z",
        "2026-01-32T09:30:00Z", "2026-02-29T09:30:00Z", "2026-04-31T09:30:00Z",
        "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z", "2026-01-31T09:30:61Z",
        "2026-01-31T09:30:00+24:00", "2026-01-31T09:30:00+01:60"}) {
    expect_refused(text);
  }
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
}

RC_GTEST_PROP(Rfc3339, WhatIsWrittenIsReadBackToTheMicrosecond, ()) {
  // From year 1 to year 9999.
  const auto time =
      at(*rc::gen::inRange<int64_t>(-62'135'596'800'000'000, 253'402'300'800'000'000));

  const auto text = to_rfc3339(time);

  RC_ASSERT(parse_rfc3339(text) == time);
}

RC_GTEST_PROP(Rfc3339, TheOrderOfWholeSecondsIsTheOrderOfTheirTexts, ()) {
  const auto a = *rc::gen::inRange<int64_t>(0, 253'402'300'800);
  const auto b = *rc::gen::inRange<int64_t>(0, 253'402'300'800);

  const auto text_a = to_rfc3339(at(a * 1'000'000));
  const auto text_b = to_rfc3339(at(b * 1'000'000));

  RC_ASSERT((a < b) == (text_a < text_b));
}

TEST(SystemClock, MonotonicTimeNeverStepsBack) {
  const SystemClock clock;

  const auto before = clock.monotonic_now();
  const auto after = clock.monotonic_now();

  EXPECT_LE(before, after);
  EXPECT_GT(clock.wall_now(), at(kMorning - 400LL * 86'400 * 1'000'000));
}

}  // namespace
}  // namespace carillon
