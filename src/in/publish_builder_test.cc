#include "in/publish_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "testing/fake_clock.h"

namespace carillon {
namespace {

using testing::HasSubstr;

class PublishBuilderTest : public testing::Test {
 protected:
  PublishBuilder builder(std::string topic = "orders.eu") {
    return {std::move(topic), clock, random};
  }
  static GivenEvent given(std::string id, std::string data = "d") {
    return {.event = {.id = std::move(id), .data = std::move(data), .form = DataForm::text}};
  }
  static EventView view(const Append& append, size_t item) {
    return {append.records.data() + append.items[item].offset, append.items[item].topic};
  }
  Append single(GivenEvent event, std::string topic = "orders.eu") {
    auto one = builder(std::move(topic));
    EXPECT_TRUE(one.add(std::move(event)));
    return one.take();
  }
  Append keyed(std::string_view key, std::string_view type, std::string_view body,
               std::string topic = "a") {
    auto one = builder(std::move(topic));
    one.set_idempotency_key(key, type, body);
    EXPECT_TRUE(one.add(given("")));
    return one.take();
  }

  FakeClock clock;
  SeededRandom random{1};
};

TEST_F(PublishBuilderTest, WhatWasNotGivenIsFilledIn) {
  auto one = builder();
  ASSERT_TRUE(one.add(given("")));
  const auto id = one.id();

  const auto append = one.take();

  const auto attributes = view(append, 0).attributes();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(attributes.id, id);
  EXPECT_EQ(append.made_id, id);
  EXPECT_EQ(attributes.source, "");  // the topic's default
  EXPECT_EQ(attributes.type, kDefaultType);
  EXPECT_EQ(attributes.time, "");  // the time of storing
  EXPECT_EQ(view(append, 0).data(), "d");
}

TEST_F(PublishBuilderTest, WhatWasGivenIsKept) {
  GivenEvent event = given("o-1");
  event.event.source = "/shop";
  event.event.type = "order.placed";

  const auto append = single(std::move(event));

  EXPECT_EQ(view(append, 0).attributes().id, "o-1");
  EXPECT_EQ(view(append, 0).attributes().source, "/shop");
  EXPECT_EQ(view(append, 0).attributes().type, "order.placed");
  EXPECT_EQ(append.made_id, "");
}

TEST_F(PublishBuilderTest, OnlyAnEventWithAnIdOfItsOwnIsRemembered) {
  EXPECT_TRUE(single(given("o-1")).items[0].repeat);
  EXPECT_FALSE(single(given("")).items[0].repeat);
}

TEST_F(PublishBuilderTest, ARepeatIsRecognisedByTopicSourceAndId) {
  const auto first = single(given("o-1"));
  GivenEvent other_source = given("o-1");
  other_source.event.source = "/shop";

  EXPECT_EQ(first.items[0].repeat->key, single(given("o-1")).items[0].repeat->key);
  EXPECT_NE(first.items[0].repeat->key, single(given("o-2")).items[0].repeat->key);
  EXPECT_NE(first.items[0].repeat->key, single(given("o-1"), "orders.us").items[0].repeat->key);
  EXPECT_NE(first.items[0].repeat->key, single(std::move(other_source)).items[0].repeat->key);
}

TEST_F(PublishBuilderTest, ATrueRepeatHasEqualDataAndContentType) {
  const auto first = single(given("o-1", "a"));
  GivenEvent other_type = given("o-1", "a");
  other_type.event.data_content_type = "text/html";
  GivenEvent other_time = given("o-1", "a");
  other_time.event.time = clock.wall_now();

  EXPECT_EQ(first.items[0].repeat->body, single(given("o-1", "a")).items[0].repeat->body);
  EXPECT_EQ(first.items[0].repeat->body, single(std::move(other_time)).items[0].repeat->body);
  EXPECT_NE(first.items[0].repeat->body, single(given("o-1", "b")).items[0].repeat->body);
  EXPECT_NE(first.items[0].repeat->body, single(std::move(other_type)).items[0].repeat->body);
}

TEST_F(PublishBuilderTest, AnIdempotencyKeyCoversTopicContentTypeAndBody) {
  const auto first = keyed("k", "text/plain", "body");

  EXPECT_EQ(first.repeat->key, keyed("k", "text/plain", "body").repeat->key);
  EXPECT_EQ(first.repeat->body, keyed("k", "text/plain", "body").repeat->body);
  EXPECT_NE(first.repeat->key, keyed("l", "text/plain", "body").repeat->key);
  EXPECT_NE(first.repeat->key, keyed("k", "text/plain", "body", "b").repeat->key);
  EXPECT_NE(first.repeat->body, keyed("k", "text/html", "body").repeat->body);
  EXPECT_NE(first.repeat->body, keyed("k", "text/plain", "other").repeat->body);
}

TEST_F(PublishBuilderTest, AnIdempotencyKeyIsNeverTakenForAnId) {
  const auto by_id = single(given("x", "d"), "a").items[0].repeat;

  EXPECT_NE(by_id->key, keyed("x", "", "d").repeat->key);
  EXPECT_NE(by_id->key, keyed("/t/ax", "", "d").repeat->key);
}

TEST_F(PublishBuilderTest, TheTopicOfTheEventMustBeTheUrls) {
  auto one = builder("a");
  GivenEvent wrong = given("1");
  wrong.topic = "b";
  GivenEvent right = given("1");
  right.topic = "a";

  const auto added = one.add(std::move(wrong));

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::bad_input);
  EXPECT_THAT(added.error().detail, HasSubstr("'b'"));
  EXPECT_EQ(one.size(), 0U);
  EXPECT_TRUE(one.add(std::move(right)));
}

TEST_F(PublishBuilderTest, AnEventIsAtMostOneMebibyte) {
  auto one = builder();

  EXPECT_TRUE(one.add(given("1", std::string(kEventBytesMax, 'x'))));

  const auto added = one.add(given("2", std::string(kEventBytesMax + 1, 'x')));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::too_large);
  EXPECT_EQ(one.size(), 1U);
}

TEST_F(PublishBuilderTest, SeveralEventsLieBehindEachOtherInOrder) {
  auto one = builder();
  for (const char* data : {"first", "second", "third"}) {
    ASSERT_TRUE(one.add(given(data, data)));
  }

  const auto append = one.take();

  ASSERT_EQ(append.items.size(), 3U);
  EXPECT_EQ(view(append, 0).data(), "first");
  EXPECT_EQ(view(append, 1).data(), "second");
  EXPECT_EQ(view(append, 2).data(), "third");
  EXPECT_EQ(append.made_id, "");
  EXPECT_EQ(append.items[2].topic, "orders.eu");
}

}  // namespace
}  // namespace carillon
