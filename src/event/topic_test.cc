#include "event/topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace carillon {
namespace {

using std::string_view_literals::operator""sv;
using testing::HasSubstr;

TopicPattern pattern(std::string_view text) {
  auto parsed = TopicPattern::parse(text);
  EXPECT_TRUE(parsed) << text;
  return *parsed;
}

std::vector<std::string> segments_of(std::string_view text) {
  std::vector<std::string> segments(1);
  for (const char c : text) {
    if (c == '.')
      segments.emplace_back();
    else
      segments.back() += c;
  }
  return segments;
}

// What the design's sentence says, without any cleverness.
bool matches_plainly(std::string_view pattern_text, std::string_view topic) {
  const auto wanted = segments_of(pattern_text);
  const auto given = segments_of(topic);
  if (given[0] == "$sys" && wanted[0] != "$sys") return false;
  const bool open = wanted.back() == "**";
  const size_t fixed = wanted.size() - (open ? 1 : 0);
  if (open ? given.size() <= fixed : given.size() != fixed) return false;
  for (size_t i = 0; i < fixed; ++i) {
    if (wanted[i] != "*" && wanted[i] != given[i]) return false;
  }
  return true;
}

// Every pattern of at most three segments over two letters, the hub's own among them.
const std::vector<TopicPattern>& all_patterns() {
  static const auto kAll = [] {
    std::vector<std::string> stems = {""};
    std::vector<TopicPattern> all;
    for (int depth = 0; depth < 3; ++depth) {
      std::vector<std::string> next;
      for (const auto& stem : stems) {
        for (const char* segment : {"a", "b", "*"}) next.push_back(stem + segment + ".");
        if (depth == 0) next.emplace_back("$sys.");
        all.push_back(pattern(stem + "**"));
      }
      for (const auto& stem : next) {
        if (stem != "$sys.") all.push_back(pattern(stem.substr(0, stem.size() - 1)));
      }
      stems = std::move(next);
    }
    return all;
  }();
  return kAll;
}

// Every topic of at most four segments over three letters: one more of each than any pattern names,
// so that a pattern's wildcards are told from its letters.
const std::vector<std::string>& all_topics() {
  static const auto kAll = [] {
    std::vector<std::string> stems = {"", "$sys."};
    std::vector<std::string> all;
    for (int depth = 0; depth < 4; ++depth) {
      std::vector<std::string> next;
      for (const auto& stem : stems) {
        for (const char* segment : {"a", "b", "c"}) {
          all.push_back(stem + segment);
          next.push_back(stem + segment + ".");
        }
      }
      stems = std::move(next);
    }
    return all;
  }();
  return kAll;
}

TEST(Topic, SegmentsOfLettersDigitsUnderscoresAndDashesAreTaken) {
  for (const auto name : {"a"sv, "news"sv, "orders.eu"sv, "A-Z_09.x"sv, "-"sv, "_._"sv, "1.2.3"sv,
                          "a.b.c.d.e.f.g"sv}) {
    EXPECT_TRUE(check_topic(name)) << name;
  }
}

TEST(Topic, EverythingElseIsRefusedWithTheRule) {
  for (const auto name :
       {""sv,       "."sv,     ".."sv,       ".a"sv,         "a."sv,   "a..b"sv,  "a b"sv,
        "a/b"sv,    "a\\b"sv,  "a:b"sv,      "a%2e"sv,       "a\n"sv,  "a\0"sv,   "*"sv,
        "a.*"sv,    "**"sv,    "\xc3\xa4"sv, "a\xff"sv,      "a,b"sv,  "a;b"sv,   "a?b"sv,
        "a#b"sv,    "~"sv,     "$x"sv,       "$SYS.a"sv,     "$sys"sv, "$sys."sv, "a$"sv,
        "a.$sys"sv, "$sysx"sv, "$sys..a"sv,  "$sys.$sys.a"sv}) {
    const auto checked = check_topic(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, Errc::bad_input);
    EXPECT_THAT(checked.error().detail, HasSubstr("e.g. orders.eu"));
  }
}

TEST(Topic, EachOfThe256BytesIsJudgedAsTheGrammarSays) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool allowed = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                         (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
    const std::string name = std::string("a") + static_cast<char>(byte) + "b";
    EXPECT_EQ(check_topic(name).has_value(), allowed || byte == '.') << byte;
  }
}

TEST(Topic, HasAtMost200BytesAndTheHubsOwn240) {
  EXPECT_TRUE(check_topic(std::string(200, 'a')));
  EXPECT_FALSE(check_topic(std::string(201, 'a')));
  EXPECT_TRUE(check_topic("$sys." + std::string(235, 'a')));
  EXPECT_FALSE(check_topic("$sys." + std::string(236, 'a')));
  EXPECT_TRUE(TopicPattern::parse(std::string(198, 'a') + ".*"));
  EXPECT_FALSE(TopicPattern::parse(std::string(199, 'a') + ".*"));
}

TEST(Topic, TheHubsOwnBeginWithTheSegmentSys) {
  EXPECT_TRUE(is_system_topic("$sys.health"));
  EXPECT_TRUE(is_system_topic("$sys.presence.a.b"));
  EXPECT_FALSE(is_system_topic("sys.health"));
  EXPECT_FALSE(is_system_topic("$sysx.health"));
  EXPECT_FALSE(is_system_topic("a.$sys"));
  EXPECT_FALSE(is_system_topic(""));
}

