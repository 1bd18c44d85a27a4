#include "log/topic_table.h"

#include <gmock/gmock.h>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TopicSettings kOnDisk{};
constexpr TopicSettings kInMemory{.durability = Durability::memory, .retention = {}};

std::vector<TopicPattern> patterns(std::initializer_list<std::string_view> texts) {
  std::vector<TopicPattern> all;
  for (const auto text : texts) all.push_back(*TopicPattern::parse(text));
  return all;
}

std::vector<std::string> names_of(const TopicSelection& selection) {
  std::vector<std::string> names;
  for (const TopicRow* row : selection.rows()) names.push_back(row->name);
  return names;
}

TEST(TopicTable, EachDurabilityHasNumbersOfItsOwn) {
  TopicTable table;
  const TopicId a = table.add("a", kOnDisk).id;
  const TopicId m = table.add("m", kInMemory).id;
  const TopicId b = table.add("b", kOnDisk).id;

  EXPECT_EQ(a, TopicId{1});
  EXPECT_EQ(b, TopicId{2});
  EXPECT_TRUE(is_memory_topic(m));
  EXPECT_FALSE(is_memory_topic(a));
  EXPECT_EQ(table.find(m)->name, "m");
  EXPECT_EQ(table.find(b)->name, "b");
  EXPECT_EQ(table.find("a")->id, a);
  EXPECT_EQ(table.find("none"), nullptr);
  EXPECT_EQ(table.find(TopicId{9}), nullptr);
  EXPECT_EQ(table.find(TopicId{0}), nullptr);
}

TEST(TopicTable, ANumberGivenByTheLogIsKeptAndTheNextIsHigher) {
  TopicTable table;
  table.add("recovered", kOnDisk, TopicId{7});

  EXPECT_EQ(table.find(TopicId{7})->name, "recovered");
  EXPECT_EQ(table.add("next", kOnDisk).id, TopicId{8});
}

TEST(TopicTable, RowsDoNotMoveWhenOthersCome) {
  TopicTable table;
  const TopicRow* first = &table.add("first", kOnDisk);
  for (int i = 0; i < 1000; ++i) table.add("t" + std::to_string(i), kOnDisk);

  EXPECT_EQ(table.find("first"), first);
  EXPECT_EQ(table.by_name().at("first"), first);
}

TEST(TopicTable, ListedTopicsAreCountedOnce) {
  TopicTable table;
  TopicRow& row = table.add("a", kOnDisk);
  table.set_listed(row, true);
  table.set_listed(row, true);
  EXPECT_EQ(table.listed(), 1U);

  table.set_listed(row, false);
  table.set_listed(row, false);

  EXPECT_EQ(table.listed(), 0U);
}

TEST(TopicTable, AMarkOnlyRises) {
  TopicTable table;
  TopicRow& row = table.add("a", kOnDisk);

  EXPECT_TRUE(table.raise_mark(row, Position{5}, MarkReason::deleted));
  EXPECT_FALSE(table.raise_mark(row, Position{5}, MarkReason::expired));
  EXPECT_FALSE(table.raise_mark(row, Position{4}, MarkReason::expired));

  EXPECT_EQ(row.mark, Position{5});
  EXPECT_EQ(row.mark_reason, MarkReason::deleted);
  EXPECT_EQ(table.mark_number(), 1U);
  EXPECT_EQ(row.mark_number, 1U);
}

TEST(TopicSelection, AnExactNameFindsItsTopicWheneverItComes) {
  TopicTable table;
  TopicSelection selection(patterns({"a.b"}));
  selection.refresh(table);
  EXPECT_THAT(selection.rows(), IsEmpty());
  table.add("a.c", kOnDisk);
  const TopicId id = table.add("a.b", kOnDisk).id;

  selection.refresh(table);
  selection.refresh(table);

  EXPECT_THAT(names_of(selection), ElementsAre("a.b"));
  EXPECT_TRUE(selection.contains(id));
  EXPECT_FALSE(selection.contains(TopicId{1}));
  ASSERT_NE(selection.single(), nullptr);
}

TEST(TopicSelection, PatternsTakeEachTopicOnceAsItComes) {
  TopicTable table;
  table.add("a.one", kOnDisk);
  TopicSelection selection(patterns({"a.*", "a.one", "*.two"}));
  selection.refresh(table);
  table.add("b.two", kInMemory);
  table.add("a.two", kOnDisk);
  table.add("c", kOnDisk);

  selection.refresh(table);
  selection.refresh(table);

  EXPECT_THAT(names_of(selection), ElementsAre("a.one", "b.two", "a.two"));
  EXPECT_TRUE(selection.has_memory_topics());
  EXPECT_EQ(selection.single(), nullptr);
}

TEST(TopicSelection, AMemoryTopicIsNotTakenForTheDiskTopicOfItsNumber) {
  TopicTable table;
  const TopicId disk = table.add("d", kOnDisk).id;
  const TopicId memory = table.add("m", kInMemory).id;
  TopicSelection selection(patterns({"m"}));

  selection.refresh(table);

  EXPECT_TRUE(selection.contains(memory));
  EXPECT_FALSE(selection.contains(disk));
}

}  // namespace
}  // namespace carillon
