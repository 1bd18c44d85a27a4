#include "wire/json_check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <simdjson.h>

#include <boost/json.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "base/limits.h"

namespace carillon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

void expect_place(std::string_view json, std::string_view place, std::string_view why) {
  const auto checked = check_json(json);
  ASSERT_FALSE(checked) << json;
  EXPECT_EQ(checked.error().code, Errc::bad_input);
  EXPECT_THAT(checked.error().detail,
              StartsWith(std::string(kBrokenJson) + std::string(place) + ": "))
      << json;
  EXPECT_THAT(checked.error().detail, HasSubstr(std::string(why))) << json;
}

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonCheck, EveryKindOfValueMayStandAlone) {
  for (const std::string_view json :
       {"{}", "[]", "null", "true", "false", "0", "-0", "1.5", "\"\"", "\"a\"", " \t\r\n1 \t\r\n",
        "{\"a\":{\"b\":[1,2,{}]},\"\":[]}", "[[],{},[[]]]", "[ 1 , 2 ]",
        "{ \"a\" : 1 , \"a\" : 2 }"}) {
    EXPECT_TRUE(check_json(json)) << json;
  }
}

TEST(JsonCheck, NumbersOfAnySizeAreAllowedSinceTheyAreKeptAsWritten) {
  for (const std::string_view json :
       {"123456789012345678901234567890", "-1e999999", "1E-999999",
        "0.1000000000000000000000000001", "18446744073709551616", "1e+5", "0e0", "-0.0"}) {
    EXPECT_TRUE(check_json(json)) << json;
  }
}

TEST(JsonCheck, StringsMayHoldEveryEscapeAndAllOfUnicode) {
  for (const std::string_view json :
       {R"("\"\\\/\b\f\n\r\t")", R"("\u0000\u00e4\uFFFF")", R"("\ud83d\ude00")",
        "\"\xf0\x9f\x98\x80\"", "\"\x7f\"", "\"0123456789abcdef0123456789abcdef\"",
        "\"0123456789abcde\\n0123456789abcdef\""}) {
    EXPECT_TRUE(check_json(json)) << json;
  }
}

TEST(JsonCheck, TheErrorSaysWhereAndWhatIsWrong) {
  expect_place("", "line 1, column 1 (byte 1)", "it ends where a value is expected");
  expect_place("hello", "line 1, column 1 (byte 1)", "expected a value");
  expect_place("{\"a\":1,}", "line 1, column 8 (byte 8)", "expected a member name");
  expect_place("[1,]", "line 1, column 4 (byte 4)", "expected a value");
  expect_place("[1 2]", "line 1, column 4 (byte 4)", "expected , or ]");
  expect_place("{\"a\" 1}", "line 1, column 6 (byte 6)", "expected a colon");
  expect_place("{\"a\":1 \"b\":2}", "line 1, column 8 (byte 8)", "expected , or }");
  expect_place("{'a':1}", "line 1, column 2 (byte 2)", "double quotes");
  expect_place("1 1", "line 1, column 3 (byte 3)", "nothing may follow");
  expect_place("\"abc", "line 1, column 5 (byte 5)", "the string does not end");
  expect_place("[", "line 1, column 2 (byte 2)", "it ends where a value is expected");
  expect_place("{\"a\":1", "line 1, column 7 (byte 7)", "expected , or }");
}

TEST(JsonCheck, LinesAndCharactersAreCountedFromOneAsAnEditorDoes) {
  expect_place("{\n  \"a\": tru\n}", "line 2, column 8 (byte 10)", "expected a value");
  expect_place("[\"\xc3\xa4\xf0\x9f\x98\x80\" x]", "line 1, column 7 (byte 11)", "expected , or ]");
}

