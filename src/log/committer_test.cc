#include "log/committer.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CommitterTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  // What a power loss would leave, opened.
  void lose_power() {
    disk = disk.crash_hard();
    ASSERT_TRUE(fixture.open());
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

Append with_item_ids(std::string_view topic, const std::vector<std::string>& datas,
                     const std::vector<std::string>& ids) {
  Append append = LogFixture::append_of(topic, datas);
  for (size_t i = 0; i < ids.size(); ++i)
    append.items[i].repeat = RepeatKey{.key = digest_of(ids[i]), .body = digest_of(datas[i])};
  return append;
}

Append with_given(std::string_view topic, const std::vector<uint64_t>& positions) {
  Append append;
  for (const uint64_t position : positions) {
    LogFixture::add_event(append, topic, std::to_string(position));
    append.items.back().given = Position{position};
  }
  return append;
}

TEST_F(CommitterTest, ManyAppendsOfOneTurnAreOneWriteAndOneSyncAndAnsweredAfterIt) {
  std::vector<LogFixture::Answer> answers;
  for (int i = 0; i < 100; ++i)
    answers.push_back(fixture.submit(LogFixture::append_of("t", {std::to_string(i)})));
  disk.forget_calls();
  for (const auto& answer : answers) ASSERT_FALSE(answer->has_value());

  fixture.log().commit_waiting();

  EXPECT_EQ(disk.count(DiskCall::write), 1U);
  EXPECT_EQ(disk.count(DiskCall::sync), 1U);
  for (const auto& answer : answers) ASSERT_TRUE(answer->has_value() && answer->value());
  EXPECT_THAT(fixture.read_topic("t"), SizeIs(100));
}

TEST_F(CommitterTest, PositionsFollowTheOrderOfSubmissionOverAllTopics) {
  const auto a = fixture.submit(LogFixture::append_of("a", {"1", "2"}));
  const auto b = fixture.submit(LogFixture::append_of("b", {"3"}));
  const auto c = fixture.submit(LogFixture::append_of("a", {"4"}));

  fixture.commit_all();

  EXPECT_LT((**a)->first, (**a)->last);
  EXPECT_LT((**a)->last, (**b)->first);
  EXPECT_LT((**b)->last, (**c)->first);
  EXPECT_THAT(datas_of(fixture.read_all({"**"})), ElementsAre("1", "2", "3", "4"));
}

TEST_F(CommitterTest, AQueueLongerThanATurnIsStoredInOrder) {
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back(std::to_string(i));
    fixture.submit(LogFixture::append_of("t", {expected.back()}));
  }
  disk.forget_calls();

  fixture.log().commit_waiting();
  EXPECT_LT(fixture.read_topic("t").size(), expected.size());
  fixture.keep_house();

  EXPECT_EQ(fixture.read_topic("t"), expected);
}

TEST_F(CommitterTest, AnAppendIsAllOrNothing) {
  ASSERT_TRUE(fixture.commit(with_given("t", {50})));

  const auto refused = fixture.commit(with_given("other", {60, 55}));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_THAT(fixture.read_all({"other"}), IsEmpty());
  EXPECT_FALSE(fixture.log().bounds("other"));
}

TEST_F(CommitterTest, GivenPositionsAreKeptWithTheirHolesAlsoAfterARestart) {
  ASSERT_TRUE(fixture.commit(with_given("t", {10, 20, 1000})));

  lose_power();

  const auto events = fixture.read_all({"t"});
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].position, Position{10});
  EXPECT_EQ(events[2].position, Position{1000});
  EXPECT_EQ(fixture.publish("t", "next")->last, Position{1001});
}

TEST_F(CommitterTest, AGivenPositionThatDoesNotRiseIsAConflict) {
  ASSERT_TRUE(fixture.commit(with_given("t", {10})));

  for (const uint64_t position : {10U, 9U, 1U}) {
    const auto refused = fixture.commit(with_given("t", {position}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
  }
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("10"));
}

TEST_F(CommitterTest, TheLastCheckpointOfEachSourceComesBackWithItsEvents) {
  for (const char* value : {"1", "2"}) {
    Append append = LogFixture::append_of("t", {value});
    append.checkpoint = Checkpoint{"db", value};
    ASSERT_TRUE(fixture.commit(std::move(append)));
  }
  Append alone;
  alone.checkpoint = Checkpoint{"feed", std::string("\0x", 2)};
  ASSERT_TRUE(fixture.commit(std::move(alone)));

  lose_power();

  EXPECT_EQ(fixture.log().checkpoint("db"), "2");
  EXPECT_EQ(fixture.log().checkpoint("feed"), std::string("\0x", 2));
  EXPECT_EQ(fixture.log().checkpoint("none"), std::nullopt);
}

TEST_F(CommitterTest, ACheckpointOfARefusedAppendIsNotTaken) {
  ASSERT_TRUE(fixture.commit(with_given("t", {10})));
  Append append = with_given("t", {5});
  append.checkpoint = Checkpoint{"db", "5"};

  EXPECT_FALSE(fixture.commit(std::move(append)));

  EXPECT_EQ(fixture.log().checkpoint("db"), std::nullopt);
}

TEST_F(CommitterTest, ARepeatIsAnsweredAsTheFirstWas) {
  const auto first = fixture.publish_once("t", "a", "key");
  fixture.clock.advance(std::chrono::minutes(5));

  const auto again = fixture.publish_once("t", "a", "key");

  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->repeat);
  EXPECT_TRUE(again->repeat);
  EXPECT_EQ(again->stored, 0U);
  EXPECT_EQ(again->last, first->last);
  EXPECT_EQ(again->stored_at, first->stored_at);
  EXPECT_EQ(again->id, "made-for-a");
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
}

