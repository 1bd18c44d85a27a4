#include "log/journal.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kBytes = 64 * kKiB;
constexpr uint64_t kNonce = 77;

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> filled(uint64_t id) {
    auto journal = Journal::fill(disk, id, kBytes, kNonce, {});
    EXPECT_TRUE(journal);
    return std::move(*journal);
  }
  static std::string frame(const Journal& journal, uint64_t sequence, size_t bytes = 100) {
    std::string out;
    begin_frame(out);
    out += std::string(bytes, 'r');
    finish_frame(out,
                 {.records = 1, .journal = journal.id(), .sequence = sequence, .last = Position{1}},
                 journal.nonce());
    return out;
  }
  static JournalScan scanned(const Journal& journal) {
    auto scan = scan_journal(journal);
    EXPECT_TRUE(scan);
    return scan.value_or(JournalScan());
  }

  FakeDisk disk;
};

TEST_F(JournalTest, NamesAreReadBackAndOthersAreNotTakenForThem) {
  EXPECT_EQ(Journal::name_of(7), "journal-0000000007");
  EXPECT_EQ(Journal::id_of("journal-0000000007"), 7U);
  for (const char* name : {"journal-", "journal-x", "journal-1x", "damaged-journal-0000000001",
                           "segment-0000000001", "journal-0000000000", ""}) {
    EXPECT_EQ(Journal::id_of(name), 0U) << name;
  }
}

TEST_F(JournalTest, AFilledJournalIsWholeOnTheDiskUnderItsNameAndEmpty) {
  filled(3);
  const FakeDisk after = disk.crash_hard();

  EXPECT_EQ(after.content(Journal::name_of(3)).size(), kBytes);
  disk = after.copy();
  const auto opened = Journal::open(disk, 3);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->bytes(), kBytes);
  EXPECT_EQ((*opened)->nonce(), kNonce);
  EXPECT_THAT(scanned(**opened).frames, IsEmpty());
  EXPECT_FALSE(scanned(**opened).torn);
}

TEST_F(JournalTest, AnInterruptedFillLeavesNothingUnderTheJournalsName) {
  for (uint64_t number = 1; number <= 6; ++number) {
    FakeDisk own;
    own.fail_call(number, Errc::io);
    const auto journal = Journal::fill(own, 3, kBytes, kNonce, {});
    if (journal) return;
    const FakeDisk after = own.crash_hard();
    EXPECT_FALSE(after.has(Journal::name_of(3))) << number;
  }
}

TEST_F(JournalTest, AnAppendIsOneWriteAndOneSyncAndOnlyThenDone) {
  const auto journal = filled(1);
  disk.forget_calls();

  ASSERT_TRUE(journal->append(frame(*journal, 1)));

  EXPECT_EQ(disk.count(DiskCall::write), 1U);
  EXPECT_EQ(disk.count(DiskCall::sync), 1U);
  EXPECT_EQ(disk.count(), 2U);
  EXPECT_EQ(journal->end(), 2 * kFrameAlignment);
  EXPECT_FALSE(disk.has_unsynced());
}

TEST_F(JournalTest, AFailedSyncLeavesTheEndWhereItWas) {
  const auto journal = filled(1);
  disk.refuse(DiskCall::sync, Errc::io);

  EXPECT_FALSE(journal->append(frame(*journal, 1)));

  EXPECT_EQ(journal->end(), kFrameAlignment);
}

TEST_F(JournalTest, AScanFindsEveryFrameAndWhereTheNextWouldGo) {
  const auto journal = filled(1);
  for (uint64_t sequence = 1; sequence <= 3; ++sequence)
    ASSERT_TRUE(journal->append(frame(*journal, sequence, sequence * 3000)));

  const auto scan = scanned(*journal);

  ASSERT_THAT(scan.frames, SizeIs(3));
  EXPECT_EQ(scan.frames[2].header.sequence, 3U);
  EXPECT_EQ(scan.end, journal->end());
  EXPECT_THAT(scan.damage, IsEmpty());
  EXPECT_FALSE(scan.torn);
}

