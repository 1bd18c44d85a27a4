#include "log/tail.h"

#include <gmock/gmock.h>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::shared_ptr<const Commit> commit_of(const std::vector<uint64_t>& positions, uint64_t end) {
  auto commit = std::make_shared<Commit>();
  std::vector<size_t> offsets;
  for (const uint64_t position : positions) {
    offsets.push_back(commit->frame.size());
    append_event_record(commit->frame, Event{.data = "x"}, TopicId{1}, "t");
    place_record(commit->frame.data() + offsets.back(), Position{position}, {}, TopicId{1});
  }
  for (const size_t offset : offsets)
    commit->events.emplace_back(commit->frame.data() + offset, "t");
  commit->durable_end = Position{end};
  return commit;
}

std::vector<uint64_t> behind(const Tail& tail, uint64_t after) {
  std::vector<uint64_t> found;
  EXPECT_TRUE(tail.for_each_behind(Position{after}, [&](const EventView& event) {
    found.push_back(event.position().value);
    return true;
  }));
  return found;
}

TEST(Tail, AnEmptyOneBeginsAndEndsWhereItWasMade) {
  const Tail tail(1000, Position{7});

  EXPECT_EQ(tail.start(), Position{7});
  EXPECT_EQ(tail.end(), Position{7});
  EXPECT_THAT(behind(tail, 0), IsEmpty());
}

TEST(Tail, EveryEventBehindACursorIsVisitedInOrder) {
  Tail tail(1'000'000, Position{1});
  tail.add(commit_of({2, 3}, 3));
  tail.add(commit_of({5}, 9));
  tail.add(commit_of({10, 20}, 20));

  EXPECT_THAT(behind(tail, 1), ElementsAre(2, 3, 5, 10, 20));
  EXPECT_THAT(behind(tail, 2), ElementsAre(3, 5, 10, 20));
  EXPECT_THAT(behind(tail, 5), ElementsAre(10, 20));
  EXPECT_THAT(behind(tail, 9), ElementsAre(10, 20));
  EXPECT_THAT(behind(tail, 20), IsEmpty());
  EXPECT_EQ(tail.end(), Position{20});
}

TEST(Tail, AVisitorThatHasEnoughEndsIt) {
  Tail tail(1'000'000, Position{1});
  tail.add(commit_of({2, 3, 4}, 4));
  int visited = 0;

  const bool to_the_end = tail.for_each_behind(Position{1}, [&](const EventView&) {
    ++visited;
    return visited < 2;
  });

  EXPECT_FALSE(to_the_end);
  EXPECT_EQ(visited, 2);
}

TEST(Tail, ACommitWithoutEventsMovesTheEndAlone) {
  Tail tail(1000, Position{1});

  tail.add(commit_of({}, 8));

  EXPECT_EQ(tail.end(), Position{8});
  EXPECT_EQ(tail.start(), Position{1});
  EXPECT_EQ(tail.bytes(), 0U);
}

TEST(Tail, TheOldestCommitsFallOffAndTheStartSaysWhere) {
  Tail tail(3000, Position{1});
  for (uint64_t i = 2; i < 100; ++i) tail.add(commit_of({i}, i));

  EXPECT_LE(tail.bytes(), 3000U);
  EXPECT_GT(tail.start(), Position{1});
  const auto kept = behind(tail, tail.start().value);
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.front(), tail.start().value + 1);
  EXPECT_EQ(kept.back(), 99U);
}

TEST(Tail, TheNewestCommitStaysWhateverItsSize) {
  Tail tail(1, Position{1});
  tail.add(commit_of({2}, 2));
  tail.add(commit_of({3, 4}, 4));

  EXPECT_THAT(behind(tail, 2), ElementsAre(3, 4));
  EXPECT_EQ(tail.start(), Position{2});
}

TEST(Tail, ACommitHeldByAReaderOutlivesTheTail) {
  Tail tail(1, Position{1});
  tail.add(commit_of({2}, 2));
  const auto held = tail.commits_behind(Position{1});
  tail.add(commit_of({3}, 3));

  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0]->events[0].position(), Position{2});
  EXPECT_THAT(tail.commits_behind(Position{3}), IsEmpty());
}

}  // namespace
}  // namespace carillon
