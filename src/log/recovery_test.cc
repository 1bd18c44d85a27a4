#include "log/recovery.h"

#include <gmock/gmock.h>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Small frames take a page each, behind the header's.
constexpr uint64_t frame_at(uint64_t number) { return number * kFrameAlignment; }
constexpr uint64_t kRecordByte = kFrameHeaderBytes + 44;

class RecoveryTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  Position publish(std::string_view topic, std::string_view data) {
    const auto answer = fixture.publish(topic, data);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().detail);
    return answer ? answer->last : Position();
  }
  // Both copies of the journal's.
  void damage_headers() {
    disk.flip_bit(Journal::name_of(1), 10, 0);
    disk.flip_bit(Journal::name_of(1), kFrameAlignment / 2 + 10, 0);
  }
  void damage_frame(uint64_t number) {
    disk.flip_bit(Journal::name_of(1), frame_at(number) + kRecordByte, 3);
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(RecoveryTest, AnEmptyDirectoryBecomesALogThatKeepsItsEpoch) {
  const Epoch epoch = fixture.log().epoch();

  ASSERT_TRUE(fixture.open());

  EXPECT_NE(epoch, Epoch{0});
  EXPECT_EQ(fixture.log().epoch(), epoch);
  EXPECT_THAT(fixture.read_all({"**"}), IsEmpty());
}

TEST_F(RecoveryTest, AFrameTornByACrashIsDroppedAndTheEventsBeforeItSurvive) {
  publish("t", "a");
  publish("t", "b");
  publish("t", "c");
  fixture.close();
  for (const uint64_t kept : {0U, 1U, 7U, 63U, 64U, 65U, 100U, 104U}) {
    FakeDisk torn = disk.copy();
    std::string content = torn.content(Journal::name_of(1));
    const auto from = static_cast<std::ptrdiff_t>(frame_at(3) + kept);
    std::fill(content.begin() + from, content.end(), '\0');
    torn.put(Journal::name_of(1), content);
    LogFixture second(torn);

    ASSERT_TRUE(second.open()) << kept;

    EXPECT_THAT(second.read_topic("t"), ElementsAre("a", "b")) << kept;
    EXPECT_THAT(second.log().damages(), IsEmpty()) << kept;
    EXPECT_TRUE(second.publish("t", "d")) << kept;
    ASSERT_TRUE(second.open()) << kept;
    EXPECT_THAT(second.read_topic("t"), ElementsAre("a", "b", "d")) << kept;
  }
}

TEST_F(RecoveryTest, ATornLastWriteIsDroppedWhateverWasThereBefore) {
  publish("t", "a");
  publish("t", "b");
  disk.tear_last_write(/*bytes_kept=*/7);

  ASSERT_TRUE(fixture.open());

  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
  EXPECT_THAT(fixture.log().damages(), IsEmpty());
}

TEST_F(RecoveryTest, DamageInTheMiddleIsReportedByFileAndPositionAndNeverServed) {
  const Position a = publish("t", "a");
  const Position b = publish("t", "b");
  const Position c = publish("t", "c");
  damage_frame(2);

  ASSERT_TRUE(fixture.open());

  const auto damages = fixture.log().damages();
  ASSERT_THAT(damages, SizeIs(1));
  EXPECT_EQ(damages[0].file, Journal::name_of(1));
  EXPECT_EQ(damages[0].offset, frame_at(2));
  EXPECT_EQ(damages[0].after, a);
  EXPECT_EQ(damages[0].last, b);
  EXPECT_TRUE(fixture.logger.told(Severity::error, Journal::name_of(1)));
  const auto through = fixture.read_through({"t"});
  EXPECT_THAT(datas_of(through.events), ElementsAre("a", "c"));
  EXPECT_THAT(through.damage, SizeIs(1));
  EXPECT_THAT(fixture.read_through({"t"}, a).damage, SizeIs(1));
  EXPECT_THAT(fixture.read_through({"t"}, c).damage, IsEmpty());
}

TEST_F(RecoveryTest, AZeroedPageInTheMiddleIsDamageToo) {
  publish("t", "a");
  publish("t", "b");
  publish("t", "c");
  disk.zero_page(Journal::name_of(1), frame_at(2));

  ASSERT_TRUE(fixture.open());

  EXPECT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "c"));
}