TEST(JsonCheck, NumbersThatRfc8259DoesNotKnowAreRefused) {
  expect_place("01", "line 1, column 1 (byte 1)", "needless zero");
  expect_place("-01", "line 1, column 2 (byte 2)", "needless zero");
  expect_place("00", "line 1, column 1 (byte 1)", "needless zero");
  expect_place("-", "line 1, column 2 (byte 2)", "a digit must follow the minus");
  expect_place("+1", "line 1, column 1 (byte 1)", "expected a value");
  expect_place("1.", "line 1, column 3 (byte 3)", "decimal point");
  expect_place(".5", "line 1, column 1 (byte 1)", "expected a value");
  expect_place("1e", "line 1, column 3 (byte 3)", "exponent");
  expect_place("1e+", "line 1, column 4 (byte 4)", "exponent");
  expect_place("0x1", "line 1, column 2 (byte 2)", "nothing may follow");
  expect_place("NaN", "line 1, column 1 (byte 1)", "expected a value");
  expect_place("-Infinity", "line 1, column 2 (byte 2)", "a digit must follow the minus");
}

TEST(JsonCheck, BrokenStringsAreRefused) {
  using namespace std::string_literals;
  expect_place("\"a\nb\"", "line 1, column 3 (byte 3)", "control character");
  expect_place("\"\0\""s, "line 1, column 2 (byte 2)", "control character");
  expect_place("\"0123456789abcdef\x1f\"", "line 1, column 18 (byte 18)", "control character");
  expect_place("\"\\x\"", "line 1, column 3 (byte 3)", "no such escape");
  expect_place("\"\\", "line 1, column 3 (byte 3)", "no such escape");
  expect_place("\"\\u12g4\"", "line 1, column 6 (byte 6)", "four hexadecimal digits");
  expect_place("\"\\u12", "line 1, column 6 (byte 6)", "four hexadecimal digits");
}

TEST(JsonCheck, AMarkIsFoundAtEveryPlaceOfALongString) {
  for (size_t before = 0; before < 50; ++before) {
    const auto front = "\"" + std::string(before, 'a');
    const auto rest = "\xc3\xa4" + std::string(50, '~') + "\"";

    EXPECT_TRUE(check_json(front + rest)) << before;
    EXPECT_TRUE(check_json(front + "\\n" + rest)) << before;
    expect_place(front + "\x1f" + rest, fmt::format("line 1, column {0} (byte {0})", before + 2),
                 "control character");
    expect_place(front + "\"" + rest, fmt::format("line 1, column {0} (byte {0})", before + 3),
                 "nothing may follow");
  }
}

TEST(JsonCheck, HalvesOfSurrogatePairsAreRefused) {
  for (const std::string_view json : {R"("\ud83d")", R"("\ude00")", R"("\ud83da")", R"("\ud83d\n")",
                                      R"("\ud83d\ud83d")", R"("\ud83d\u0041")", R"("\ud83d)"}) {
    expect_place(json, "line 1, column 2 (byte 2)", "surrogate");
  }
}

TEST(JsonCheck, WhatIsNotUtf8IsRefused) {
  expect_place("[\"a\xff\"]", "line 1, column 4 (byte 4)", "UTF-8");
  expect_place("\"\xc0\xaf\"", "line 1, column 2 (byte 2)", "UTF-8");
  expect_place("\"\xed\xa0\x80\"", "line 1, column 2 (byte 2)", "UTF-8");
  expect_place("\"\xe2\x82\"", "line 1, column 2 (byte 2)", "UTF-8");
}

TEST(JsonCheck, AByteOrderMarkIsNoJson) {
  expect_place("\xef\xbb\xbf{}", "line 1, column 1 (byte 1)", "expected a value");
}

TEST(JsonCheck, ValuesAreNestedAtMost64Deep) {
  EXPECT_TRUE(check_json(nested(kJsonDepthMax)));
  expect_place(nested(kJsonDepthMax + 1), "line 1, column 65 (byte 65)", "nested too deeply");

  std::string objects;
  for (size_t i = 0; i < kJsonDepthMax; ++i) objects += "{\"a\":";
  EXPECT_TRUE(check_json(objects + "1" + std::string(kJsonDepthMax, '}')));
  EXPECT_FALSE(check_json(objects + "{}" + std::string(kJsonDepthMax, '}')));
}

TEST(JsonCheck, DepthIsCountedNotContainers) {
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += "[{}],";
  many += "0]";

  EXPECT_TRUE(check_json(many));
}

