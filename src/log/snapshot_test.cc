#include "log/snapshot.h"

#include <gmock/gmock.h>

#include "testing/log_fixture.h"
#include "testing/temporary_directory.h"

namespace carillon {
namespace {

using testing::ElementsAre;

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  // The snapshot in `to`, restored into a disk of its own and opened.
  void restore() {
    auto from = PosixDisk::open_directory(to(), PosixDisk::Lock::none);
    ASSERT_TRUE(from);
    const auto epoch = restore_snapshot(**from, restored_disk, random);
    ASSERT_TRUE(epoch) << epoch.error().detail;
    ASSERT_TRUE(restored.open());
    EXPECT_EQ(restored.log().epoch(), *epoch);
  }
  std::string to() const { return directory.of("snapshot"); }

  TemporaryDirectory directory;
  FakeDisk disk;
  LogFixture fixture{disk};
  FakeDisk restored_disk;
  LogFixture restored{restored_disk};
  SeededRandom random{99};
};

TEST_F(SnapshotTest, ARestoredLogHoldsWhatTheFirstHeldUnderANewEpoch) {
  ASSERT_TRUE(fixture.publish_once("t", "sealed", "key"));
  ASSERT_TRUE(fixture.publish("gone", "x"));
  ASSERT_TRUE(fixture.seal());
  ASSERT_TRUE(fixture.drop("gone"));
  const Position kept = fixture.publish("trimmed", "1")->last;
  const Position last = fixture.publish("trimmed", "2")->last;
  ASSERT_TRUE(fixture.trim("trimmed", last));
  Append append = LogFixture::append_of("t", {"young"});
  append.checkpoint = Checkpoint{"db", "7"};
  ASSERT_TRUE(fixture.commit(std::move(append)));

  ASSERT_TRUE(fixture.log().snapshot(to()));
  restore();

  EXPECT_EQ(restored.read_all({"**"}), fixture.read_all({"**"}));
  EXPECT_NE(restored.log().epoch(), fixture.log().epoch());
  EXPECT_FALSE(restored.log().bounds("gone"));
  EXPECT_THAT(restored.read_topic("trimmed"), ElementsAre("2"));
  EXPECT_EQ(restored.read_through({"trimmed"}).gaps[0].mark, kept);
  EXPECT_EQ(restored.log().checkpoint("db"), "7");
  EXPECT_TRUE(restored.publish_once("t", "sealed", "key")->repeat);
  EXPECT_TRUE(restored.log().damages().empty());
}

TEST_F(SnapshotTest, WhatIsPublishedLaterIsNotInItAndBothGoOn) {
  ASSERT_TRUE(fixture.publish("t", "before"));
  ASSERT_TRUE(fixture.log().snapshot(to()));
  ASSERT_TRUE(fixture.publish("t", "after"));

  restore();

  EXPECT_THAT(restored.read_topic("t"), ElementsAre("before"));
  EXPECT_TRUE(restored.publish("t", "elsewhere"));
  restored.keep_house();
  ASSERT_TRUE(restored.open());
  EXPECT_THAT(restored.read_topic("t"), ElementsAre("before", "elsewhere"));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("before", "after"));
}

TEST_F(SnapshotTest, PositionsShownInMemoryAreNotGivenAgainByTheRestoredLog) {
  const Position shown = fixture.publish("memory.m", "x")->last;
  ASSERT_TRUE(fixture.log().snapshot(to()));

  restore();

  EXPECT_GT(restored.publish("t", "y")->last, shown);
}

TEST_F(SnapshotTest, ASegmentWithHolesIsCopiedWithoutItsDeadEvents) {
  const std::string large(100 * kKiB, 'x');
  ASSERT_TRUE(fixture.publish("dead", large));
  ASSERT_TRUE(fixture.publish("t", "alive"));
  ASSERT_TRUE(fixture.seal());
  ASSERT_TRUE(fixture.drop("dead"));
  fixture.keep_house();
  ASSERT_GE(disk.count(DiskCall::punch), 1U);

  ASSERT_TRUE(fixture.log().snapshot(to()));
  restore();

  EXPECT_THAT(restored.read_topic("t"), ElementsAre("alive"));
  EXPECT_TRUE(restored.read_all({"dead"}).empty());
  EXPECT_TRUE(restored.log().damages().empty());
}

TEST_F(SnapshotTest, ALogWithoutAnEventCanBeRestored) {
  ASSERT_TRUE(fixture.log().snapshot(to()));

  restore();

  EXPECT_TRUE(restored.publish("t", "first"));
}

TEST_F(SnapshotTest, ADirectoryThatHoldsSomethingIsRefused) {
  ASSERT_TRUE(fixture.log().snapshot(to()));

  const auto again = fixture.log().snapshot(to());

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::conflict);
}

TEST_F(SnapshotTest, ARestoreIntoALogOrFromNoSnapshotIsRefused) {
  ASSERT_TRUE(fixture.log().snapshot(to()));
  auto from = PosixDisk::open_directory(to(), PosixDisk::Lock::none);
  ASSERT_TRUE(from);
  FakeDisk empty;
  FakeDisk target;

  const auto into_a_log = restore_snapshot(**from, disk, random);
  const auto from_nothing = restore_snapshot(empty, target, random);

  ASSERT_FALSE(into_a_log);
  EXPECT_EQ(into_a_log.error().code, Errc::conflict);
  ASSERT_FALSE(from_nothing);
  EXPECT_EQ(from_nothing.error().code, Errc::not_found);
}

TEST_F(SnapshotTest, ARestoreThatFailsAnywhereIsNeverTakenForAWholeLog) {
  ASSERT_TRUE(fixture.publish("t", "a"));
  ASSERT_TRUE(fixture.seal());
  ASSERT_TRUE(fixture.log().snapshot(to()));
  auto from = PosixDisk::open_directory(to(), PosixDisk::Lock::none);
  ASSERT_TRUE(from);
  for (uint64_t number = 1; number < 200; ++number) {
    FakeDisk target;
    target.fail_call(number, Errc::full);
    const bool whole = restore_snapshot(**from, target, random).has_value();
    if (whole) return;
    target.fail_call(0, Errc::full);
    LogFixture opened(target);
    // Before the first file was copied it is an empty directory; later it is no log.
    if (opened.open()) {
      EXPECT_TRUE(opened.read_all({"**"}).empty() || opened.read_topic("t").size() == 1) << number;
    }
  }
  FAIL() << "a restore of 200 calls";
}

}  // namespace
}  // namespace carillon
