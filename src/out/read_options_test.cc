#include "out/read_options.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"

namespace carillon {
namespace {

using Kind = AfterOption::Kind;

std::expected<ReadOptions, OptionError> options_of(std::string_view query,
                                                   std::string_view last_event_id = "") {
  const auto parsed = Query::parse(query);
  EXPECT_TRUE(parsed) << query;
  return parse_read_options(*parsed, last_event_id, {*TopicPattern::parse("news")});
}

std::string refusal_of(std::string_view query) {
  const auto options = options_of(query);
  EXPECT_FALSE(options) << query;
  return options ? std::string() : options.error().detail;
}

Kind kind_of(std::string_view after) {
  const auto parsed = parse_after(after);
  EXPECT_TRUE(parsed) << after;
  return parsed ? parsed->kind : Kind::absent;
}

TEST(ReadOptions, WithoutAnyTheDefaultsHold) {
  const auto options = options_of("");

  ASSERT_TRUE(options);
  EXPECT_EQ(options->after.kind, Kind::absent);
  EXPECT_EQ(options->limit, kPageEventsDefault);
  EXPECT_TRUE(options->filter.empty());
  EXPECT_FALSE(options->rate);
  EXPECT_FALSE(options->conflate);
  EXPECT_FALSE(options->cloudevents);
  EXPECT_EQ(options->data, DataAs::natural);
  EXPECT_FALSE(options->wait);
  EXPECT_FALSE(options->gap_ok);
}

TEST(ReadOptions, AfterTakesEveryKindOfPlace) {
  EXPECT_EQ(kind_of("first"), Kind::first);
  EXPECT_EQ(kind_of("now"), Kind::now);
  EXPECT_EQ(kind_of("-20"), Kind::newest);
  EXPECT_EQ(kind_of("2026-01-31T09:30:00Z"), Kind::time);
  EXPECT_EQ(kind_of("2026-01-31T10:30:00.5+01:00"), Kind::time);

  const auto cursor = parse_after("10-1042");
  ASSERT_TRUE(cursor);
  EXPECT_EQ(cursor->kind, Kind::cursor);
  EXPECT_EQ(cursor->cursor, (Cursor{Epoch{36}, Position{1042}}));
  EXPECT_EQ(cursor->text, "10-1042");
  EXPECT_EQ(parse_after("-20")->count, 20U);
}

TEST(ReadOptions, AfterThatIsNoPlaceIsABadCursorByName) {
  for (const char* text :
       {"", "-", "-0", "--1", "-x", "latest", "10_5", "10-", "2026-01-31", "FIRST"}) {
    const auto parsed = parse_after(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().bad_cursor) << text;
    EXPECT_NE(parsed.error().detail.find(text), std::string::npos);
  }
}

TEST(ReadOptions, NobodyLooksBackFurtherThanTheBound) {
  EXPECT_EQ(kind_of("-" + std::to_string(kLookBackEventsMax)), Kind::newest);
  EXPECT_FALSE(parse_after("-" + std::to_string(kLookBackEventsMax + 1)));
  EXPECT_FALSE(parse_after("-99999999999999999999"));
}

TEST(ReadOptions, LastEventIdWinsOverAfter) {
  const auto options = options_of("after=first", "10-7");

  ASSERT_TRUE(options);
  EXPECT_EQ(options->after.kind, Kind::cursor);
  EXPECT_EQ(options->after.cursor.after, Position{7});
}

TEST(ReadOptions, ALastEventIdThatIsNoCursorIsUnknownAndNeverAnError) {
  for (const std::string& id :
       {std::string("hello"), std::string("first"), std::string(500, 'x')}) {
    const auto options = options_of("", id);
    ASSERT_TRUE(options) << id;
    EXPECT_EQ(options->after.kind, Kind::unknown);
    EXPECT_LE(options->after.text.size(), 64U);
    EXPECT_TRUE(id.starts_with(options->after.text));
  }
}

TEST(ReadOptions, FiltersAreTakenAsTheyAre) {
  const auto options = options_of("type=order.*&subject=42");

  ASSERT_TRUE(options);
  EXPECT_EQ(options->filter, (Filter{.type = "order.*", .subject = "42"}));
}

TEST(ReadOptions, ARateMustBeANumberWithinItsBounds) {
  EXPECT_EQ(options_of("rate=10")->rate, 10);
  EXPECT_EQ(options_of("rate=0.5")->rate, 0.5);
  EXPECT_EQ(options_of("rate=0.01")->rate, 0.01);
  EXPECT_EQ(options_of("rate=1000")->rate, 1000);
  for (const char* text : {"", "0", "-1", "0.009", "1001", "nan", "inf", "1x", "ten", "1e9"}) {
    EXPECT_NE(refusal_of(std::string("rate=") + text).find("rate"), std::string::npos) << text;
  }
}

TEST(ReadOptions, ConflationHasARateOfItsOwnUnlessOneIsGiven) {
  EXPECT_EQ(options_of("conflate=key")->rate, 10);
  EXPECT_TRUE(options_of("conflate=key")->conflate);
  EXPECT_EQ(options_of("conflate=key&rate=2")->rate, 2);
  EXPECT_FALSE(options_of("rate=2")->conflate);
  EXPECT_NE(refusal_of("conflate=topic").find("conflate"), std::string::npos);
}

TEST(ReadOptions, LimitAndWaitHaveTheirBounds) {
  EXPECT_EQ(options_of("limit=1")->limit, 1U);
  EXPECT_EQ(options_of("limit=1000")->limit, kPageEventsMax);
  EXPECT_EQ(options_of("wait=0")->wait, std::chrono::seconds(0));
  EXPECT_EQ(options_of("wait=60")->wait, kLongPollMax);
  for (const char* text : {"limit=0", "limit=1001", "limit=-1", "limit=", "limit=x", "wait=61",
                           "wait=-1", "wait=", "wait=1.5", "limit=99999999999999999999"}) {
    refusal_of(text);
  }
}

TEST(ReadOptions, TheFormsTakeOneWordEach) {
  EXPECT_TRUE(options_of("as=cloudevents")->cloudevents);
  EXPECT_EQ(options_of("data=base64")->data, DataAs::base64);
  EXPECT_TRUE(options_of("gap=ok")->gap_ok);
  for (const char* text : {"as=json", "as=", "data=hex", "gap=yes", "gap="}) refusal_of(text);
}

TEST(ReadOptions, AnOptionGivenTwiceIsAmbiguousAndRefused) {
  for (const char* name :
       {"after", "type", "subject", "rate", "conflate", "as", "data", "limit", "wait", "gap"}) {
    const std::string twice = std::string(name) + "=1&" + name + "=1";
    EXPECT_NE(refusal_of(twice).find(name), std::string::npos);
  }
}

TEST(ReadOptions, AnOptionNobodyKnowsIsLeftAlone) { EXPECT_TRUE(options_of("utm_source=mail")); }

TEST(TopicOptions, TopicsAreSortedAndNamedOnce) {
  const auto topics = parse_topic_options(*Query::parse("topic=b&topic=a.*&topic=b"));

  ASSERT_TRUE(topics);
  ASSERT_EQ(topics->size(), 2U);
  EXPECT_EQ((*topics)[0].text(), "a.*");
  EXPECT_EQ((*topics)[1].text(), "b");
}

TEST(TopicOptions, OrderMakesNoOtherClassOfReaders) {
  EXPECT_EQ(*parse_topic_options(*Query::parse("topic=b&topic=a")),
            *parse_topic_options(*Query::parse("topic=a&topic=b")));
}

TEST(TopicOptions, NoneBadOnesAndTooManyAreRefused) {
  EXPECT_FALSE(parse_topic_options(*Query::parse("")));
  const auto bad = parse_topic_options(*Query::parse("topic=a&topic=a..b"));
  ASSERT_FALSE(bad);
  EXPECT_TRUE(bad.error().bad_topic);

  std::string many = "topic=t0";
  for (size_t i = 1; i < kPatternsMax; ++i) many += "&topic=t" + std::to_string(i);
  EXPECT_TRUE(parse_topic_options(*Query::parse(many)));
  EXPECT_FALSE(parse_topic_options(*Query::parse(many + "&topic=more")));
}

RC_GTEST_PROP(ReadOptions, ACursorAsTheHubWritesItIsTakenBack,
              (uint64_t epoch, uint64_t position)) {
  const Cursor cursor{Epoch{epoch}, Position{position}};

  const auto after = parse_after(cursor.text());

  RC_ASSERT(after.has_value());
  RC_ASSERT(after->kind == Kind::cursor);
  RC_ASSERT(after->cursor == cursor);
}

RC_GTEST_PROP(ReadOptions, NoTextCrashesAfter, (const std::string& text)) {
  const auto after = parse_after(text);
  RC_ASSERT((after.has_value() || after.error().bad_cursor));
}

}  // namespace
}  // namespace carillon
