#include <gmock/gmock.h>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What log_content.cc counts is seen through trim, retention and bounds.
class LogContentTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  Position publish(std::string_view topic, std::string_view data) {
    const auto answer = fixture.publish(topic, data);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().detail);
    return answer ? answer->last : Position();
  }
  // How many of `patterns`' events lie behind where a look back at so many begins.
  size_t looked_back(const std::vector<std::string>& patterns, uint64_t of_topic, uint64_t of_log) {
    std::vector<TopicPattern> chosen;
    for (const auto& pattern : patterns) chosen.push_back(pattern_of(pattern));
    const auto selection = fixture.log().select(chosen);
    const Position at = fixture.log().look_back(*selection, of_topic, of_log);
    return fixture.read_all(patterns, at).size();
  }
  // Ten events on `t`, of which the first five are sealed.
  std::vector<Position> half_sealed() {
    std::vector<Position> positions;
    for (int i = 0; i < 10; ++i) {
      positions.push_back(publish("t", std::to_string(i)));
      if (i == 4) EXPECT_TRUE(fixture.seal());
    }
    return positions;
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(LogContentTest, BoundsCountWhatLivesInSegmentsAndJournals) {
  const auto positions = half_sealed();
  const auto all = fixture.log().bounds("t");
  ASSERT_TRUE(fixture.trim("t", positions[2]));
  const auto trimmed = fixture.log().bounds("t");
  ASSERT_TRUE(fixture.trim("t", positions[7]));
  const auto young = fixture.log().bounds("t");

  ASSERT_TRUE(all && trimmed && young);
  EXPECT_EQ(all->events, 10U);
  EXPECT_EQ(all->oldest, positions[0]);
  EXPECT_EQ(all->newest, positions[9]);
  EXPECT_EQ(trimmed->events, 8U);
  EXPECT_EQ(trimmed->oldest, positions[2]);
  EXPECT_LT(trimmed->bytes, all->bytes);
  EXPECT_EQ(young->events, 3U);
  EXPECT_EQ(young->oldest, positions[7]);
  EXPECT_EQ(young->newest, positions[9]);
}

TEST_F(LogContentTest, BoundsOfATopicTrimmedEmptyAreZeroAndOfNoneAreNone) {
  publish("t", "a");
  const Position beyond{publish("u", "b").value + 100};
  ASSERT_TRUE(fixture.trim("t", beyond));

  const auto bounds = fixture.log().bounds("t");

  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->events, 0U);
  EXPECT_EQ(bounds->oldest, Position{0});
  EXPECT_EQ(bounds->bytes, 0U);
  EXPECT_FALSE(fixture.log().bounds("none"));
}

TEST_F(LogContentTest, BoundsOfAMemoryTopicCountWhatItStillHolds) {
  fixture.settings = [](std::string_view) {
    return TopicSettings{.durability = Durability::memory, .retention = {.count = 2}};
  };
  for (const char* data : {"1", "2", "3"}) publish("memory.m", data);

  const auto bounds = fixture.log().bounds("memory.m");

  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->events, 2U);
  EXPECT_EQ(bounds->durability, Durability::memory);
}

TEST_F(LogContentTest, ATrimKeepsTheEventItNamesWhereverThatLies) {
  for (const size_t kept : {0U, 1U, 4U, 5U, 6U, 9U}) {
    FakeDisk own_disk;
    LogFixture own(own_disk);
    ASSERT_TRUE(own.open());
    std::vector<Position> positions;
    std::vector<std::string> expected;
    for (size_t i = 0; i < 10; ++i) {
      positions.push_back(own.publish("t", std::to_string(i))->last);
      ASSERT_TRUE(own.publish("other", "between"));
      if (i >= kept) expected.push_back(std::to_string(i));
      if (i == 4) ASSERT_TRUE(own.seal());
    }

    ASSERT_TRUE(own.trim("t", positions[kept]));

    EXPECT_EQ(own.read_topic("t"), expected);
    EXPECT_EQ(own.log().bounds("t")->oldest, positions[kept]);
    EXPECT_EQ(own.log().bounds("other")->events, 10U);
  }
}

TEST_F(LogContentTest, ATrimBetweenTwoEventsTakesAllBeforeAndNoMore) {
  publish("t", "a");
  const Position between = publish("u", "x");
  publish("t", "b");

  ASSERT_TRUE(fixture.trim("t", between));

  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("b"));
}

TEST_F(LogContentTest, ATrimBeforeTheOldestChangesNothingAndRaisesNoMark) {
  const Position first = publish("t", "a");
  publish("t", "b");
  const uint64_t marks = fixture.log().mark_number();

  ASSERT_TRUE(fixture.trim("t", first));

  EXPECT_EQ(fixture.log().mark_number(), marks);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "b"));
}

TEST_F(LogContentTest, AMarkIsThePositionOfARealEvent) {
  const Position a = publish("t", "a");
  publish("u", "x");
  const Position b = publish("t", "b");
  ASSERT_TRUE(fixture.trim("t", b));

  const auto behind_a = fixture.read_through({"t"}, a);

  EXPECT_THAT(behind_a.gaps, IsEmpty()) << "a reader that has had `a` misses nothing";
  EXPECT_THAT(fixture.read_through({"t"}).gaps, testing::SizeIs(1));
}

TEST_F(LogContentTest, ATrimOfWhatIsNotThereIsNotFound) {
  const auto answer = fixture.trim("none", Position{10});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found);
}

