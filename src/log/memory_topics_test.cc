#include "log/memory_topics.h"

#include <gmock/gmock.h>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MemoryTopic::Limits kThree{.events = 3, .bytes = 1000};

std::vector<uint64_t> positions(const MemoryTopic& topic) {
  std::vector<uint64_t> all;
  for (const auto& [position, record] : topic.records()) all.push_back(position.value);
  return all;
}

TEST(MemoryTopic, TheOldestGoFirstAndTheHighestRemovedIsTold) {
  MemoryTopic topic;
  for (uint64_t i = 1; i <= 3; ++i)
    EXPECT_EQ(topic.add(Position{i * 10}, "record", "", kThree), Position{0});

  EXPECT_EQ(topic.add(Position{40}, "record", "", kThree), Position{10});

  EXPECT_THAT(positions(topic), ElementsAre(20, 30, 40));
  EXPECT_EQ(topic.first(), Position{20});
  EXPECT_EQ(topic.events(), 3U);
}

TEST(MemoryTopic, TheLastEventOfAKeyOutlivesWhatIsSuperseded) {
  MemoryTopic topic;
  topic.add(Position{1}, "joined", "ann", kThree);
  topic.add(Position{2}, "joined", "bob", kThree);
  topic.add(Position{3}, "moved", "bob", kThree);

  const Position removed = topic.add(Position{4}, "moved", "bob", kThree);

  EXPECT_EQ(removed, Position{2});
  EXPECT_THAT(positions(topic), ElementsAre(1, 3, 4));
}

TEST(MemoryTopic, WhenEveryEventIsTheLastOfItsKeyTheOldestGoes) {
  MemoryTopic topic;
  for (uint64_t i = 1; i <= 4; ++i) topic.add(Position{i}, "x", "key-" + std::to_string(i), kThree);

  EXPECT_THAT(positions(topic), ElementsAre(2, 3, 4));
}

TEST(MemoryTopic, BytesAreBoundedTooButTheNewestStaysWhateverItsSize) {
  MemoryTopic topic;
  topic.add(Position{1}, std::string(600, 'a'), "", kThree);
  topic.add(Position{2}, std::string(600, 'b'), "", kThree);
  EXPECT_THAT(positions(topic), ElementsAre(2));

  topic.add(Position{3}, std::string(5000, 'c'), "", kThree);

  EXPECT_THAT(positions(topic), ElementsAre(3));
  EXPECT_EQ(topic.bytes(), 5000U);
}

TEST(MemoryTopic, RemovingUntilAMarkForgetsKeysToo) {
  MemoryTopic topic;
  topic.add(Position{1}, "a", "ann", kThree);
  topic.add(Position{2}, "b", "", kThree);
  topic.add(Position{3}, "c", "bob", kThree);

  topic.remove_until(Position{2});

  EXPECT_THAT(positions(topic), ElementsAre(3));
  EXPECT_EQ(topic.bytes(), 1U);
  topic.add(Position{4}, "d", "ann", kThree);
  topic.remove_until(Position{9});
  EXPECT_THAT(positions(topic), IsEmpty());
  EXPECT_EQ(topic.bytes(), 0U);
  EXPECT_EQ(topic.first(), Position{0});
}

}  // namespace
}  // namespace carillon
