#include "out/gap.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

constexpr Epoch kEpoch{36};  // `10` in base 36

TEST(Gap, ItsJsonNamesWhatWasAskedForWhyAndWhereItGoesOn) {
  const Gap gap{.requested = "10-5",
                .reason = "expired",
                .resumed = {kEpoch, Position{5}},
                .topics = {{"news", Position{9}}, {"quiet", {}}},
                .topics_total = 2};

  EXPECT_EQ(
      gap_json(gap),
      R"({"requested":"10-5","reason":"expired","resumed":"10-5","topics":[)"
      R"({"topic":"news","oldest":"10-9"},{"topic":"quiet","oldest":null}],"topics_total":2})");
  EXPECT_EQ("{" + gap_members(gap) + "}", gap_json(gap));
}

TEST(Gap, WhatAStrangerAskedForCannotForgeMembers) {
  const Gap gap{
      .requested = "\",\"reason\":\"none\n", .reason = "unknown", .resumed = {kEpoch, {}}};

  EXPECT_TRUE(
      gap_json(gap).starts_with(R"({"requested":"\",\"reason\":\"none\n","reason":"unknown")"))
      << gap_json(gap);
}

// What a reader at `after` is told.
std::vector<Gap> gaps_at(LogFixture& fixture, Position after, const std::string& pattern) {
  const Cursor cursor{fixture.log().epoch(), after};
  const auto read = fixture.log().read({.topics = fixture.log().select({pattern_of(pattern)}),
                                        .after = after,
                                        .bytes_max = kReadBytesMax,
                                        .events_max = 100});
  EXPECT_TRUE(read);
  return gaps_of(fixture.log(), *read, cursor);
}

class GapsOfALog : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture_.open()); }
  FakeDisk disk_;
  LogFixture fixture_{disk_};
};

TEST_F(GapsOfALog, ATrimmedTopicIsNamedWithItsOldestEvent) {
  const Position first = fixture_.publish("news", "one")->last;
  const Position second = fixture_.publish("news", "two")->last;
  ASSERT_TRUE(fixture_.trim("news", second));

  const auto gaps = gaps_at(fixture_, Position{first.value - 1}, "news");

  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].reason, "expired");
  EXPECT_EQ(gaps[0].resumed.after.value, first.value - 1);
  ASSERT_EQ(gaps[0].topics.size(), 1U);
  EXPECT_EQ(gaps[0].topics[0].name, "news");
  EXPECT_EQ(gaps[0].topics[0].oldest, second);
}

TEST_F(GapsOfALog, AReaderBehindTheMarkIsNotGappedAndAnIdleTopicNeverIs) {
  const Position first = fixture_.publish("news", "one")->last;
  const Position second = fixture_.publish("news", "two")->last;
  const Position idle = fixture_.publish("idle", "one")->last;
  ASSERT_TRUE(fixture_.trim("news", second));

  EXPECT_TRUE(gaps_at(fixture_, first, "news").empty());
  EXPECT_TRUE(gaps_at(fixture_, Position{idle.value - 1}, "idle").empty());
}

TEST_F(GapsOfALog, DeletionAndExpiryAreTwoGaps) {
  ASSERT_TRUE(fixture_.publish("old", "one"));
  const Position kept = fixture_.publish("old", "two")->last;
  ASSERT_TRUE(fixture_.publish("gone", "one"));
  ASSERT_TRUE(fixture_.trim("old", kept));
  ASSERT_TRUE(fixture_.drop("gone"));

  const auto gaps = gaps_at(fixture_, {}, "**");

  ASSERT_EQ(gaps.size(), 2U);
  EXPECT_EQ(gaps[0].reason, "expired");
  EXPECT_EQ(gaps[0].topics[0].name, "old");
  EXPECT_EQ(gaps[1].reason, "deleted");
  EXPECT_EQ(gaps[1].topics[0].name, "gone");
  EXPECT_EQ(gaps[1].topics[0].oldest, Position());
}

TEST_F(GapsOfALog, OfManyTopicsSomeAreNamedAndAllAreCounted) {
  constexpr size_t kTopics = kGapTopicsMax + 5;
  for (size_t i = 0; i < kTopics; ++i) {
    const auto topic = "t" + std::to_string(i);
    ASSERT_TRUE(fixture_.publish(topic, "one"));
    ASSERT_TRUE(fixture_.drop(topic));
  }

  const auto gaps = gaps_at(fixture_, {}, "**");

  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].topics.size(), kGapTopicsMax);
  EXPECT_EQ(gaps[0].topics_total, kTopics);
}

// A page goes on behind a gap, and meets the next trim before it has given anything.
TEST(AddGap, OfOneReasonThereIsOneGapThatSaysWhatIsTrueByNow) {
  std::vector<Gap> gaps = {
      {.reason = "expired", .topics = {{"a", Position{5}}}, .topics_total = 1}};

  add_gap(
      gaps,
      {.reason = "expired", .topics = {{"a", Position{9}}, {"b", Position{8}}}, .topics_total = 2});
  add_gap(gaps, {.reason = "damaged"});

  ASSERT_EQ(gaps.size(), 2U);
  ASSERT_EQ(gaps[0].topics.size(), 2U);
  EXPECT_EQ(gaps[0].topics[0].oldest, Position{9});
  EXPECT_EQ(gaps[0].topics[1].name, "b");
  EXPECT_EQ(gaps[0].topics_total, 2U);
  EXPECT_EQ(gaps[1].reason, "damaged");
}

}  // namespace
}  // namespace carillon