TEST_F(LogContentTest, ThePositionBeforeATimeIsTheLastFrameStoredEarlier) {
  const auto start = fixture.clock.wall_now();
  const Position a = publish("t", "a");
  fixture.clock.advance(std::chrono::seconds(10));
  const Position b = publish("t", "b");
  fixture.clock.advance(std::chrono::seconds(10));
  publish("t", "c");

  EXPECT_EQ(fixture.log().position_before(start), kBeforeEverything);
  EXPECT_EQ(fixture.log().position_before(start + std::chrono::seconds(5)), a);
  EXPECT_EQ(fixture.log().position_before(start + std::chrono::seconds(15)), b);
  EXPECT_EQ(fixture.log().position_before(start + std::chrono::hours(1)),
            fixture.log().durable_end());
}

TEST_F(LogContentTest, OfASealedStretchThePositionBeforeATimeIsNeverTooLate) {
  const auto start = fixture.clock.wall_now();
  publish("t", "a");
  fixture.clock.advance(std::chrono::seconds(10));
  const Position b = publish("t", "b");
  ASSERT_TRUE(fixture.seal());

  EXPECT_LT(fixture.log().position_before(start + std::chrono::seconds(5)), b);
}

TEST_F(LogContentTest, ListsGoByNameBehindAGivenOneAndLeaveDeletedTopicsOut) {
  for (const char* topic : {"b", "a", "d.x", "c", "gone"}) publish(topic, "x");
  ASSERT_TRUE(fixture.drop("gone"));
  const auto names = [&](std::string_view pattern, std::string_view after, size_t limit) {
    std::vector<std::string> found;
    for (const auto& bounds : fixture.log().list(pattern_of(pattern), after, limit))
      found.push_back(bounds.topic);
    return found;
  };

  EXPECT_THAT(names("**", "", 10), ElementsAre("a", "b", "c", "d.x"));
  EXPECT_THAT(names("*", "a", 10), ElementsAre("b", "c"));
  EXPECT_THAT(names("**", "", 2), ElementsAre("a", "b"));
  EXPECT_THAT(names("d.*", "", 10), ElementsAre("d.x"));
}

TEST_F(LogContentTest, ALookBackCountsTheEventsOfTheTopicAndNotPlaces) {
  half_sealed();
  for (int i = 0; i < 20; ++i) publish("other", "o");

  EXPECT_EQ(looked_back({"t"}, 1, 1), 1U);
  EXPECT_EQ(looked_back({"t"}, 5, 1), 5U);
  EXPECT_GE(looked_back({"t"}, 7, 1), 7U);  // whole blocks of a segment
  EXPECT_EQ(looked_back({"t"}, 1'000, 1), 10U);
  EXPECT_EQ(looked_back({"none"}, 5, 5), 0U);
}

// Positions jump by the reservation at each start.
TEST_F(LogContentTest, ALookBackReachesBehindARestart) {
  half_sealed();
  ASSERT_TRUE(fixture.open());
  publish("t", "new");

  EXPECT_EQ(looked_back({"t"}, 3, 3), 3U);
  EXPECT_EQ(looked_back({"t", "u"}, 3, 3), 3U);
}

TEST_F(LogContentTest, ALookBackOverSeveralTopicsCountsTheEventsOfTheLog) {
  for (int i = 0; i < 10; ++i) publish("t", "t");
  for (int i = 0; i < 10; ++i) publish("u", "u");

  EXPECT_EQ(looked_back({"t", "u"}, 1, 15), 15U);
  EXPECT_EQ(looked_back({"t", "none"}, 1, 15), 5U);
}

TEST_F(LogContentTest, ALookBackEndsAtWhatWasRemoved) {
  const auto positions = half_sealed();
  ASSERT_TRUE(fixture.trim("t", positions[8]));

  EXPECT_EQ(looked_back({"t"}, 5, 5), 2U);
  const auto selection = fixture.log().select({pattern_of("t")});
  EXPECT_GE(fixture.log().look_back(*selection, 5, 5), positions[7]);
}

TEST_F(LogContentTest, ALookBackAtAMemoryTopicCountsWhatItHolds) {
  for (const char* data : {"1", "2", "3"}) publish("memory.m", data);

  EXPECT_EQ(looked_back({"memory.m"}, 2, 1), 2U);
  EXPECT_EQ(looked_back({"memory.m"}, 9, 1), 3U);
}

// What a late joiner of presence needs: the last of a key outlives the mark.
TEST_F(LogContentTest, ALookBackAtAMemoryTopicFindsTheLastOfAKeyBelowTheMark) {
  fixture.settings = [](std::string_view) {
    return TopicSettings{.durability = Durability::memory, .retention = {.count = 3}};
  };
  Append keyed;
  const Event alice{.id = "a", .key = "alice", .data = "here", .form = DataForm::text};
  keyed.items.push_back({.topic = "presence"});
  append_event_record(keyed.records, alice, TopicId(), "presence");
  ASSERT_TRUE(fixture.commit(std::move(keyed)));
  for (const char* data : {"1", "2", "3", "4"}) publish("presence", data);

  const auto living = fixture.log().bounds("presence")->events;

  EXPECT_EQ(living, 3U);
  EXPECT_EQ(looked_back({"presence"}, 100, 1), living);
}

}  // namespace
}  // namespace carillon
