#include "log/log_state.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace carillon {
namespace {

Damage damage_at(uint64_t offset, uint64_t position, TopicId topic = {}) {
  return {.file = "journal-0000000001",
          .offset = offset,
          .after = Position{position - 1},
          .last = Position{position},
          .topic = topic};
}

TEST(LogState, APlaceOfDamageIsNotedOnce) {
  LogState state;

  EXPECT_TRUE(note_damage(state, damage_at(8, 5)));
  EXPECT_FALSE(note_damage(state, damage_at(8, 5)));

  EXPECT_EQ(state.damages.size(), 1U);
}

TEST(LogState, MoreDamageThanCanBeToldApartBecomesOneStretchForAllTopics) {
  LogState state;
  for (uint64_t i = 1; i <= kDamagesMax + 10; ++i)
    note_damage(state, damage_at(i * 8, 10 + i, TopicId{3}));

  ASSERT_EQ(state.damages.size(), kDamagesMax);
  EXPECT_EQ(state.damages.back().last, Position{kDamagesMax + 20});
  EXPECT_EQ(state.damages.back().topic, TopicId());
}

TEST(LogState, DamageOfRemovedEventsIsForgotten) {
  LogState state;
  TopicRow& row = state.topics.add("t", {});
  note_damage(state, damage_at(8, 5, row.id));
  note_damage(state, damage_at(16, 9, row.id));

  state.topics.raise_mark(row, Position{5}, MarkReason::expired);
  prune_damages(state);

  ASSERT_EQ(state.damages.size(), 1U);
  EXPECT_EQ(state.damages[0].last, Position{9});
}

}  // namespace
}  // namespace carillon
