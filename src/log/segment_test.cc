#include "log/segment.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>

#include "base/limits.h"
#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// Content to be sealed, and the bytes it points into.
class ToSeal {
 public:
  explicit ToSeal(uint64_t id = 1) {
    content.id = id;
    content.journal_first = content.journal_last = id;
  }
  void add(uint32_t topic, uint64_t position, const std::string& data = "data") {
    Event event{.type = std::string(kDefaultType), .data = data};
    auto& record = records_.emplace_back();
    append_event_record(record, event, TopicId{topic}, "t");
    place_record(record.data(), Position{position}, WallTime(std::chrono::seconds(position)),
                 TopicId{topic});
    content.entries.push_back(
        {Position{position}, TopicId{topic}, static_cast<uint32_t>(record.size()), record.data()});
  }
  SealedContent content;

 private:
  std::deque<std::string> records_;
};

class SegmentTest : public testing::Test {
 protected:
  // `count` events, of which each third is on topic 2.
  void seal(uint64_t count) {
    ToSeal to_seal;
    for (uint64_t i = 1; i <= count; ++i) to_seal.add(i % 3 == 0 ? 2 : 1, i * 10);
    to_seal.content.names = {{TopicId{1}, "one"}, {TopicId{2}, "two"}};
    ASSERT_TRUE(write_segment(disk, std::move(to_seal.content), {}));
    ASSERT_TRUE(disk.sync_directory());
  }
  std::shared_ptr<Segment> opened() {
    auto segment = Segment::open(disk, 1);
    EXPECT_TRUE(segment) << (segment ? "" : segment.error().detail);
    return segment ? *segment : nullptr;
  }

  FakeDisk disk;
};

// Every order entry, block by block.
std::vector<OrderEntry> whole_order(const Segment& segment) {
  std::vector<OrderEntry> all;
  Position after;
  for (;;) {
    const auto entries = segment.order_behind(after);
    EXPECT_TRUE(entries);
    if (!entries || entries->empty()) return all;
    EXPECT_LE(entries->size(), kOrderBlockEntries);
    all.insert(all.end(), entries->begin(), entries->end());
    after = all.back().position;
  }
}

TEST_F(SegmentTest, NamesAreReadBackAndOthersAreNotTakenForThem) {
  EXPECT_EQ(Segment::name_of(12), "segment-0000000012");
  EXPECT_EQ(Segment::id_of("segment-0000000012"), 12U);
  for (const char* name : {"segment-", "segment-a", "journal-0000000001", "sealing"})
    EXPECT_EQ(Segment::id_of(name), 0U) << name;
}

TEST_F(SegmentTest, EachTopicsRunLiesTogetherAndHoldsItsEventsInOrder) {
  seal(300);
  const auto segment = opened();
  ASSERT_NE(segment, nullptr);

  const SegmentRun* one = segment->run_of(TopicId{1});
  const SegmentRun* two = segment->run_of(TopicId{2});

  ASSERT_TRUE(one != nullptr && two != nullptr);
  EXPECT_EQ(one->events, 200U);
  EXPECT_EQ(two->events, 100U);
  EXPECT_EQ(one->offset + one->bytes, two->offset);
  EXPECT_EQ(two->first, Position{30});
  EXPECT_EQ(two->last, Position{3000});
  EXPECT_THAT(one->sparse, SizeIs((200 + kSparseEvery - 1) / kSparseEvery));
  EXPECT_EQ(segment->run_of(TopicId{3}), nullptr);
  EXPECT_EQ(segment->footer().first, Position{10});
  EXPECT_EQ(segment->footer().last, Position{3000});
}

TEST_F(SegmentTest, EverySparseEntryPointsAtItsRecord) {
  seal(500);
  const auto segment = opened();
  for (const SegmentRun& run : segment->footer().runs) {
    for (const auto& [position, at] : run.sparse) {
      const auto head = read_exactly(segment->file(), run.offset + at, kRecordHeaderBytes);
      ASSERT_TRUE(head);
      RecordHeader header;
      parse_record_header(*head, header);
      EXPECT_EQ(header.position, position);
      EXPECT_EQ(header.topic, run.topic);
    }
  }
}

TEST_F(SegmentTest, TheOrderGoesThroughAllTopicsByPositionOverManyBlocks) {
  seal(kOrderBlockEntries * 2 + 100);
  const auto segment = opened();

  const auto order = whole_order(*segment);

  ASSERT_THAT(order, SizeIs(kOrderBlockEntries * 2 + 100));
  for (size_t i = 0; i < order.size(); ++i) {
    ASSERT_EQ(order[i].position, Position{(i + 1) * 10});
    ASSERT_EQ(order[i].topic, TopicId{(i + 1) % 3 == 0 ? 2U : 1U});
  }
}

