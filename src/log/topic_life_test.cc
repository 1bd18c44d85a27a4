// The life of a topic goes through the whole log.
#include <gmock/gmock.h>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TopicLifeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  FakeDisk disk;
  LogFixture fixture{disk};
};

// Keeps what it hears.
class Listener : public Watcher {
 public:
  void on_turn(std::shared_ptr<const Commit> commit) override {
    turns.push_back(std::move(commit));
  }
  std::vector<std::shared_ptr<const Commit>> turns;
};

TEST_F(TopicLifeTest, ATopicMadeAgainShowsOldCursorsAGapThatSaysDeleted) {
  const Position old = fixture.publish("t", "old")->last;
  const Position older_cursor{old.value - 1};
  ASSERT_TRUE(fixture.drop("t"));
  ASSERT_TRUE(fixture.publish("t", "new"));

  for (int life = 0; life < 2; ++life) {
    const auto through = fixture.read_through({"t"}, older_cursor);
    EXPECT_THAT(datas_of(through.events), ElementsAre("new"));
    ASSERT_THAT(through.gaps, SizeIs(1));
    EXPECT_EQ(through.gaps[0].reason, MarkReason::deleted);
    EXPECT_THAT(fixture.read_through({"t"}, old).gaps, IsEmpty()) << "nothing was missed";
    ASSERT_TRUE(fixture.open());
  }
}

TEST_F(TopicLifeTest, ADeletedTopicIsNotThereThroughRestartAndSeal) {
  ASSERT_TRUE(fixture.publish("t", "x"));
  ASSERT_TRUE(fixture.drop("t"));
  EXPECT_FALSE(fixture.log().bounds("t"));
  ASSERT_TRUE(fixture.open());
  EXPECT_FALSE(fixture.log().bounds("t"));
  ASSERT_TRUE(fixture.seal());
  ASSERT_TRUE(fixture.open());

  EXPECT_FALSE(fixture.log().bounds("t"));
  EXPECT_THAT(fixture.read_all({"t"}), IsEmpty());
  const auto again = fixture.drop("t");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::not_found);
}

TEST_F(TopicLifeTest, EventsSubmittedBeforeADropGoWithItAndLaterOnesMakeTheTopicAgain) {
  ASSERT_TRUE(fixture.publish("t", "1"));
  fixture.submit(LogFixture::append_of("t", {"2"}));
  fixture.log().drop("t", [](const Result<>&) {});
  const auto later = fixture.submit(LogFixture::append_of("t", {"3"}));
  fixture.commit_all();

  ASSERT_TRUE(**later);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("3"));
  EXPECT_TRUE(fixture.log().bounds("t")) << "an acknowledged event lies in a topic of no name";
  ASSERT_TRUE(fixture.open());
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("3"));
  EXPECT_TRUE(fixture.log().bounds("t"));
}

TEST_F(TopicLifeTest, ADeletedMemoryTopicIsEmptyAndCanBeMadeAgain) {
  ASSERT_TRUE(fixture.publish("memory.m", "old"));
  ASSERT_TRUE(fixture.drop("memory.m"));
  EXPECT_FALSE(fixture.log().bounds("memory.m"));
  EXPECT_THAT(fixture.read_all({"memory.m"}), IsEmpty());

  ASSERT_TRUE(fixture.publish("memory.m", "new"));

  EXPECT_THAT(fixture.read_topic("memory.m"), ElementsAre("new"));
}

TEST_F(TopicLifeTest, WatchersHearEachTurnAfterItsAnswersWithTopicsMarksAndEvents) {
  Listener listener;
  ASSERT_TRUE(fixture.publish("known", "x"));
  const auto known = fixture.log().watch(listener);
  const auto answer = fixture.submit(LogFixture::append_of("t", {"a", "b"}));
  fixture.submit(LogFixture::append_of("memory.m", {"c"}));
  fixture.log().commit_waiting();
  ASSERT_TRUE(fixture.trim("t", (**answer)->last));
  fixture.log().unwatch(listener);
  ASSERT_TRUE(fixture.publish("t", "unheard"));

  ASSERT_THAT(known, SizeIs(1));
  EXPECT_EQ(known[0].name, "known");
  ASSERT_GE(listener.turns.size(), 2U);
  const Commit& first = *listener.turns[0];
  EXPECT_THAT(first.topics, SizeIs(2));
  ASSERT_THAT(first.events, SizeIs(3));
  EXPECT_EQ(first.events[1].data(), "b");
  EXPECT_EQ(first.events[2].topic(), "memory.m");
  EXPECT_EQ(first.durable_end, first.events[2].position());
  const Commit& second = *listener.turns[1];
  ASSERT_THAT(second.marks, SizeIs(1));
  EXPECT_EQ(second.marks[0].mark, (**answer)->first);
  EXPECT_EQ(second.mark_number, fixture.log().mark_number());
}

TEST_F(TopicLifeTest, ATurnInWhichNothingBecameVisibleIsHeardAsNothing) {
  ASSERT_TRUE(fixture.publish_once("t", "a", "key"));
  Listener listener;
  fixture.log().watch(listener);

  ASSERT_TRUE(fixture.publish_once("t", "a", "key")->repeat);

  ASSERT_THAT(listener.turns, SizeIs(1));
  EXPECT_EQ(listener.turns[0], nullptr);
  fixture.log().unwatch(listener);
}

// A mirror that follows a first log: given positions and a checkpoint in one frame.
class Mirror {
 public:
  Mirror(LogFixture& source, LogFixture& copy) : source_(source), copy_(copy) {}

  // Copies at most `count` events behind the mirror's own checkpoint; false at the end.
  bool step(size_t count) {
    const auto checkpoint = copy_.log().checkpoint("source");
    const Position after{checkpoint ? std::stoull(*checkpoint) : 0};
    const auto read = source_.log().read({.topics = source_.log().select({pattern_of("**")}),
                                          .after = after,
                                          .bytes_max = kMiB,
                                          .events_max = count});
    EXPECT_TRUE(read);
    if (!read || read->looked == after) return false;
    Append append;
    for (const EventView& event : read->events) {
      LogFixture::add_event(append, event.topic(), event.data());
      append.items.back().given = event.position();
    }
    append.checkpoint = Checkpoint{"source", std::to_string(read->looked.value)};
    copy_.submit(std::move(append));
    return true;
  }

 private:
  LogFixture& source_;
  LogFixture& copy_;
};

TEST_F(TopicLifeTest, AMirrorKilledAnywhereGoesOnWithoutLossOrRepeat) {
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(fixture.publish("t" + std::to_string(i % 3), std::to_string(i)));
  FakeDisk copy_disk;
  LogFixture copy(copy_disk);
  ASSERT_TRUE(copy.open());
  SeededRandom random(4);

  for (int round = 0; round < 200; ++round) {
    Mirror mirror(fixture, copy);
    const bool more = mirror.step(1 + random.below(9));
    if (random.below(3) != 0) copy.commit_all();
    if (random.below(4) == 0) {
      copy_disk = copy_disk.crash(random);
      ASSERT_TRUE(copy.open());
    } else {
      copy.commit_all();
    }
    if (!more) break;
  }

  EXPECT_EQ(copy.read_all({"**"}), fixture.read_all({"**"}));
}

}  // namespace
}  // namespace carillon
