#include "log/journal_index.h"

#include <gmock/gmock.h>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Positions 10, 20, … 60 on topics 1, 2, 1, 2, 1, 5.
JournalIndex index_of_six() {
  JournalIndex index(nullptr);
  uint64_t position = 0;
  for (const uint32_t topic : {1U, 2U, 1U, 2U, 1U, 5U}) {
    position += 10;
    index.add({Position{position}, position * 100, TopicId{topic}, 48});
  }
  return index;
}

TEST(JournalIndex, AnEmptyOneHasNothingAnywhere) {
  const JournalIndex index(nullptr);

  EXPECT_TRUE(index.empty());
  EXPECT_EQ(index.last(), Position{0});
  EXPECT_EQ(index.first_behind(Position{0}), 0U);
  EXPECT_THAT(index.of_topic(TopicId{3}), IsEmpty());
  EXPECT_EQ(index.first_behind(TopicId{3}, Position{0}), 0U);
}

TEST(JournalIndex, ATopicsEventsAreNumberedInOrder) {
  const auto index = index_of_six();

  EXPECT_THAT(index.of_topic(TopicId{1}), ElementsAre(0, 2, 4));
  EXPECT_THAT(index.of_topic(TopicId{5}), ElementsAre(5));
  EXPECT_THAT(index.of_topic(TopicId{4}), IsEmpty());
  EXPECT_THAT(index.of_topic(TopicId{0x80000001}), IsEmpty());
  EXPECT_EQ(index.last(), Position{60});
}

TEST(JournalIndex, BehindIsExclusive) {
  const auto index = index_of_six();

  EXPECT_EQ(index.first_behind(Position{0}), 0U);
  EXPECT_EQ(index.first_behind(Position{10}), 1U);
  EXPECT_EQ(index.first_behind(Position{15}), 1U);
  EXPECT_EQ(index.first_behind(Position{60}), 6U);
  EXPECT_EQ(index.first_behind(TopicId{1}, Position{10}), 1U);
  EXPECT_EQ(index.first_behind(TopicId{1}, Position{29}), 1U);
  EXPECT_EQ(index.first_behind(TopicId{1}, Position{50}), 3U);
}

TEST(JournalIndexDeathTest, APositionThatDoesNotRiseIsABug) {
  auto index = index_of_six();

  EXPECT_DEATH(index.add({Position{60}, 0, TopicId{1}, 48}), "position");
}

}  // namespace
}  // namespace carillon
