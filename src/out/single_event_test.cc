#include "out/single_event.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

const std::string kOrigin = "http://hub.example";

std::string field(const Response& response, std::string_view name) {
  for (const HeaderField& one : response.fields) {
    if (one.name == name) return one.value;
  }
  return {};
}

class SingleEventTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture_.open()); }

  Response latest(const std::string& topic, const Filter& filter = {}, bool envelope = false) {
    const auto response =
        latest_event(fixture_.log(), topic, {.filter = filter, .cloudevents = envelope});
    EXPECT_TRUE(response);
    return response ? *response : Response();
  }
  Response at(const std::string& topic, Position position, bool envelope = false) {
    const Cursor cursor{fixture_.log().epoch(), position};
    const auto response = event_at(fixture_.log(), topic, cursor, {.cloudevents = envelope});
    EXPECT_TRUE(response);
    return response ? *response : Response();
  }
  Response feed(bool atom, const std::string& tag = "", const Filter& filter = {}) {
    const auto response = topic_feed(fixture_.log(), "news", filter,
                                     {.atom = atom,
                                      .origin = kOrigin,
                                      .target = atom ? "/t/news/feed.atom" : "/t/news/feed.json",
                                      .tag_wanted = tag});
    EXPECT_TRUE(response);
    return response ? *response : Response();
  }

  FakeDisk disk_;
  LogFixture fixture_{disk_};
};

TEST_F(SingleEventTest, TheLatestOfAnEmptyTopicIsNoContent) {
  EXPECT_EQ(latest("news").status, 204);
}

TEST_F(SingleEventTest, TheLatestIsTheBodyOfTheNewestEventWithItsAttributes) {
  ASSERT_TRUE(fixture_.publish("news", "one"));
  const Position two = fixture_.publish("news", "two")->last;
  ASSERT_TRUE(fixture_.publish("other", "three"));

  const Response response = latest("news");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "two");
  EXPECT_EQ(field(response, "ce-id"), "id-two");
  EXPECT_EQ(field(response, "carillon-cursor"), (Cursor{fixture_.log().epoch(), two}.text()));
  EXPECT_EQ(field(response, "cache-control"), "no-cache");
}

TEST_F(SingleEventTest, WhatAStrangerPublishedRunsAsNoPageOfOurs) {
  const Position one = fixture_.publish("news", "<script>alert(1)</script>")->last;

  for (const Response& response : {latest("news"), at("news", one), feed(true), feed(false)}) {
    EXPECT_EQ(field(response, "x-content-type-options"), "nosniff");
    EXPECT_NE(field(response, "content-security-policy").find("sandbox"), std::string::npos);
  }
}

TEST_F(SingleEventTest, AsAnEnvelopeItIsAStructuredEvent) {
  ASSERT_TRUE(fixture_.publish("news", "one"));

  const Response response = latest("news", {}, true);

  EXPECT_EQ(field(response, "content-type"), "application/cloudevents+json");
  EXPECT_TRUE(response.body.starts_with(R"({"specversion":"1.0")"));
  EXPECT_NE(response.body.find(R"("data":"one")"), std::string::npos);
}

TEST_F(SingleEventTest, TheLatestThatMatchesAFilterIsFound) {
  Append append;
  const Event event{.id = "e", .type = "special", .data = "wanted", .form = DataForm::text};
  append.items.push_back({.topic = "news"});
  append_event_record(append.records, event, TopicId(), "news");
  ASSERT_TRUE(fixture_.commit(std::move(append)));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(fixture_.publish("news", "no"));

  EXPECT_EQ(latest("news", {.type = "special", .subject = ""}).body, "wanted");
  EXPECT_EQ(latest("news", {.type = "none", .subject = ""}).status, 204);
}

TEST_F(SingleEventTest, AQuietTopicsLatestIsFoundHoweverFarBackItLies) {
  ASSERT_TRUE(fixture_.publish("quiet", "one"));
  Append far = LogFixture::append_of("busy", {"x"});
  far.items[0].given = Position{fixture_.log().durable_end().value + 2 * kLookBackEventsMax};
  ASSERT_TRUE(fixture_.commit(std::move(far)));

  EXPECT_EQ(latest("quiet").body, "one");
}

