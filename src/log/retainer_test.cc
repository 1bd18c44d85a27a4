#include "log/retainer.h"

#include <gmock/gmock.h>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RetainerTest : public testing::Test {
 protected:
  void SetUp() override {
    fixture.settings = [](std::string_view topic) {
      TopicSettings settings;
      if (topic.starts_with("count.")) settings.retention.count = 3;
      if (topic.starts_with("bytes.")) settings.retention.bytes = 50 * kKiB;
      if (topic.starts_with("hour.")) settings.retention.age = std::chrono::hours(1);
      if (topic == "filler") settings.retention.count = 0;
      if (!topic.starts_with("memory.")) return settings;
      settings.durability = Durability::memory;
      settings.retention.age = std::chrono::hours(1);
      return settings;
    };
    ASSERT_TRUE(fixture.open());
  }

  Position publish(std::string_view topic, std::string_view data) {
    const auto answer = fixture.publish(topic, data);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().detail);
    return answer ? answer->last : Position();
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(RetainerTest, ATopicKeepsAsManyEventsAsItsSettingsSay) {
  for (int i = 0; i < 5; ++i) publish("count.t", std::to_string(i));
  fixture.keep_house();
  EXPECT_THAT(fixture.read_topic("count.t"), ElementsAre("2", "3", "4"));

  ASSERT_TRUE(fixture.seal());
  publish("count.t", "5");
  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("count.t"), ElementsAre("3", "4", "5"));
  EXPECT_THAT(fixture.read_through({"count.t"}).gaps, SizeIs(1));
}

TEST_F(RetainerTest, ACountLimitHoldsAfterARestartWithoutANewEvent) {
  for (int i = 0; i < 5; ++i) publish("count.t", std::to_string(i));

  ASSERT_TRUE(fixture.open());
  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("count.t"), ElementsAre("2", "3", "4"));
}

TEST_F(RetainerTest, ATopicKeepsAsManyBytesAsItsSettingsSay) {
  const std::string large(20 * kKiB, 'x');
  for (int i = 0; i < 5; ++i) publish("bytes.t", std::to_string(i) + large);

  fixture.keep_house();

  EXPECT_THAT(fixture.read_all({"bytes.t"}), SizeIs(2));
  EXPECT_LE(fixture.log().bounds("bytes.t")->bytes, 50 * kKiB);
}

TEST_F(RetainerTest, OldEventsGoEvenFromAnIdleTopicAndYoungOnesStay) {
  publish("hour.t", "old");
  publish("t", "forever");
  fixture.clock.advance(std::chrono::minutes(40));
  publish("hour.t", "young");
  fixture.clock.advance(std::chrono::minutes(30));

  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("hour.t"), ElementsAre("young"));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("forever"));
  fixture.clock.advance(std::chrono::hours(2));
  fixture.keep_house();
  EXPECT_THAT(fixture.read_topic("hour.t"), IsEmpty());
}

TEST_F(RetainerTest, ASealedEventGoesWhenItsHourIsOver) {
  publish("hour.t", "old");
  ASSERT_TRUE(fixture.seal());
  fixture.clock.advance(std::chrono::hours(2));

  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("hour.t"), IsEmpty());
}

TEST_F(RetainerTest, AClockADayAheadAtTheStartExpiresNothingForAnHour) {
  publish("hour.t", "a");
  fixture.clock.step_wall(std::chrono::hours(24 * 365));
  ASSERT_TRUE(fixture.open());
  fixture.keep_house();
  EXPECT_THAT(fixture.read_topic("hour.t"), ElementsAre("a"));
  EXPECT_TRUE(fixture.logger.told(Severity::warning, "the clock"));

  fixture.clock.advance(std::chrono::minutes(61));
  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("hour.t"), IsEmpty());
}

TEST_F(RetainerTest, TheOldestGoWhenTheWholeLogIsTooLarge) {
  fixture.settings = [](std::string_view) { return TopicSettings(); };
  fixture.log_bytes_max = 4 * kMiB;
  ASSERT_TRUE(fixture.open());
  publish("t", "oldest");
  for (int round = 0; round < 8; ++round) ASSERT_TRUE(fixture.seal());
  publish("t", "newest");

  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("newest"));
  EXPECT_LE(fixture.log().stats().stored_bytes, 8 * kMiB);
  EXPECT_THAT(fixture.read_through({"t"}).gaps, SizeIs(1));
  EXPECT_FALSE(disk.has(Segment::name_of(1)));
}

// A quiet hub seals once in weeks: an age must not wait for the segment's youngest event.
TEST_F(RetainerTest, OfASealedRunTheOldPartGoesAndTheYoungStays) {
  for (int i = 0; i < 200; ++i) {
    publish("hour.t", std::to_string(i));
    fixture.clock.advance(std::chrono::minutes(1));
  }
  ASSERT_TRUE(fixture.seal());
  ASSERT_EQ(fixture.log().stats().segments, 1U);

  fixture.keep_house();

  const auto left = fixture.read_topic("hour.t");
  ASSERT_FALSE(left.empty());
  EXPECT_NEAR(std::stoi(left.front()), 140, 2);
  EXPECT_EQ(left.back(), "199");
}

TEST_F(RetainerTest, AWallClockThatIsSetForwardExpiresNothing) {
  publish("hour.t", "a");
  fixture.clock.step_wall(std::chrono::hours(24 * 365 * 10));

  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("hour.t"), ElementsAre("a"));
}

TEST_F(RetainerTest, AMemoryTopicsOldEventsGoToo) {
  publish("memory.m", "old");
  fixture.clock.advance(std::chrono::minutes(50));
  publish("memory.m", "young");
  fixture.clock.advance(std::chrono::minutes(20));

  fixture.keep_house();

  EXPECT_THAT(fixture.read_topic("memory.m"), ElementsAre("young"));
  EXPECT_THAT(fixture.read_through({"memory.m"}).gaps, SizeIs(1));
}

// A flipped bit in a position must not become a mark: everything behind it would be gone.
TEST_F(RetainerTest, ADamagedRecordNeverBecomesAMark) {
  std::vector<Position> positions;
  for (int i = 0; i < 20; ++i) positions.push_back(publish("count.t", std::to_string(i)));
  fixture.settings = [](std::string_view) { return TopicSettings(); };
  ASSERT_TRUE(fixture.open());
  ASSERT_TRUE(fixture.seal());
  const auto segment = Segment::open(disk, 1);
  ASSERT_TRUE(segment);
  const SegmentRun* run = (*segment)->run_of(TopicId{1});
  ASSERT_NE(run, nullptr);
  // Of the newest event that has to go, a bit of the data: its header looks as it should.
  const uint64_t record_bytes = run->bytes / run->events;
  disk.flip_bit(Segment::name_of(1), run->offset + 17 * record_bytes - 2, 1);
  fixture.settings = [](std::string_view) {
    TopicSettings settings;
    settings.retention.count = 3;
    return settings;
  };
  ASSERT_TRUE(fixture.open());

  fixture.keep_house();

  const auto left = fixture.read_topic("count.t");
  ASSERT_GE(left.size(), 3U);
  EXPECT_EQ(left.back(), "19");
}

}  // namespace
}  // namespace carillon