TEST_F(RecoveryTest, DamageCoversAllThatWasLostWhenTheNextFrameMakesATopic) {
  publish("t", "a");
  const auto lost = fixture.commit(LogFixture::append_of("t", {"b1", "b2"}));
  publish("made-now", "c");
  damage_frame(2);

  ASSERT_TRUE(fixture.open());

  ASSERT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_EQ(fixture.log().damages()[0].last, lost->last);
  EXPECT_THAT(fixture.read_through({"t"}, lost->first).damage, SizeIs(1))
      << "a reader in front of b2 is told";
}

TEST_F(RecoveryTest, DamageCoversAllThatWasLostWhenTheNextFrameRaisesAMark) {
  publish("t", "a");
  const Position b = publish("t", "b");
  const Position c = publish("u", "c");
  ASSERT_TRUE(fixture.trim("t", b));
  publish("u", "d");
  disk.flip_bit(Journal::name_of(1), frame_at(3) + kRecordByte, 3);

  ASSERT_TRUE(fixture.open());

  ASSERT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_GE(fixture.log().damages()[0].last, c);
  EXPECT_THAT(fixture.read_through({"u"}, b).damage, SizeIs(1));
}

TEST_F(RecoveryTest, AnEventWhoseTopicsRecordIsLostIsNeverServedUnderAnotherName) {
  publish("t", "a");
  publish("u", "u1");
  publish("u", "u2");
  damage_frame(2);
  ASSERT_TRUE(fixture.open());
  EXPECT_THAT(fixture.log().damages(), SizeIs(1));

  publish("v", "v1");

  EXPECT_THAT(fixture.read_topic("v"), ElementsAre("v1"));
  for (const ReadEvent& event : fixture.read_all({"**"})) {
    EXPECT_TRUE(event.data != "u2" || event.topic == "u") << "u2 was served as " << event.topic;
  }
}

TEST_F(RecoveryTest, OneDamagedCopyOfAJournalsHeaderCostsNothing) {
  publish("t", "a");
  disk.flip_bit(Journal::name_of(1), 10, 0);

  ASSERT_TRUE(fixture.open());

  EXPECT_THAT(fixture.log().damages(), IsEmpty());
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
}

TEST_F(RecoveryTest, AJournalWhoseHeaderIsDamagedIsReportedToItsReaders) {
  publish("t", "a");
  publish("t", "b");
  damage_headers();

  ASSERT_TRUE(fixture.open());

  ASSERT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_EQ(fixture.log().damages()[0].file, Journal::name_of(1));
  publish("t", "c");
  EXPECT_THAT(fixture.read_through({"t"}).damage, SizeIs(1)) << "a and b are gone without a word";
}

TEST_F(RecoveryTest, PositionsOfAnUnreadableJournalAreNotGivenAgain) {
  publish("t", "a");
  const Position lost = publish("t", "b");
  damage_headers();
  ASSERT_TRUE(fixture.open());

  EXPECT_GT(publish("t", "c"), lost) << "a reader whose cursor is at b would never see c";
}

TEST_F(RecoveryTest, DamageStaysKnownAfterItsJournalIsSealed) {
  publish("t", "a");
  publish("t", "b");
  publish("t", "c");
  damage_frame(2);
  ASSERT_TRUE(fixture.open());
  ASSERT_TRUE(fixture.seal());

  ASSERT_TRUE(fixture.open());

  ASSERT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_EQ(fixture.log().damages()[0].file, Journal::name_of(1));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "c"));
}

TEST_F(RecoveryTest, WhatAnUnfinishedSealLeftIsRemovedAndEveryEventIsThereOnce) {
  publish("t", "a");
  publish("u", "b");
  FakeDisk sealed = disk.copy();
  LogFixture other(sealed);
  ASSERT_TRUE(other.open());
  ASSERT_TRUE(other.seal());
  const std::string segment = sealed.content(Segment::name_of(1));

  for (const size_t kept : {segment.size(), segment.size() / 2, size_t{0}}) {
    FakeDisk unfinished = disk.copy();
    unfinished.put(Segment::name_of(1), segment.substr(0, kept));
    for (const char* name : {"sealing", "writing", "filling"}) unfinished.put(name, "rest");
    LogFixture second(unfinished);

    ASSERT_TRUE(second.open());

    EXPECT_FALSE(unfinished.has(Segment::name_of(1)));
    EXPECT_FALSE(unfinished.has("sealing") || unfinished.has("writing"));
    EXPECT_THAT(second.log().damages(), IsEmpty());
    EXPECT_THAT(datas_of(second.read_all({"**"})), ElementsAre("a", "b"));
    ASSERT_TRUE(second.seal());
    EXPECT_EQ(second.log().stats().segments, 1U);
    EXPECT_THAT(datas_of(second.read_all({"t", "u"})), ElementsAre("a", "b"));
  }
}