TEST_F(SingleEventTest, AFeedHasWhatMatchesTheFilter) {
  Append append;
  const Event event{.id = "e", .type = "special", .data = "wanted", .form = DataForm::text};
  append.items.push_back({.topic = "news"});
  append_event_record(append.records, event, TopicId(), "news");
  ASSERT_TRUE(fixture_.commit(std::move(append)));
  ASSERT_TRUE(fixture_.publish("news", "other"));

  const auto body = feed(true, "", {.type = "special", .subject = ""}).body;

  EXPECT_NE(body.find("wanted"), std::string::npos);
  EXPECT_EQ(body.find("other"), std::string::npos);
}

TEST_F(SingleEventTest, AnEventIsFoundByItsCursorAndNeverChanges) {
  const Position one = fixture_.publish("news", "one")->last;
  ASSERT_TRUE(fixture_.publish("news", "two"));

  const Response response = at("news", one);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "one");
  EXPECT_NE(field(response, "cache-control").find("immutable"), std::string::npos);
  EXPECT_NE(field(response, "cache-control").find("private"), std::string::npos);
}

TEST_F(SingleEventTest, WhereNoEventOfTheTopicIsThereIsNone) {
  const Position other = fixture_.publish("other", "one")->last;
  const Position end = fixture_.publish("news", "two")->last;

  EXPECT_EQ(at("news", other).status, 404);
  EXPECT_EQ(at("news", Position{end.value + 1}).status, 404);
  EXPECT_EQ(at("news", {}).status, 404);
  EXPECT_EQ(at("nobody", end).status, 404);
  const Cursor foreign{Epoch{fixture_.log().epoch().value + 1}, end};
  EXPECT_EQ(event_at(fixture_.log(), "news", foreign, {})->status, 404);
}

TEST_F(SingleEventTest, ARemovedEventIsGoneAndTheNextIsNotTakenForIt) {
  const Position one = fixture_.publish("news", "one")->last;
  const Position two = fixture_.publish("news", "two")->last;
  ASSERT_TRUE(fixture_.trim("news", two));

  const Response gone = at("news", one);

  EXPECT_EQ(gone.status, 410);
  EXPECT_NE(gone.body.find("event-removed"), std::string::npos);
  EXPECT_EQ(at("news", two).body, "two");
}

TEST_F(SingleEventTest, AFeedHasTheNewestFirstInBothForms) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(fixture_.publish("news", "event-" + std::to_string(i)));

  const Response atom = feed(true);
  const Response json = feed(false);

  EXPECT_EQ(field(atom, "content-type"), "application/atom+xml");
  EXPECT_EQ(field(json, "content-type"), "application/feed+json");
  for (const Response& one : {atom, json}) {
    const size_t newest = one.body.find("event-59");
    const size_t older = one.body.find("event-10");
    ASSERT_NE(newest, std::string::npos);
    ASSERT_NE(older, std::string::npos);
    EXPECT_LT(newest, older);
    EXPECT_EQ(one.body.find("event-9<"), std::string::npos);
  }
  EXPECT_NE(atom.body.find(kOrigin + "/t/news/feed.atom"), std::string::npos);
}

TEST_F(SingleEventTest, AFeedThatTheReaderHasIsNotSentAgain) {
  ASSERT_TRUE(fixture_.publish("news", "one"));
  const std::string tag = field(feed(true), "etag");

  EXPECT_EQ(feed(true, tag).status, 304);
  EXPECT_EQ(feed(true, tag).body, "");
  EXPECT_EQ(feed(false, tag).status, 200) << "another form is another thing";

  ASSERT_TRUE(fixture_.publish("news", "two"));
  EXPECT_EQ(feed(true, tag).status, 200);
}

TEST(PageTag, IsWeakAndChangesWithThePageAndItsPlace) {
  const Cursor cursor{Epoch{1}, Position{5}};
  const auto tag = page_tag("/t/news", cursor, 3);

  EXPECT_TRUE(tag.starts_with("W/\"") && tag.ends_with('"'));
  EXPECT_EQ(tag, page_tag("/t/news", cursor, 3));
  EXPECT_NE(tag, page_tag("/t/news?limit=1", cursor, 3));
  EXPECT_NE(tag, page_tag("/t/news", {Epoch{1}, Position{6}}, 3));
  EXPECT_NE(tag, page_tag("/t/news", cursor, 4));
}

}  // namespace
}  // namespace carillon
