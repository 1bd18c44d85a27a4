#include "event/cursor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace carillon {
namespace {

using std::string_view_literals::operator""sv;

TEST(Cursor, IsTheEpochInBase36ADashAndThePosition) {
  EXPECT_EQ((Cursor{Epoch{0}, Position{0}}).text(), "0-0");
  EXPECT_EQ((Cursor{Epoch{35}, Position{1042}}).text(), "z-1042");
  EXPECT_EQ((Cursor{Epoch{36}, kBeforeEverything}).text(), "10-0");
}

TEST(Cursor, TheLargestOneFits) {
  const Cursor largest{Epoch{UINT32_MAX}, Position{UINT64_MAX}};

  EXPECT_EQ(largest.text(), "1z141z3-18446744073709551615");
  EXPECT_EQ(Cursor::parse(largest.text()), largest);
}

TEST(Cursor, IsAppendedBehindWhatIsThere) {
  std::string out = "id: ";

  Cursor{Epoch{1}, Position{2}}.append_to(out);

  EXPECT_EQ(out, "id: 1-2");
}

TEST(Cursor, WhatIsNoCursorIsRefused) {
  for (const auto text :
       {""sv,           "-"sv,     "1"sv,     "1-"sv,    "-1"sv,         "1-2-3"sv, "1--2"sv,
        "1 -2"sv,       "1- 2"sv,  " 1-2"sv,  "1-2 "sv,  "1-2\n"sv,      "1-+2"sv,  "+1-2"sv,
        "1-2a"sv,       "1-0x2"sv, "1_-2"sv,  "first"sv, "now"sv,        "1\0-2"sv, "1-2\0"sv,
        "\xc3\xa4-1"sv, "1.5-2"sv, "1-2.5"sv, "1,2"sv,   "7F3AK2-1042"sv}) {
    EXPECT_FALSE(Cursor::parse(text)) << text;
  }
}

TEST(Cursor, NumbersThatDoNotFitAreRefused) {
  EXPECT_FALSE(Cursor::parse("3w5e11264sgsg-0"));
  EXPECT_FALSE(Cursor::parse("zzzzzzzzzzzzz-0"));
  EXPECT_FALSE(Cursor::parse("1-18446744073709551616"));
  EXPECT_FALSE(Cursor::parse("1-99999999999999999999"));
  EXPECT_FALSE(Cursor::parse("1-" + std::string(1'000, '1')));
}

TEST(Cursor, LeadingZerosWouldBeASecondSpellingAndAreRefused) {
  EXPECT_TRUE(Cursor::parse("0-0"));
  EXPECT_FALSE(Cursor::parse("00-0"));
  EXPECT_FALSE(Cursor::parse("01-0"));
  EXPECT_FALSE(Cursor::parse("1-00"));
  EXPECT_FALSE(Cursor::parse("1-01"));
}

RC_GTEST_PROP(Cursor, EveryOneComesBack, (uint32_t epoch, uint64_t position)) {
  const Cursor cursor{Epoch{epoch}, Position{position}};

  RC_ASSERT(Cursor::parse(cursor.text()) == cursor);
}

RC_GTEST_PROP(Cursor, HasOneSpelling, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('0', '1', '9', 'a', 'z', 'A', '-', ' '));

  const auto cursor = Cursor::parse(text);

  if (cursor) RC_ASSERT(cursor->text() == text);
}

TEST(Position, PositionsAreOrderedAndBeginBeforeEverything) {
  EXPECT_LT(kBeforeEverything, Position{1});
  EXPECT_LT(Position{9}, Position{10});
  EXPECT_EQ(Position{9}, Position{9});
}

}  // namespace
}  // namespace carillon