TEST_F(JournalTest, ATornLastFrameIsATearAndADamagedEarlierOneIsDamage) {
  const auto journal = filled(1);
  for (uint64_t sequence = 1; sequence <= 3; ++sequence)
    ASSERT_TRUE(journal->append(frame(*journal, sequence)));
  disk.flip_bit(Journal::name_of(1), 2 * kFrameAlignment + 70, 0);
  const auto damaged = scanned(*journal);
  disk.flip_bit(Journal::name_of(1), 3 * kFrameAlignment + 70, 0);
  const auto torn = scanned(*journal);

  ASSERT_THAT(damaged.frames, SizeIs(2));
  ASSERT_THAT(damaged.damage, SizeIs(1));
  EXPECT_EQ(damaged.damage[0].offset, 2 * kFrameAlignment);
  EXPECT_EQ(damaged.damage[0].end, 3 * kFrameAlignment);
  EXPECT_FALSE(damaged.torn);
  EXPECT_THAT(torn.frames, SizeIs(1));
  EXPECT_TRUE(torn.torn);
  EXPECT_THAT(torn.damage, IsEmpty());
}

TEST_F(JournalTest, ARecycledFileShowsNothingOfItsFormerLife) {
  const auto journal = filled(1);
  for (uint64_t sequence = 1; sequence <= 5; ++sequence)
    ASSERT_TRUE(journal->append(frame(*journal, sequence)));

  const auto recycled = Journal::recycle(disk, *journal, 2, kNonce + 1, {});

  ASSERT_TRUE(recycled);
  EXPECT_FALSE(disk.has(Journal::name_of(1)));
  EXPECT_THAT(scanned(**recycled).frames, IsEmpty());
  EXPECT_FALSE(scanned(**recycled).torn);
  EXPECT_EQ((*recycled)->end(), kFrameAlignment);
  EXPECT_TRUE(Journal::open(disk, 2));
}

TEST_F(JournalTest, AForgedFrameInsideAnEventsDataIsNotFoundBehindADamagedOne) {
  const auto journal = filled(1);
  std::string inner = frame(*journal, 2);
  // What a publisher can know: everything but the nonce.
  FrameHeader header;
  parse_frame_header(inner, header);
  inner.resize(kFrameHeaderBytes + 100);
  finish_frame(inner, header, /*nonce=*/0);
  std::string outer;
  begin_frame(outer);
  outer.resize(kFrameAlignment, 'x');
  outer += inner;
  finish_frame(outer, {.records = 1, .journal = 1, .sequence = 1, .last = Position{1}}, kNonce);
  ASSERT_TRUE(journal->append(outer));
  disk.flip_bit(Journal::name_of(1), kFrameAlignment + 100, 0);

  EXPECT_THAT(scanned(*journal).frames, IsEmpty());
}

TEST_F(JournalTest, AFlippedBitInEachCopyOfTheHeaderIsReportedByName) {
  filled(1);
  for (uint64_t byte = 0; byte < 36; ++byte) {
    FakeDisk own = disk.copy();
    own.flip_bit(Journal::name_of(1), byte, static_cast<unsigned>(byte % 8));
    const auto by_the_other_copy = Journal::open(own, 1);
    own.flip_bit(Journal::name_of(1), kFrameAlignment / 2 + byte, 0);

    const auto opened = Journal::open(own, 1);

    EXPECT_TRUE(by_the_other_copy) << byte;
    ASSERT_FALSE(opened) << byte;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_NE(opened.error().detail.find(Journal::name_of(1)), std::string::npos);
  }
}

TEST_F(JournalTest, AJournalUnderAnothersNameIsNotBelieved) {
  filled(1);
  ASSERT_TRUE(disk.rename(Journal::name_of(1), Journal::name_of(2)));

  const auto opened = Journal::open(disk, 2);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST_F(JournalTest, AFileTooShortForAHeaderIsCorruptByName) {
  disk.put(Journal::name_of(1), "short");

  const auto opened = Journal::open(disk, 1);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace carillon