TEST_F(SegmentTest, TheOrderBehindAPositionBeginsWithTheNextOne) {
  seal(kOrderBlockEntries + 10);
  const auto segment = opened();
  for (const uint64_t after : {0ULL, 5ULL, 10ULL, 19ULL, kOrderBlockEntries * 10ULL - 1,
                               kOrderBlockEntries * 10ULL, kOrderBlockEntries * 10ULL + 1}) {
    const auto entries = segment->order_behind(Position{after});
    ASSERT_TRUE(entries && !entries->empty()) << after;
    EXPECT_EQ(entries->front().position, Position{(after / 10 + 1) * 10}) << after;
  }
  EXPECT_THAT(*segment->order_behind(segment->footer().last), IsEmpty());
}

TEST_F(SegmentTest, ADamagedOrderBlockIsMadeAgainAsItWas) {
  seal(kOrderBlockEntries * 2 + 100);
  const auto before = whole_order(*opened());
  const uint64_t at = opened()->footer().order_offset;
  // One bit in each of the three blocks.
  for (const uint64_t block : {0U, 1U, 2U})
    disk.flip_bit(Segment::name_of(1), at + block * (kOrderBlockEntries * 16 + 4) + 9, 4);

  const auto after = whole_order(*opened());

  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    ASSERT_EQ(after[i].position, before[i].position);
    ASSERT_EQ(after[i].offset, before[i].offset);
    ASSERT_EQ(after[i].bytes, before[i].bytes);
    ASSERT_EQ(after[i].topic, before[i].topic);
  }
}

TEST_F(SegmentTest, AnUnfinishedWriteLeavesNothingUnderTheSegmentsName) {
  for (uint64_t number = 1; number < 20; ++number) {
    FakeDisk own;
    ToSeal to_seal;
    to_seal.add(1, 10);
    own.fail_call(number, Errc::io);
    const bool written = write_segment(own, std::move(to_seal.content), {}).has_value();
    if (written) return;
    EXPECT_FALSE(own.has(Segment::name_of(1))) << number;
  }
  FAIL() << "a small segment that makes twenty calls";
}

TEST_F(SegmentTest, ASegmentIsSyncedBeforeItTakesItsName) {
  seal(10);
  std::vector<DiskCall> order;
  for (const auto& asked : disk.asked()) order.push_back(asked.call);

  const auto synced = std::ranges::find(order, DiskCall::sync);
  const auto renamed = std::ranges::find(order, DiskCall::rename);

  EXPECT_LT(synced - order.begin(), renamed - order.begin());
  EXPECT_FALSE(disk.has_unsynced());
}

TEST_F(SegmentTest, ACutOrDamagedEndIsReportedByFile) {
  seal(10);
  const uint64_t bytes = disk.content(Segment::name_of(1)).size();
  for (const uint64_t kept : {uint64_t{0}, uint64_t{50}, bytes / 2, bytes - 1}) {
    FakeDisk own = disk.copy();
    own.truncate(Segment::name_of(1), kept);
    const auto segment = Segment::open(own, 1);
    ASSERT_FALSE(segment) << kept;
    EXPECT_EQ(segment.error().code, Errc::corrupt);
    EXPECT_NE(segment.error().detail.find(Segment::name_of(1)), std::string::npos);
  }
  for (uint64_t back = 1; back <= 200; ++back) {
    FakeDisk own = disk.copy();
    own.flip_bit(Segment::name_of(1), bytes - back, 2);
    EXPECT_FALSE(Segment::open(own, 1)) << back;
  }
}

TEST_F(SegmentTest, ASegmentUnderAnothersNameIsNotBelieved) {
  seal(3);
  ASSERT_TRUE(disk.rename(Segment::name_of(1), Segment::name_of(2)));

  EXPECT_FALSE(Segment::open(disk, 2));
}

TEST_F(SegmentTest, APunchedStretchIsNotedOnce) {
  seal(3);
  const auto segment = opened();

  EXPECT_TRUE(segment->mark_punched(64, 100));
  EXPECT_FALSE(segment->mark_punched(64, 100));
  EXPECT_TRUE(segment->mark_punched(64, 200));
}

}  // namespace
}  // namespace carillon