TEST_F(CommitterTest, ARepeatInTheSameTurnIsAnsweredAfterTheSameSync) {
  const auto once = [] {
    Append append = LogFixture::append_of("t", {"a"});
    append.repeat = RepeatKey{.key = digest_of("key"), .body = digest_of("a")};
    return append;
  };
  const auto first = fixture.submit(once());
  const auto again = fixture.submit(once());

  fixture.log().commit_waiting();

  ASSERT_TRUE(first->has_value() && **first && again->has_value() && **again);
  EXPECT_TRUE((**again)->repeat);
  EXPECT_EQ((**again)->last, (**first)->last);
  EXPECT_THAT(fixture.read_topic("t"), SizeIs(1));
}

TEST_F(CommitterTest, OtherDataUnderAKnownKeyIsAConflict) {
  ASSERT_TRUE(fixture.publish_once("t", "a", "key"));

  const auto other = fixture.publish_once("t", "b", "key");

  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::conflict);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
}

TEST_F(CommitterTest, AKeyIsForgottenAfterADayAndNotBefore) {
  ASSERT_TRUE(fixture.publish_once("t", "a", "key"));
  fixture.clock.advance(std::chrono::hours(23));
  EXPECT_TRUE(fixture.publish_once("t", "a", "key")->repeat);
  fixture.clock.advance(std::chrono::hours(2));

  const auto anew = fixture.publish_once("t", "a", "key");

  ASSERT_TRUE(anew);
  EXPECT_FALSE(anew->repeat);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "a"));
}

TEST_F(CommitterTest, ARepeatIsFoundAfterAPowerLossAndAfterItsJournalWasSealed) {
  const auto first = fixture.publish_once("t", "a", "key");
  lose_power();
  EXPECT_TRUE(fixture.publish_once("t", "a", "key")->repeat);
  ASSERT_TRUE(fixture.seal());
  lose_power();

  const auto again = fixture.publish_once("t", "a", "key");

  ASSERT_TRUE(again);
  EXPECT_TRUE(again->repeat);
  EXPECT_EQ(again->last, first->last);
  EXPECT_EQ(again->id, "made-for-a");
}

TEST_F(CommitterTest, ARepeatIsFoundBeyondTheLifeOfItsEvent) {
  ASSERT_TRUE(fixture.publish_once("t", "a", "key"));
  ASSERT_TRUE(fixture.drop("t"));

  EXPECT_TRUE(fixture.publish_once("t", "a", "key")->repeat);
}

TEST_F(CommitterTest, ItemsOfABatchThatWereStoredBeforeAreLeftOutAndCounted) {
  ASSERT_TRUE(fixture.commit(with_item_ids("t", {"a"}, {"id-a"})));

  const auto mixed = fixture.commit(with_item_ids("t", {"a", "b"}, {"id-a", "id-b"}));
  const auto all = fixture.commit(with_item_ids("t", {"a", "b"}, {"id-a", "id-b"}));

  ASSERT_TRUE(mixed && all);
  EXPECT_EQ(mixed->stored, 1U);
  EXPECT_EQ(mixed->repeated, 1U);
  EXPECT_EQ(all->stored, 0U);
  EXPECT_EQ(all->repeated, 2U);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "b"));
}

TEST_F(CommitterTest, ABatchWithOneContradictoryItemIsRefusedWhole) {
  ASSERT_TRUE(fixture.commit(with_item_ids("t", {"a"}, {"id-a"})));

  const auto refused = fixture.commit(with_item_ids("t", {"new", "other"}, {"id-n", "id-a"}));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
}

TEST_F(CommitterTest, TwoItemsOfOneBatchWithOneIdAndOtherDataAreAConflict) {
  const auto refused = fixture.commit(with_item_ids("t", {"one", "two"}, {"same", "same"}));

  ASSERT_FALSE(refused) << "the second was dropped without a word";
  EXPECT_EQ(refused.error().code, Errc::conflict);
}

TEST_F(CommitterTest, MemoryEventsCauseNoSyncBesidesTheOneThatReservesPositions) {
  ASSERT_TRUE(fixture.publish("memory.m", "reserves"));
  disk.forget_calls();

  for (int i = 0; i < 100; ++i) {
    const auto answer = fixture.publish("memory.m", std::to_string(i));
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->durability, Durability::memory);
  }

  EXPECT_EQ(disk.count(DiskCall::sync), 0U);
  EXPECT_EQ(disk.count(DiskCall::write), 0U);
  EXPECT_THAT(fixture.read_topic("memory.m"), SizeIs(101));
}

