// What the committer does when the disk fails or fills.
#include <gmock/gmock.h>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CommitterFailureTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture.open());
    ASSERT_TRUE(fixture.publish("t", "before"));
  }

  // Publishes until the full disk refuses.
  Result<Appended> fill_up() {
    const std::string large(100 * kKiB, 'x');
    Result<Appended> answer = Appended();
    for (int i = 0; i < 100 && answer; ++i) {
      answer = fixture.publish("large", large);
      fixture.keep_house();
    }
    return fixture.publish("large", large);
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(CommitterFailureTest, AFailedSyncIsSaidOnceAndIsFinal) {
  disk.refuse(DiskCall::sync, Errc::io);
  const auto failed = fixture.publish("t", "lost");
  disk.accept(DiskCall::sync);
  disk.forget_calls();

  const auto later = fixture.publish("t", "later");

  ASSERT_FALSE(failed);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Errc::io);
  EXPECT_THAT(fixture.failures, SizeIs(1));
  EXPECT_TRUE(fixture.log().stats().failed);
  EXPECT_FALSE(fixture.log().stats().accepting);
  EXPECT_EQ(disk.count(DiskCall::sync), 0U) << "a sync that failed is never called again";
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("before"));
}

TEST_F(CommitterFailureTest, AFailedWriteIsFinalToo) {
  disk.refuse(DiskCall::write, Errc::io);
  const auto failed = fixture.publish("t", "lost");
  disk.accept(DiskCall::write);

  EXPECT_FALSE(failed);
  EXPECT_FALSE(fixture.publish("t", "later"));
  EXPECT_THAT(fixture.failures, SizeIs(1));
}

TEST_F(CommitterFailureTest, EveryAppendOfTheFailedTurnIsRefused) {
  const auto disk_event = fixture.submit(LogFixture::append_of("t", {"a"}));
  const auto memory_event = fixture.submit(LogFixture::append_of("memory.m", {"b"}));
  disk.refuse(DiskCall::sync, Errc::io);

  fixture.commit_all();

  EXPECT_FALSE(**disk_event);
  EXPECT_FALSE(**memory_event);
  EXPECT_THAT(fixture.read_all({"**"}), SizeIs(1));
}

TEST_F(CommitterFailureTest, AKnownRepeatInTheFailedTurnIsStillAnsweredAsStored) {
  const auto first = fixture.publish_once("t", "a", "key");
  Append again = LogFixture::append_of("t", {"a"});
  again.repeat = RepeatKey{.key = digest_of("key"), .body = digest_of("a")};
  const auto lost = fixture.submit(LogFixture::append_of("t", {"b"}));
  const auto repeat = fixture.submit(std::move(again));
  disk.refuse(DiskCall::sync, Errc::io);

  fixture.commit_all();

  EXPECT_FALSE(**lost);
  ASSERT_TRUE(**repeat);
  EXPECT_EQ((**repeat)->last, first->last);
}

TEST_F(CommitterFailureTest, ARepeatOfAPublishWhoseSyncFailedIsNotAcknowledged) {
  disk.refuse(DiskCall::sync, Errc::io);
  ASSERT_FALSE(fixture.publish_once("t", "a", "key"));
  disk.accept(DiskCall::sync);

  const auto again = fixture.publish_once("t", "a", "key");

  EXPECT_FALSE(again) << "answered as stored at " << again->last.value << ", which never was";
}

TEST_F(CommitterFailureTest, AfterAFailedSyncMemoryEventsAreNotAcknowledgedEither) {
  ASSERT_TRUE(fixture.publish("memory.m", "seen"));
  disk.refuse(DiskCall::sync, Errc::io);
  ASSERT_FALSE(fixture.publish("t", "lost"));
  disk.accept(DiskCall::sync);

  const auto answer = fixture.publish("memory.m", "never seen");

  EXPECT_FALSE(answer) << "answered as visible, which it never was";
  EXPECT_THAT(fixture.read_topic("memory.m"), ElementsAre("seen"));
}

TEST_F(CommitterFailureTest, TrimsAndDropsAreRefusedAfterAFailedSync) {
  const Position kept = fixture.publish("t", "kept")->last;
  disk.refuse(DiskCall::sync, Errc::io);
  ASSERT_FALSE(fixture.publish("t", "lost"));
  disk.accept(DiskCall::sync);

  EXPECT_FALSE(fixture.trim("t", kept));
  EXPECT_FALSE(fixture.drop("t"));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("before", "kept"));
}

TEST_F(CommitterFailureTest, AFullDiskRefusesPublishesAsFullAndHealsByItself) {
  disk.set_capacity(disk.used_bytes());

  const auto refused = fill_up();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::full);
  EXPECT_FALSE(fixture.log().stats().accepting);
  EXPECT_FALSE(fixture.log().stats().failed);
  EXPECT_THAT(fixture.failures, IsEmpty());
  disk.set_capacity(1ULL << 30);
  fixture.keep_house();

  EXPECT_TRUE(fixture.publish("t", "after"));
  EXPECT_TRUE(fixture.log().stats().accepting);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("before", "after"));
}

TEST_F(CommitterFailureTest, AFullDiskStillReadsTrimsAndDrops) {
  const Position kept = fixture.publish("t", "kept")->last;
  disk.set_capacity(disk.used_bytes());
  ASSERT_FALSE(fill_up());

  EXPECT_TRUE(fixture.trim("t", kept));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("kept"));
  EXPECT_TRUE(fixture.drop("t"));
  EXPECT_THAT(fixture.read_topic("t"), IsEmpty());
}

TEST_F(CommitterFailureTest, AFullDiskGoesOnTakingMemoryEvents) {
  ASSERT_TRUE(fixture.publish("memory.m", "0"));
  disk.set_capacity(disk.used_bytes());
  ASSERT_FALSE(fill_up());

  EXPECT_TRUE(fixture.publish("memory.m", "1"));
  EXPECT_THAT(fixture.read_topic("memory.m"), ElementsAre("0", "1"));
}

TEST_F(CommitterFailureTest, AFullDiskStillTrimsAfterARestart) {
  const Position kept = fixture.publish("t", "kept")->last;
  disk.set_capacity(disk.used_bytes());
  ASSERT_FALSE(fill_up());
  ASSERT_TRUE(fixture.open());
  ASSERT_FALSE(fixture.publish("t", std::string(200 * kKiB, 'r')));

  const auto trimmed = fixture.trim("t", kept);

  EXPECT_TRUE(trimmed) << trimmed.error().detail;
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("kept"));
}

TEST_F(CommitterFailureTest, WhatARefusedPublishNamedIsNotThereAfterARestart) {
  disk.set_capacity(disk.used_bytes());
  ASSERT_FALSE(fill_up());
  ASSERT_FALSE(fixture.publish("new-topic", std::string(200 * kKiB, 'y')));
  disk.set_capacity(1ULL << 30);

  ASSERT_TRUE(fixture.open());

  EXPECT_FALSE(fixture.log().bounds("new-topic"));
}

TEST_F(CommitterFailureTest, APublishIsRefusedAsUnavailableWhileTheNextJournalIsFilled) {
  const std::string large(100 * kKiB, 'x');
  Result<Appended> answer = Appended();
  for (int i = 0; i < 100 && answer; ++i) answer = fixture.publish("large", large);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  fixture.keep_house();
  EXPECT_TRUE(fixture.publish("large", large));
}

}  // namespace
}  // namespace carillon