TEST(JsonCheck, MixedContainersMustCloseInTheirOrder) {
  EXPECT_TRUE(check_json(R"([{"a":[{"b":[]}]}])"));
  for (const std::string_view json : {"[{]}", "{\"a\":[}", "[}", "{]", "]", "}", "[[]", "{}}"}) {
    EXPECT_FALSE(check_json(json)) << json;
  }
}

TEST(JsonCheck, AMillionOpenBracketsCostNothing) {
  EXPECT_FALSE(check_json(std::string(1'000'000, '[')));
}

// --- Compared with two engines that others trust

enum class Verdict { accepted, refused, unsure };

// Unsure about exponents, which Boost.JSON bounds.
Verdict boost_verdict(std::string_view json) {
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  boost::json::stream_parser parser({}, options);
  parser.write({json.data(), json.size()}, error);
  if (!error) parser.finish(error);
  if (!error) return Verdict::accepted;
  return error == boost::json::error::exponent_overflow ? Verdict::unsure : Verdict::refused;
}

// Unsure about numbers, which simdjson bounds, about depth, which it counts in its own way, and
// about surrogates, whose pairs it has checked only since some release.
Verdict simdjson_verdict(std::string_view json) {
  if (json.find("\\ud") != std::string_view::npos) return Verdict::unsure;
  simdjson::dom::parser parser;
  const auto error = parser.parse(simdjson::padded_string(json)).error();
  if (error == simdjson::SUCCESS) return Verdict::accepted;
  return error == simdjson::NUMBER_ERROR || error == simdjson::DEPTH_ERROR ? Verdict::unsure
                                                                           : Verdict::refused;
}

bool agrees(std::string_view json, Verdict verdict) {
  return verdict == Verdict::unsure ||
         check_json(json).has_value() == (verdict == Verdict::accepted);
}

rc::Gen<std::string> json_like_text() {
  const std::vector<std::string> words = {
      "{",       "}",      "[",        "]",    ",",   ":",       "\"",
      "\"a\"",   "\"a\":", "null",     "true", "1",   "-0",      "0.5",
      "1e5",     " ",      "\n",       "\\",   "\\n", "\\u00e4", "\\ud83d\\ude00",
      "\\ud83d", "\x01",   "\xc3\xa4", "\xff", "x",   "[1,2]",   "{\"a\":1}"};
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words)),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const auto& part : parts) text += part;
                        return text;
                      });
}

RC_GTEST_PROP(JsonCheck, AgreesWithBoostJsonOnEveryText, ()) {
  const auto text = *json_like_text();

  RC_ASSERT(agrees(text, boost_verdict(text)));
}

RC_GTEST_PROP(JsonCheck, AgreesWithSimdjsonOnEveryText, ()) {
  const auto text = *json_like_text();

  RC_ASSERT(agrees(text, simdjson_verdict(text)));
}

boost::json::value random_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0: return nullptr;
    case 1: return *rc::gen::arbitrary<bool>();
    case 2: return *rc::gen::arbitrary<int64_t>();
    case 3: return std::ldexp(static_cast<double>(*rc::gen::arbitrary<int32_t>()), -7);
    case 4:
      return boost::json::string(*rc::gen::container<std::string>(rc::gen::inRange(' ', '\x7f')));
    case 5: {
      boost::json::array array;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) array.push_back(random_value(depth - 1));
      return array;
    }
    default: {
      boost::json::object object;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        object[std::string("key") + std::to_string(i)] = random_value(depth - 1);
      }
      return object;
    }
  }
}

RC_GTEST_PROP(JsonCheck, AcceptsWhatBoostJsonWrites, ()) {
  const auto text = boost::json::serialize(random_value(4));

  RC_ASSERT(check_json(text).has_value());
}

RC_GTEST_PROP(JsonCheck, AByteChangedInValidJsonIsJudgedAsBoostJsonDoes, ()) {
  auto text = boost::json::serialize(random_value(3));
  text[*rc::gen::inRange<size_t>(0, text.size())] = *rc::gen::arbitrary<char>();

  RC_ASSERT(agrees(text, boost_verdict(text)));
}

}  // namespace
}  // namespace carillon
