#include "in/event_publish.h"

#include <gtest/gtest.h>

#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

class EventPublishTest : public testing::Test {
 protected:
  EventPublishTest() {
    EXPECT_TRUE(fixture.open());
    hub = std::make_unique<LocalHub>(fixture.log(), pool.pool(), mail.post(), kMiB);
    door = std::make_unique<EventPublish>(*hub, fixture.clock, fixture.random);
  }

  // What the publisher is told, once there is something to tell.
  std::expected<StoredEvent, Problem> publish(const std::string& topic, GivenEvent event) {
    std::optional<std::expected<StoredEvent, Problem>> told;
    door->publish(topic, std::move(event), [&](auto answer) { told = std::move(answer); });
    hub->hand_over();
    fixture.commit_all();
    mail.run_all();
    EXPECT_TRUE(told);
    return *told;
  }

  FakeDisk disk;
  LogFixture fixture{disk};
  HeldPool pool;
  PlayedMail mail;
  std::unique_ptr<LocalHub> hub;
  std::unique_ptr<EventPublish> door;
};

GivenEvent text_event(std::string data) {
  GivenEvent given;
  given.event.data = std::move(data);
  given.event.data_content_type = "text/plain";
  given.event.form = DataForm::text;
  return given;
}

TEST_F(EventPublishTest, AnEventIsAnsweredWithItsCursorOnceItIsStored) {
  const auto stored = publish("t", text_event("a"));

  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->cursor.after, fixture.log().durable_end());
  EXPECT_FALSE(stored->repeat);
  EXPECT_EQ(stored->id.size(), 36U);
  EXPECT_EQ(fixture.read_topic("t"), std::vector<std::string>{"a"});
}

TEST_F(EventPublishTest, ARepeatIsAnsweredWithTheFirstCursor) {
  auto event = text_event("a");
  event.event.id = "1";
  event.event.source = "/s";
  event.id_given = event.source_given = true;

  const auto first = publish("t", event);
  const auto again = publish("t", event);

  EXPECT_TRUE(again->repeat);
  EXPECT_EQ(again->cursor, first->cursor);
  event.event.data = "b";
  const auto other = publish("t", event);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().slug, "idempotency-conflict");
}

TEST_F(EventPublishTest, WhatCannotBeTakenIsAnsweredAtOnceAndNothingIsStored) {
  auto event = text_event("a");
  event.topic = "other";
  bool told = false;

  door->publish("t", event, [&](auto answer) {
    told = true;
    EXPECT_EQ(answer.error().slug, "bad-event");
  });

  EXPECT_TRUE(told);
  const auto large = publish("t", text_event(std::string(kEventBytesMax + 1, 'x')));
  EXPECT_EQ(large.error().slug, "payload-too-large");
  EXPECT_TRUE(fixture.read_topic("t").empty());
}

}  // namespace
}  // namespace carillon