TEST_F(CommitterTest, MemoryAndDiskEventsOfOneTurnAreSeenInOneOrder) {
  fixture.submit(LogFixture::append_of("memory.m", {"1"}));
  fixture.submit(LogFixture::append_of("d", {"2"}));
  fixture.submit(LogFixture::append_of("memory.m", {"3"}));
  fixture.submit(LogFixture::append_of("d", {"4"}));

  fixture.commit_all();

  EXPECT_THAT(datas_of(fixture.read_all({"**"})), ElementsAre("1", "2", "3", "4"));
}

TEST_F(CommitterTest, APositionShownInMemoryIsNeverGivenAgainAfterAPowerLoss) {
  Position shown;
  for (int i = 0; i < 10; ++i) shown = fixture.publish("memory.m", "x")->last;

  lose_power();
  const auto next = fixture.publish("t", "y");

  ASSERT_TRUE(next);
  EXPECT_GT(next->last, shown);
  EXPECT_GE(next->last, fixture.log().first_of_this_start());
  EXPECT_THAT(fixture.read_all({"memory.m"}), IsEmpty());
}

TEST_F(CommitterTest, PositionsStayReservedThroughASealAndTwoPowerLosses) {
  const Position shown = fixture.publish("memory.m", "x")->last;
  ASSERT_TRUE(fixture.seal());
  lose_power();
  lose_power();

  EXPECT_GT(fixture.publish("t", "y")->last, shown);
}

TEST_F(CommitterTest, AMemoryTopicKeepsTheNewestAndRaisesItsMark) {
  fixture.settings = [](std::string_view) {
    return TopicSettings{.durability = Durability::memory, .retention = {.count = 3}};
  };
  const Position first = fixture.publish("memory.m", "0")->last;
  for (const char* data : {"1", "2", "3", "4"}) ASSERT_TRUE(fixture.publish("memory.m", data));

  const auto through = fixture.read_through({"memory.m"}, first);

  EXPECT_THAT(datas_of(through.events), ElementsAre("2", "3", "4"));
  ASSERT_THAT(through.gaps, SizeIs(1));
  EXPECT_EQ(through.gaps[0].reason, MarkReason::expired);
}

TEST_F(CommitterTest, TheTopicAfterTheLastAllowedIsRefusedAndKnownOnesGoOn) {
  for (size_t made = 0; made < kTopicsMax; made += kBatchEventsMax) {
    Append append;
    for (size_t i = made; i < made + kBatchEventsMax; ++i)
      LogFixture::add_event(append, "memory." + std::to_string(i), "x");
    ASSERT_TRUE(fixture.commit(std::move(append)));
  }

  const auto refused = fixture.publish("memory.one-more", "x");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_many);
  EXPECT_TRUE(fixture.publish("memory.7", "y"));
  EXPECT_FALSE(fixture.log().bounds("memory.one-more"));
}

TEST_F(CommitterTest, WhatGoesBeyondTheWaitingBoundIsRefusedInItsTurn) {
  // Each is refused for its position when its turn comes, so that nothing of it is written.
  ASSERT_TRUE(fixture.commit(with_given("t", {100})));
  const std::string large(1 * kMiB, 'x');
  const auto oversized = [&] {
    Append append = LogFixture::append_of("t", {large});
    append.items[0].given = Position{1};
    return append;
  };
  std::vector<LogFixture::Answer> answers;
  for (size_t bytes = 0; bytes <= kAppendsWaitingBytesMax; bytes += large.size())
    answers.push_back(fixture.submit(oversized()));
  EXPECT_FALSE(answers.back()->has_value());

  for (size_t turn = 0; turn <= answers.size(); ++turn) fixture.log().commit_waiting();

  EXPECT_EQ((*answers.front())->error().code, Errc::conflict);
  EXPECT_EQ((*answers.back())->error().code, Errc::unavailable);
}

int publish_more_than_a_journal() {
  FakeDisk disk;
  LogFixture fixture(disk);
  if (!fixture.open()) return 2;
  const auto answer = fixture.publish("t", std::string(kEventBytesMax, 'x'));
  return answer ? 3 : 0;
}

// The smallest journal that the config takes is 1 MiB, and so is the largest event.
TEST(CommitterDeathTest, AnEventThatNoJournalCanHoldIsRefusedAndEndsNothing) {
  EXPECT_EXIT(std::_Exit(publish_more_than_a_journal()), testing::ExitedWithCode(0), "");
}

int publish_positions_far_apart() {
  FakeDisk disk;
  LogFixture fixture(disk);
  if (!fixture.open()) return 2;
  if (!fixture.commit(with_given("t", {10, 10 + (1ULL << 33)}))) return 3;
  if (!fixture.seal()) return 4;
  return fixture.read_all({"t", "other"}).size() == 2 ? 0 : 5;
}

TEST(CommitterDeathTest, GivenPositionsMayLieFurtherApartThanFourBillion) {
  EXPECT_EXIT(std::_Exit(publish_positions_far_apart()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace carillon
