#include "base/text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace carillon {
namespace {

using std::string_view_literals::operator""sv;

TEST(Utf8, EveryLengthUpToItsFirstAndLastCodePointIsAccepted) {
  for (const auto text :
       {""sv, "\0"sv, "a"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv,
        "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv,
        "\xf4\x8f\xbf\xbf"sv, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x94"sv}) {
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_EQ(utf8_valid_prefix(text), text.size()) << text;
  }
}

TEST(Utf8, OverlongFormsSurrogatesAndWhatLiesBeyondUnicodeAreRefused) {
  for (const auto text :
       {"\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv, "\xe0\x9f\xbf"sv, "\xf0\x80\x80\x80"sv,
        "\xf0\x8f\xbf\xbf"sv, "\xed\xa0\x80"sv, "\xed\xad\xbf"sv, "\xed\xae\x80"sv,
        "\xed\xbf\xbf"sv, "\xed\xa0\x80\xed\xb0\x80"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv,
        "\xf8\x88\x80\x80\x80"sv, "\xfc\x84\x80\x80\x80\x80"sv, "\xfe"sv, "\xff"sv}) {
    EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(utf8_valid_prefix(text), 0U);
  }
}

TEST(Utf8, LonelyAndMissingContinuationBytesAreRefused) {
  for (const auto text : {"\x80"sv, "\xbf"sv, "\xc2"sv, "\xc2z"sv, "\xe2\x82"sv, "\xe2\x82z"sv,
                          "\xe2z\xac"sv, "\xf0\x9f\x94"sv, "\xf0\x9f\x94z"sv, "\xc2\xc2\x80"sv}) {
    EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(utf8_valid_prefix(text), 0U);
  }
}

TEST(Utf8, TheValidPrefixEndsWhereTheFirstBrokenSequenceBegins) {
  EXPECT_EQ(utf8_valid_prefix("ab\xc3\xbc\xff rest"), 4U);
  EXPECT_EQ(utf8_valid_prefix("ab\xe2\x82"), 2U);
}

RC_GTEST_PROP(Utf8, BothChecksAgreeOnAnyBytes, (const std::string& bytes)) {
  RC_ASSERT(is_utf8(bytes) == (utf8_valid_prefix(bytes) == bytes.size()));
  RC_ASSERT(is_utf8(bytes.substr(0, utf8_valid_prefix(bytes))));
}

TEST(Utf8, BothChecksAgreeOnEverySequenceOfUpToThreeBytes) {
  std::string bytes(3, '\0');
  for (int code = 0; code < 1 << 24; code += 7) {
    bytes[0] = static_cast<char>(code >> 16);
    bytes[1] = static_cast<char>(code >> 8);
    bytes[2] = static_cast<char>(code);
    ASSERT_EQ(is_utf8(bytes), utf8_valid_prefix(bytes) == 3) << code;
  }
}

TEST(JsonString, QuotesBackslashesAndControlsAreEscaped) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_string("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(json_string("\0\x01\b\f\x1b\x1f"sv), R"("\u0000\u0001\u0008\u000c\u001b\u001f")");
}

TEST(JsonString, EverythingElseStaysAsItIs) {
  EXPECT_EQ(json_string("\x20\x7f \xc2\x85 \xe2\x80\xa8 \xf0\x9f\x94\x94"),
            "\"\x20\x7f \xc2\x85 \xe2\x80\xa8 \xf0\x9f\x94\x94\"");
}

TEST(JsonString, BytesThatAreNotUtf8BecomeTheReplacementCharacter) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(json_string("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json_string("\"\xed\xa0\x80"), "\"\\\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

RC_GTEST_PROP(JsonString, IsAlwaysUtf8OnOneLineWithinItsQuotes, (const std::string& bytes)) {
  const auto json = json_string(bytes);

  RC_ASSERT(is_utf8(json));
  RC_ASSERT((json.size() >= 2U && json.front() == '"' && json.back() == '"'));
  size_t i = 1;
  for (; i + 1 < json.size(); ++i) {
    RC_ASSERT((static_cast<uint8_t>(json[i]) >= 0x20 && json[i] != '"'));
    if (json[i] == '\\') ++i;
  }
  RC_ASSERT(i + 1 == json.size());  // the last quote is not itself escaped
}

TEST(JsonOnOneLine, LineBreaksBetweenTokensBecomeSpaces) {
  std::string out = "before\n";
  append_json_on_one_line(out, "{\r\n\"a\":\t1\n}");

  EXPECT_EQ(out, "before\n{  \"a\":\t1 }");
}

TEST(Base64, TheVectorsOfRfc4648Section10AreMetBothWays) {
  constexpr std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, UsesTheStandardAlphabet) {
  EXPECT_EQ(to_base64("\xfb\xff\xbf"), "+/+/");
  EXPECT_EQ(from_base64("+/+/"), "\xfb\xff\xbf");
  EXPECT_FALSE(from_base64("-_-_"));
}

TEST(Base64, OneTextForOneRunOfBytes) {
  for (const auto text : {"Z"sv, "Zg"sv, "Zg="sv, "Zg==="sv, "Zh=="sv, "Zm9="sv, "===="sv, "Z==="sv,
                          "=g=="sv, "Zg=g"sv, "Zg==Zg=="sv, "Zm8=Zm8="sv, "Zm9v\n"sv, " Zm9"sv,
                          "Zm 9"sv, "Zm\0v"sv, "Zm9\xff"sv, "Zm9v===="sv}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

RC_GTEST_PROP(Base64, BytesComeBack, (const std::string& bytes)) {
  RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
}

RC_GTEST_PROP(Base64, WhateverIsReadIsWrittenTheSameWay, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('A', 'Z', '4', '/', '='));

  const auto bytes = from_base64(text);

  if (bytes) RC_ASSERT(to_base64(*bytes) == text);
}

TEST(IgnoringCase, OnlyAsciiLettersAreFolded) {
  EXPECT_TRUE(equals_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));
  EXPECT_EQ(to_lower("AZ@[\xc3\x84"), "az@[\xc3\x84");
}

TEST(Trim, TakesBlanksAndTabsOffBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\na\r"), "\na\r");
}

TEST(Decimal, TakesDigitsThatFit) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("42"), 42U);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
}

TEST(Decimal, RefusesSignsBlanksBasesAndWhatDoesNotFit) {
  for (const auto text :
       {""sv, "-1"sv, "+1"sv, " 1"sv, "1 "sv, "1.0"sv, "1e3"sv, "0x10"sv, "a"sv, "1a"sv,
        "18446744073709551616"sv, "99999999999999999999999"sv, "1\0"sv, "\xd9\xa1"sv}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

RC_GTEST_PROP(Decimal, EveryNumberComesBack, (uint64_t number)) {
  RC_ASSERT(parse_decimal(std::to_string(number)) == number);
}

}  // namespace
}  // namespace carillon