TEST(TopicPattern, StarsStandForWholeSegmentsAndTwoOfThemOnlyAtTheEnd) {
  for (const auto text : {"*"sv, "**"sv, "a.*"sv, "*.a"sv, "a.*.b"sv, "a.**"sv, "*.*.**"sv,
                          "$sys.*"sv, "$sys.**"sv, "$sys.presence.**"sv, "a.b"sv}) {
    EXPECT_TRUE(TopicPattern::parse(text)) << text;
  }
  for (const auto text :
       {""sv, "a*"sv, "*a"sv, "a.b*"sv, "**.a"sv, "a.**.b"sv, "***"sv, "a.***"sv, ".*"sv, "*."sv,
        "a..*"sv, "*.$sys"sv, "$sys"sv, "$*"sv, "$sys*"sv, "* "sv, "*\n"sv, "*/a"sv, "**.**"sv}) {
    EXPECT_FALSE(TopicPattern::parse(text)) << text;
  }
}

TEST(TopicPattern, OnlyOneWithoutWildcardIsExact) {
  EXPECT_TRUE(pattern("a.b").is_exact());
  EXPECT_FALSE(pattern("a.*").is_exact());
  EXPECT_FALSE(pattern("**").is_exact());
  EXPECT_EQ(pattern("a.*").text(), "a.*");
}

TEST(TopicPattern, MatchesAsTheDesignSays) {
  EXPECT_TRUE(pattern("orders.*").matches("orders.eu"));
  EXPECT_FALSE(pattern("orders.*").matches("orders"));
  EXPECT_FALSE(pattern("orders.*").matches("orders.eu.de"));
  EXPECT_TRUE(pattern("orders.**").matches("orders.eu.de"));
  EXPECT_FALSE(pattern("orders.**").matches("orders"));
  EXPECT_FALSE(pattern("orders.**").matches("ordersx.eu"));
  EXPECT_TRUE(pattern("*.eu").matches("orders.eu"));
  EXPECT_FALSE(pattern("orders").matches("Orders"));
}

TEST(TopicPattern, TheHubsOwnTopicsAreMatchedOnlyWhenNamed) {
  EXPECT_FALSE(pattern("**").matches("$sys.health"));
  EXPECT_FALSE(pattern("*.health").matches("$sys.health"));
  EXPECT_TRUE(pattern("$sys.*").matches("$sys.health"));
  EXPECT_TRUE(pattern("$sys.**").matches("$sys.presence.a"));
  EXPECT_FALSE(pattern("$sys.*").matches("a.health"));
}

TEST(TopicPattern, APrefixOfATopicsBytesIsNoMatchAsT29Wants) {
  EXPECT_FALSE(pattern("order").matches("orders"));
  EXPECT_FALSE(pattern("orders").matches("order"));
  EXPECT_FALSE(pattern("a.*").matches("a-b"));
  EXPECT_FALSE(pattern("a.*").matches("ab.c"));
}

TEST(TopicPattern, MatchesAgreesWithThePlainReadingOfTheRuleOverASmallAlphabet) {
  for (const auto& one : all_patterns()) {
    for (const auto& topic : all_topics()) {
      ASSERT_EQ(one.matches(topic), matches_plainly(one.text(), topic))
          << one.text() << " and " << topic;
    }
  }
}

TEST(TopicPattern, CoversExactlyWhenEveryTopicOfTheOtherIsMatched) {
  for (const auto& wide : all_patterns()) {
    for (const auto& narrow : all_patterns()) {
      const bool every = std::ranges::all_of(all_topics(), [&](const std::string& topic) {
        return !narrow.matches(topic) || wide.matches(topic);
      });
      ASSERT_EQ(wide.covers(narrow), every) << wide.text() << " and " << narrow.text();
    }
  }
}

TEST(TopicPattern, OverlapsExactlyWhenSomeTopicIsMatchedByBoth) {
  for (const auto& one : all_patterns()) {
    for (const auto& other : all_patterns()) {
      const bool some = std::ranges::any_of(all_topics(), [&](const std::string& topic) {
        return one.matches(topic) && other.matches(topic);
      });
      ASSERT_EQ(one.overlaps(other), some) << one.text() << " and " << other.text();
    }
  }
}

TEST(TopicPattern, ARightToEverythingIsNoRightToTheHubsOwn) {
  EXPECT_FALSE(pattern("**").covers(pattern("$sys.**")));
  EXPECT_FALSE(pattern("**").covers(pattern("$sys.health")));
  EXPECT_TRUE(pattern("$sys.**").covers(pattern("$sys.presence.**")));
  EXPECT_FALSE(pattern("**").overlaps(pattern("$sys.health")));
}

TEST(TopicPattern, PatternsAreEqualAndOrderedByTheirText) {
  EXPECT_EQ(pattern("a.*"), pattern("a.*"));
  EXPECT_NE(pattern("a.*"), pattern("a.b"));
  EXPECT_LT(pattern("a"), pattern("b"));
}

TEST(TopicPattern, OneOfSeveralIsEnough) {
  const std::vector<TopicPattern> rights = {pattern("a.*"), pattern("b")};

  EXPECT_TRUE(any_matches(rights, "a.x"));
  EXPECT_TRUE(any_matches(rights, "b"));
  EXPECT_FALSE(any_matches(rights, "c"));
  EXPECT_FALSE(any_matches({}, "a"));
  EXPECT_TRUE(any_covers(rights, pattern("a.b")));
  EXPECT_FALSE(any_covers(rights, pattern("a.**")));
  EXPECT_FALSE(any_covers({}, pattern("a")));
}

}  // namespace
}  // namespace carillon
