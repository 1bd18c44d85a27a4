#include "log/seal.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "log/recovery.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TopicSettings keep_everything(std::string_view) { return {}; }

// The state of a log as a start finds it, whose first journal is to be sealed.
struct Found {
  explicit Found(FakeDisk& on) : disk(on) {
    SeededRandom random{5};
    const auto recovered =
        recover(on, state, repeats, random, logger, keep_everything, RecoveryMode::open);
    EXPECT_TRUE(recovered) << recovered.error().detail;
    EXPECT_FALSE(state.journals.empty());
  }
  Result<Sealed> seal(uint64_t number = 1) {
    return seal_journal(disk, state, *state.journals.front(), number, logger, {});
  }

  FakeDisk& disk;
  FakeLogger logger;
  RepeatWindow repeats;
  LogState state;
};

class SealTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  Position publish(std::string_view topic, std::string_view data) {
    const auto done = fixture.publish(topic, data);
    EXPECT_TRUE(done);
    return done ? done->last : Position();
  }
  // The log is closed, and its journal sealed.
  Sealed seal() {
    fixture.close();
    found = std::make_unique<Found>(disk);
    auto sealed = found->seal();
    EXPECT_TRUE(sealed) << sealed.error().detail;
    return sealed ? std::move(*sealed) : Sealed();
  }
  // What the log holds for who opens it next.
  std::vector<ReadEvent> read_back(const std::vector<std::string>& patterns = {"**"}) {
    EXPECT_TRUE(fixture.open());
    return fixture.read_all(patterns);
  }
  TopicId id_of(std::string_view topic) { return found->state.topics.find(topic)->id; }

  FakeDisk disk;
  LogFixture fixture{disk};
  std::unique_ptr<Found> found;
};

TEST_F(SealTest, TheEventsOfAJournalLieSortedByTopicInTheSegment) {
  publish("a", "a1");
  const Position b1 = publish("b", "b1");
  publish("a", "a2");
  const Position b2 = publish("b", "b2");

  const auto sealed = seal();

  ASSERT_NE(sealed.segment, nullptr);
  EXPECT_FALSE(sealed.damaged);
  const SegmentFooter& footer = sealed.segment->footer();
  ASSERT_THAT(footer.runs, SizeIs(2));
  EXPECT_EQ(footer.runs[0].topic, id_of("a"));
  EXPECT_EQ(footer.runs[0].events, 2U);
  EXPECT_EQ(footer.runs[1].topic, id_of("b"));
  EXPECT_EQ(footer.runs[1].first, b1);
  EXPECT_EQ(footer.runs[1].last, b2);
  EXPECT_EQ(footer.runs[1].offset, footer.runs[0].offset + footer.runs[0].bytes);
  EXPECT_EQ(footer.journal_first, 1U);
  EXPECT_EQ(footer.journal_last, 1U);
  EXPECT_THAT(footer.names, UnorderedElementsAre(Pair(id_of("a"), "a"), Pair(id_of("b"), "b")));
}

TEST_F(SealTest, WhoOpensTheLogBehindASealReadsTheSame) {
  for (int i = 0; i < 50; ++i) publish("t" + std::to_string(i % 7), "event " + std::to_string(i));
  const auto before = fixture.read_all({"**"});
  const Epoch epoch = fixture.log().epoch();

  seal();

  EXPECT_EQ(read_back(), before);
  EXPECT_EQ(fixture.log().epoch(), epoch);
  EXPECT_EQ(fixture.log().stats().segments, 1U);
  EXPECT_THAT(fixture.log().damages(), IsEmpty());
}

TEST_F(SealTest, WhatLiesBelowAMarkIsLeftBehind) {
  publish("t", "removed");
  const Position kept = publish("t", "kept");
  ASSERT_TRUE(fixture.trim("t", kept));

  const auto sealed = seal();

  ASSERT_NE(sealed.segment, nullptr);
  ASSERT_THAT(sealed.segment->footer().runs, SizeIs(1));
  EXPECT_EQ(sealed.segment->footer().runs[0].events, 1U);
  EXPECT_EQ(sealed.segment->footer().first, kept);
  EXPECT_EQ(disk.content(Segment::name_of(1)).find("removed"), std::string::npos);
}

