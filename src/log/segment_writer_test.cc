// write_segment: what a segment's file holds. (Its header is segment.h.)
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>

#include "base/limits.h"
#include "log/segment_format.h"
#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

constexpr const char* kSealingName = "sealing";

WallTime time_of(Position position) { return WallTime(std::chrono::seconds(position.value)); }

// Content to be sealed, and the bytes that it points into.
class Content {
 public:
  explicit Content(uint64_t id = 1) {
    sealed_.id = sealed_.journal_first = sealed_.journal_last = id;
  }

  void add(uint32_t topic, uint64_t position, const std::string& data) {
    const Event event{.id = std::to_string(position), .data = data, .form = DataForm::text};
    auto& record = records_.emplace_back();
    append_event_record(record, event, TopicId{topic}, "t");
    place_record(record.data(), Position{position}, time_of(Position{position}), TopicId{topic});
    sealed_.entries.push_back(
        {Position{position}, TopicId{topic}, static_cast<uint32_t>(record.size()), record.data()});
    sealed_.stored_last = time_of(Position{position});
  }
  // By position, as they were added.
  const std::deque<std::string>& records() const { return records_; }
  const SealedContent& sealed() const { return sealed_; }

 private:
  SealedContent sealed_;
  std::deque<std::string> records_;
};

class SegmentWriterTest : public testing::Test {
 protected:
  std::shared_ptr<Segment> written(const Content& content, const Pace& pace = {}) {
    const auto wrote = write_segment(disk, content.sealed(), pace);
    EXPECT_TRUE(wrote) << wrote.error().detail;
    auto segment = Segment::open(disk, content.sealed().id);
    EXPECT_TRUE(segment) << segment.error().detail;
    return segment ? *segment : nullptr;
  }

  FakeDisk disk;
};

TEST_F(SegmentWriterTest, RecordsLieBehindTheHeaderByTopicThenPositionAndByteForByte) {
  Content content;
  content.add(7, 10, "seven-10");
  content.add(2, 11, "two-11");
  content.add(7, 12, "seven-12");
  content.add(2, 13, std::string("\0two\n13\xff", 8));
  const auto& records = content.records();

  ASSERT_NE(written(content), nullptr);

  const std::string expected = records[1] + records[3] + records[0] + records[2];
  EXPECT_EQ(disk.content(Segment::name_of(1)).substr(kSegmentHeaderBytes, expected.size()),
            expected);
}

TEST_F(SegmentWriterTest, TheFooterSaysWhereEachTopicLiesAndWhenItWasStored) {
  Content content(9);
  content.add(7, 10, "a");
  content.add(2, 11, "b");
  content.add(7, 12, "c");

  const auto segment = written(content);

  ASSERT_NE(segment, nullptr);
  const SegmentFooter& footer = segment->footer();
  EXPECT_EQ(footer.id, 9U);
  EXPECT_EQ(footer.first, Position{10});
  EXPECT_EQ(footer.last, Position{12});
  EXPECT_EQ(footer.stored_last, time_of(Position{12}));
  ASSERT_THAT(footer.runs, SizeIs(2));
  EXPECT_EQ(footer.runs[0].topic, TopicId{2});
  EXPECT_EQ(footer.runs[0].offset, kSegmentHeaderBytes);
  EXPECT_EQ(footer.runs[0].bytes, content.records()[1].size());
  const SegmentRun& seven = footer.runs[1];
  EXPECT_EQ(seven.events, 2U);
  EXPECT_EQ(seven.first, Position{10});
  EXPECT_EQ(seven.last, Position{12});
  EXPECT_EQ(seven.stored_first, time_of(Position{10}));
  EXPECT_EQ(seven.stored_last, time_of(Position{12}));
  EXPECT_EQ(seven.offset, footer.runs[0].offset + footer.runs[0].bytes);
  EXPECT_THAT(seven.sparse, ElementsAre(Pair(Position{10}, 0U)));
}

TEST_F(SegmentWriterTest, TheOrderSectionIsByPositionOverAllTopics) {
  Content content;
  for (uint64_t i = 1; i <= 200; ++i) content.add(static_cast<uint32_t>(1 + i % 5), i, "x");

  const auto segment = written(content);

  ASSERT_NE(segment, nullptr);
  const auto order = segment->order_behind({});
  ASSERT_TRUE(order);
  ASSERT_THAT(*order, SizeIs(200));
  const std::string file = disk.content(Segment::name_of(1));
  for (uint64_t i = 0; i < 200; ++i) {
    const OrderEntry& entry = (*order)[i];
    EXPECT_EQ(entry.position, Position{i + 1});
    EXPECT_EQ(file.substr(entry.offset, entry.bytes), content.records()[i]);
  }
  EXPECT_TRUE(segment->check_index());
}

TEST_F(SegmentWriterTest, ALargeOneIsSyncedInPiecesAndAtItsEnd) {
  Content content;
  for (uint64_t i = 1; i <= 12; ++i) content.add(1, i, std::string(900 * kKiB, 'x'));

  ASSERT_NE(written(content), nullptr);

  uint64_t unsynced = 0;
  for (const auto& asked : disk.asked()) {
    if (asked.call == DiskCall::write) unsynced += asked.bytes;
    if (asked.call == DiskCall::sync) unsynced = 0;
    EXPECT_LE(unsynced, 8 * kMiB) << "no commit's sync waits behind a whole segment";
    if (asked.call == DiskCall::rename) EXPECT_EQ(unsynced, 0U);
  }
  EXPECT_GE(disk.count(DiskCall::sync), 2U);
}

TEST_F(SegmentWriterTest, TheWriterIsPacedByWhatItWrote) {
  Content content;
  for (uint64_t i = 1; i <= 4; ++i) content.add(1, i, std::string(900 * kKiB, 'x'));
  uint64_t paced = 0;
  uint64_t most = 0;

  const auto segment = written(content, [&](uint64_t bytes) {
    paced += bytes;
    most = std::max(most, bytes);
  });

  ASSERT_NE(segment, nullptr);
  EXPECT_EQ(paced, segment->file_bytes());
  EXPECT_LE(most, 2 * kMiB);
}

TEST_F(SegmentWriterTest, WhatAnEarlierFailureLeftIsWrittenOver) {
  disk.put(kSealingName, std::string(64 * kKiB, 'x'));
  Content content;
  content.add(1, 10, "fresh");

  const auto segment = written(content);

  ASSERT_NE(segment, nullptr);
  EXPECT_LT(segment->file_bytes(), 64 * kKiB);
  EXPECT_FALSE(disk.has(kSealingName));
}

TEST_F(SegmentWriterTest, AFailureAnywhereIsPassedOnAndWhatItSaidBeforeIsTrue) {
  Content content;
  for (uint64_t i = 1; i <= 3; ++i) content.add(1, i, "x");
  bool whole = false;
  for (uint64_t number = 1; !whole && number < 50; ++number) {
    FakeDisk own;
    own.fail_call(number, Errc::full);

    const auto wrote = write_segment(own, content.sealed(), {});

    whole = wrote.has_value();
    if (!whole) {
      EXPECT_EQ(wrote.error().code, Errc::full) << number;
      EXPECT_FALSE(own.has(Segment::name_of(1))) << number;
    }
  }
  EXPECT_TRUE(whole) << "a small segment that makes fifty calls";
}

}  // namespace
}  // namespace carillon
