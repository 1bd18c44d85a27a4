#include "wire/json_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "wire/json_check.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> members_of(std::string_view object) {
  EXPECT_TRUE(check_json(object)) << object;
  std::vector<std::pair<std::string, std::string>> all;
  JsonMembers members(object);
  while (auto member = members.next()) all.emplace_back(member->name, member->value);
  return all;
}

std::vector<std::string> items_of(std::string_view array) {
  EXPECT_TRUE(check_json(array)) << array;
  std::vector<std::string> all;
  JsonItems items(array);
  while (const auto item = items.next()) all.emplace_back(*item);
  return all;
}

TEST(JsonWalk, MembersComeInTheirOrderWithTheExactBytesOfTheirValues) {
  EXPECT_THAT(members_of("\n{ \"a\" : 1.50 ,\"b\":[ 1,\n2 ],\"a\":\"x\\ny\" }\t"),
              ElementsAre(Pair("a", "1.50"), Pair("b", "[ 1,\n2 ]"), Pair("a", "\"x\\ny\"")));
  EXPECT_TRUE(members_of("{}").empty());
  EXPECT_TRUE(members_of("{ }").empty());
}

TEST(JsonWalk, BracketsQuotesAndCommasInStringsSeparateNothing) {
  EXPECT_THAT(members_of(R"({"a,}\"":"]},\\","b":{"c":"}\\\"]"},"d":[["]"]]})"),
              ElementsAre(Pair("a,}\"", R"("]},\\")"), Pair("b", R"({"c":"}\\\"]"})"),
                          Pair("d", R"([["]"]])")));
}

TEST(JsonWalk, ItemsComeInTheirOrder) {
  EXPECT_THAT(items_of(" [1, null ,\"a\",{},[[]] ] "),
              ElementsAre("1", "null", "\"a\"", "{}", "[[]]"));
  EXPECT_TRUE(items_of("[]").empty());
  EXPECT_TRUE(items_of("[ \n]").empty());
}

TEST(JsonWalk, NamesAreUnescapedSoThatAnAttributeCannotHideBehindAnEscape) {
  EXPECT_THAT(members_of(R"({"\u0069d":1})"), ElementsAre(Pair("id", "1")));
}

TEST(JsonWalk, KindsAreToldByTheFirstByte) {
  EXPECT_EQ(json_kind(" {}"), JsonKind::object);
  EXPECT_EQ(json_kind("[]"), JsonKind::array);
  EXPECT_EQ(json_kind("\"\""), JsonKind::string);
  EXPECT_EQ(json_kind("null"), JsonKind::null);
  EXPECT_EQ(json_kind("true"), JsonKind::boolean);
  EXPECT_EQ(json_kind("false"), JsonKind::boolean);
  EXPECT_EQ(json_kind("-1"), JsonKind::number);
}

TEST(JsonWalk, TextIsWhatTheStringMeans) {
  using namespace std::string_literals;
  EXPECT_EQ(json_text(R"("")"), "");
  EXPECT_EQ(json_text(R"( "plain" )"), "plain");
  EXPECT_EQ(json_text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(json_text(R"("\u0041\u00e4\u20AC\ud83d\ude00\u0000")"),
            "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\0"s);
}

RC_GTEST_PROP(JsonWalk, TextUndoesWhatOurWriterEscapes, ()) {
  const std::vector<std::string> characters = {"a",  "/",    "\"",       "\\", "\n",
                                               "\r", "\x01", "\xc3\xa4", "u",  "\xf0\x9f\x98\x80"};
  std::string text;
  for (const auto& part :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(characters))) {
    text += part;
  }

  RC_ASSERT(json_text(json_string(text)) == text);
}

RC_GTEST_PROP(JsonWalk, SeesTheSameItemsAsBoostJson, (const std::vector<std::string>& strings)) {
  std::string array = "[";
  for (const auto& text : strings) {
    if (array.size() > 1) array += " , ";
    append_json_string(array, text);
  }
  array += "]";

  const auto items = items_of(array);

  const auto expected = boost::json::parse(array).as_array();
  RC_ASSERT(items.size() == expected.size());
  for (size_t i = 0; i < items.size(); ++i) {
    RC_ASSERT(json_text(items[i]) == std::string_view(expected[i].as_string()));
  }
}

}  // namespace
}  // namespace carillon