TEST_F(RecoveryTest, AJournalThatASegmentReplacedIsRemovedAndNotReadAgain) {
  publish("t", "a");
  const std::string journal = disk.content(Journal::name_of(1));
  ASSERT_TRUE(fixture.seal());
  fixture.close();
  disk.put(Journal::name_of(1), journal);

  ASSERT_TRUE(fixture.open());

  EXPECT_FALSE(disk.has(Journal::name_of(1)));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
}

TEST_F(RecoveryTest, SparesAreFoundAgainAndNotFilledAnew) {
  publish("t", "a");
  fixture.keep_house();
  disk.forget_calls();

  ASSERT_TRUE(fixture.open());

  EXPECT_EQ(fixture.log().stats().spares, kSparesWanted);
  EXPECT_EQ(disk.count(DiskCall::rename), 0U);
  EXPECT_TRUE(fixture.publish("t", "b"));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a", "b"));
}

TEST_F(RecoveryTest, RecoveringTwiceIsRecoveringOnce) {
  for (int i = 0; i < 5; ++i) publish(i % 2 == 0 ? "even" : "odd", std::to_string(i));
  ASSERT_TRUE(fixture.seal());
  const Position kept = publish("odd", "kept");
  ASSERT_TRUE(fixture.trim("odd", kept));
  ASSERT_TRUE(fixture.drop("even"));
  publish("odd", "last");

  ASSERT_TRUE(fixture.open());
  const auto once = fixture.read_all({"**"});
  const auto end = fixture.log().durable_end();
  disk = disk.crash_hard();
  ASSERT_TRUE(fixture.open());

  EXPECT_EQ(fixture.read_all({"**"}), once);
  EXPECT_EQ(fixture.log().durable_end(), end);
  EXPECT_FALSE(fixture.log().bounds("even"));
  EXPECT_THAT(fixture.read_topic("odd"), ElementsAre("kept", "last"));
}

TEST_F(RecoveryTest, TheTimeOfStoringNeverFallsThroughARestartWithAClockSetBack) {
  const auto before = fixture.publish("t", "a")->stored_at;
  fixture.clock.step_wall(-std::chrono::hours(5));

  ASSERT_TRUE(fixture.open());

  EXPECT_GE(fixture.publish("t", "b")->stored_at, before);
}

TEST_F(RecoveryTest, EventsWithoutAnIdentityAreNotTakenForANewLog) {
  publish("t", "a");
  disk.take_away("identity");

  const auto opened = fixture.open();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST_F(RecoveryTest, OneDamagedCopyOfTheIdentityDoesNoHarmAndTwoAreSaid) {
  const Epoch epoch = fixture.log().epoch();
  disk.flip_bit("identity", 17, 2);
  ASSERT_TRUE(fixture.open());
  EXPECT_EQ(fixture.log().epoch(), epoch);

  disk.flip_bit("identity", kFrameAlignment + 17, 2);
  const auto opened = fixture.open();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

// A kill between write and sync: the kernel still has the frame, the disk does not.
TEST_F(RecoveryTest, WhatARecoveryServedSurvivesThePowerLossThatFollows) {
  publish("t", "a");
  disk.lie_about_sync(true);
  publish("t", "written, not synced");
  disk.lie_about_sync(false);
  ASSERT_TRUE(fixture.open());
  const auto served = fixture.read_topic("t");

  disk = disk.crash_hard();
  ASSERT_TRUE(fixture.open());

  EXPECT_EQ(fixture.read_topic("t"), served);
}

TEST_F(RecoveryTest, ADiskThatFailsDuringAnOpenIsSaidAndTheNextOpenFindsEverything) {
  publish("t", "a");
  ASSERT_TRUE(fixture.seal());
  publish("t", "b");
  fixture.close();
  for (uint64_t number = 1; number < 500; ++number) {
    FakeDisk failing = disk.copy();
    LogFixture second(failing);
    failing.fail_call(number, Errc::io);
    const bool opened = second.open().has_value();
    const bool untouched = failing.count() < number;
    failing.fail_call(0, Errc::io);

    ASSERT_TRUE(second.open()) << "behind failing call " << number;

    ASSERT_THAT(second.read_topic("t"), ElementsAre("a", "b")) << number;
    if (untouched) {
      EXPECT_TRUE(opened);
      return;
    }
  }
  FAIL() << "an open that makes 500 calls";
}

}  // namespace
}  // namespace carillon