TEST_F(SealTest, ADeletedTopicIsNotInTheSegmentButItsMarkIsInTheState) {
  const Position gone = publish("gone", "x");
  publish("t", "y");
  ASSERT_TRUE(fixture.drop("gone"));

  const auto sealed = seal();

  ASSERT_NE(sealed.segment, nullptr);
  EXPECT_THAT(sealed.segment->footer().names, ElementsAre(Pair(id_of("t"), "t")));
  const auto stored =
      std::ranges::find(sealed.state.topics, std::string("gone"), &StoredTopic::name);
  ASSERT_NE(stored, sealed.state.topics.end());
  EXPECT_FALSE(stored->listed);
  EXPECT_EQ(stored->mark, gone);
  EXPECT_EQ(stored->mark_reason, MarkReason::deleted);
}

TEST_F(SealTest, AJournalInWhichNothingLivesMakesNoSegment) {
  const Position last = publish("gone", "x");
  ASSERT_TRUE(fixture.drop("gone"));

  const auto sealed = seal();

  EXPECT_EQ(sealed.segment, nullptr);
  EXPECT_FALSE(disk.has(Segment::name_of(1)));
  EXPECT_EQ(sealed.state.sealed_until, 1U);
  EXPECT_THAT(sealed.state.segments, IsEmpty());
  EXPECT_THAT(read_back(), IsEmpty());
  EXPECT_GT(publish("gone", "again"), last) << "no position is given twice";
}

TEST_F(SealTest, TheStateOnTheDiskIsWhatTheSealSays) {
  Append append = LogFixture::append_of("t", {"x"});
  append.checkpoint = Checkpoint{"db", "lsn-7"};
  const auto stored = fixture.commit(std::move(append));
  ASSERT_TRUE(stored);

  const auto sealed = seal();
  const auto state = read_state(disk);

  ASSERT_TRUE(state) << state.error().detail;
  EXPECT_EQ(state->number, 1U);
  EXPECT_EQ(state->sealed_until, 1U);
  EXPECT_EQ(state->last, stored->last);
  EXPECT_EQ(state->sequence, sealed.state.sequence);
  EXPECT_EQ(state->stored_at, stored->stored_at);
  EXPECT_THAT(state->checkpoints, ElementsAre(Pair("db", "lsn-7")));
  ASSERT_THAT(state->segments, SizeIs(1));
  EXPECT_EQ(state->segments[0],
            (StoredSegment{.id = 1, .first = stored->first, .last = stored->last}));
  ASSERT_THAT(state->topics, SizeIs(1));
  EXPECT_EQ(state->topics[0].name, "t");
  EXPECT_TRUE(state->topics[0].listed);
  EXPECT_EQ(state->topics[0].last, stored->last);
}

TEST_F(SealTest, PublishesThatAreRememberedGoIntoAFileOfTheirOwn) {
  ASSERT_TRUE(fixture.publish_once("t", "x", "key"));
  const auto last = fixture.publish_once("t", "y", "other");
  ASSERT_TRUE(last);

  const auto sealed = seal();

  EXPECT_EQ(sealed.newest_repeat, last->stored_at);
  const auto repeats = read_repeats(disk, 1);
  ASSERT_TRUE(repeats) << repeats.error().detail;
  for (const char* key : {"key", "other"})
    EXPECT_NE(std::ranges::find(*repeats, digest_of(key), &Repeat::key), repeats->end()) << key;
  read_back();
  EXPECT_TRUE(fixture.publish_once("t", "x", "key")->repeat);
}

TEST_F(SealTest, WithoutAnyThereIsNoSuchFile) {
  publish("t", "x");

  const auto sealed = seal();

  EXPECT_FALSE(sealed.newest_repeat);
  EXPECT_FALSE(disk.has(repeats_name(1)));
}

TEST_F(SealTest, AMemoryTopicLeavesNoTraceButItsReservation) {
  const Position shown = publish("memory.m", "x");
  publish("t", "y");

  const auto sealed = seal();

  ASSERT_THAT(sealed.state.topics, SizeIs(1));
  EXPECT_EQ(sealed.state.topics[0].name, "t");
  EXPECT_GE(sealed.state.reserved, shown);
  EXPECT_EQ(disk.content(Segment::name_of(1)).find("memory.m"), std::string::npos);
}

// --- damage

// Small frames take a page each, behind the header's; the byte lies in the frame's first record.
constexpr uint64_t byte_of_frame(uint64_t number) {
  return number * kFrameAlignment + kFrameHeaderBytes + kRecordHeaderBytes + 4;
}

TEST_F(SealTest, ARecordThatRottedSinceTheStartIsNotedAndTheRestIsSealed) {
  publish("t", "a");
  const Position b = publish("t", "b");
  const Position c = publish("t", "c");
  fixture.close();
  Found start(disk);
  disk.flip_bit(Journal::name_of(1), byte_of_frame(2), 3);

  const auto sealed = start.seal();

  ASSERT_TRUE(sealed) << sealed.error().detail;
  EXPECT_TRUE(sealed->damaged);
  ASSERT_NE(sealed->segment, nullptr);
  EXPECT_EQ(sealed->segment->footer().runs[0].events, 2U);
  EXPECT_EQ(sealed->segment->footer().last, c);
  ASSERT_THAT(start.state.damages, SizeIs(1));
  EXPECT_EQ(start.state.damages[0].file, Journal::name_of(1));
  EXPECT_EQ(start.state.damages[0].last, b);
  EXPECT_EQ(start.state.damages[0].topic, start.state.topics.find("t")->id);
  EXPECT_TRUE(start.logger.told(Severity::error, Journal::name_of(1)));
  EXPECT_TRUE(disk.has(Journal::name_of(1))) << "what could not be read is kept";
}

TEST_F(SealTest, DamageIsWrittenIntoTheStateSoThatReadersAreToldBehindARestart) {
  publish("t", "a");
  publish("t", "b");
  publish("t", "c");
  fixture.close();
  Found start(disk);
  disk.flip_bit(Journal::name_of(1), byte_of_frame(2), 3);
  ASSERT_TRUE(start.seal());

  ASSERT_TRUE(fixture.open());

  const auto through = fixture.read_through({"t"});
  EXPECT_THAT(datas_of(through.events), ElementsAre("a", "c"));
  ASSERT_THAT(through.damage, SizeIs(1));
  EXPECT_EQ(through.damage[0].file, Journal::name_of(1));
}

TEST_F(SealTest, WhenEveryRecordRottedThereIsNoSegmentAndEachOfThemIsNoted) {
  publish("t", "a");
  const Position last = publish("u", "b");
  fixture.close();
  Found start(disk);
  for (const IndexEntry& entry : start.state.journals.front()->entries())
    disk.flip_bit(Journal::name_of(1), entry.offset + kRecordHeaderBytes + 4, 3);

  const auto sealed = start.seal();

  ASSERT_TRUE(sealed) << sealed.error().detail;
  EXPECT_TRUE(sealed->damaged);
  EXPECT_EQ(sealed->segment, nullptr);
  EXPECT_THAT(start.state.damages, SizeIs(2));
  EXPECT_THAT(sealed->state.damages, SizeIs(2));
  EXPECT_EQ(sealed->state.last, last);  // its position is never given again
}

// --- failures

TEST_F(SealTest, ASealThatFailsAnywhereTakesNothingAway) {
  ASSERT_TRUE(fixture.publish_once("t", "a", "key"));
  publish("gone", "x");
  publish("u", "b");
  ASSERT_TRUE(fixture.drop("gone"));
  const auto before = fixture.read_all({"**"});
  fixture.close();
  bool sealed = false;
  for (uint64_t number = 1; !sealed && number < 100; ++number) {
    FakeDisk own = disk.copy();
    Found start(own);
    own.fail_call(number, Errc::io);

    sealed = start.seal().has_value();
    FakeDisk after = own.crash_hard();

    for (FakeDisk* left : {&own, &after}) {
      left->fail_call(0, Errc::io);
      LogFixture next(*left);
      ASSERT_TRUE(next.open()) << number;
      EXPECT_EQ(next.read_all({"**"}), before) << number;
      EXPECT_THAT(next.log().damages(), IsEmpty()) << number;
      EXPECT_TRUE(next.publish_once("t", "a", "key")->repeat) << number;
    }
  }
  EXPECT_TRUE(sealed) << "a small seal that makes a hundred calls";
}

TEST_F(SealTest, ASealOnAFullDiskSaysSoAndCanBeMadeAgain) {
  for (const char* topic : {"a", "b"}) publish(topic, "x");
  const auto before = fixture.read_all({"**"});
  fixture.close();
  Found start(disk);
  disk.set_capacity(disk.used_bytes());

  const auto refused = start.seal();
  disk.set_capacity(1ULL << 30);
  const auto sealed = start.seal();

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::full);
  EXPECT_TRUE(sealed) << sealed.error().detail;
  EXPECT_EQ(read_back(), before);
}

}  // namespace
}  // namespace carillon
