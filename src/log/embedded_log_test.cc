#include "log/embedded_log.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/limits.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A log whose threads the test plays.
class LogUnderTest {
 public:
  explicit LogUnderTest(FakeDisk& disk) : disk_(disk) { EXPECT_TRUE(open()); }

  Result<> open() {
    log.reset();
    TRY(log, EmbeddedLog::open(disk_, clock, random_, logger_, options()));
    return {};
  }

  Result<Appended> publish(const std::string& topic, const std::string& data,
                           const std::string& id = "", const std::string& repeat_key = "") {
    Append append = make(topic, {data}, id);
    if (!repeat_key.empty()) {
      append.repeat = RepeatKey{Digester().add(repeat_key).finish(), Digester().add(data).finish()};
    }
    return submit(std::move(append));
  }

  Result<Appended> submit(Append append) {
    Result<Appended> answer = fail(Errc::unavailable, "no answer");
    append.done = [&](Result<Appended> result) { answer = std::move(result); };
    std::vector<Append> appends;
    appends.push_back(std::move(append));
    log->append(std::move(appends));
    log->commit_waiting();
    return answer;
  }

  static Append make(const std::string& topic, const std::vector<std::string>& datas,
                     const std::string& id = "") {
    Append append;
    for (const auto& data : datas) {
      Event event;
      event.id = id.empty() ? "made" : id;
      event.source = "/test";
      event.type = kDefaultType;
      event.data = data;
      event.form = DataForm::text;
      AppendItem item{.topic = topic, .offset = static_cast<uint32_t>(append.records.size())};
      append_event_record(append.records, event, TopicId{}, topic);
      append.items.push_back(std::move(item));
    }
    return append;
  }

  std::vector<std::string> read(const std::string& pattern, Position after = {}) {
    std::vector<std::string> datas;
    ReadRequest request{.topics = log->select({*TopicPattern::parse(pattern)}),
                        .after = after,
                        .bytes_max = 400,
                        .events_max = 3};
    while (request.after < log->durable_end()) {
      const auto read = log->read(request);
      if (!read) return {"error: " + read.error().detail};
      for (const EventView& event : read->events) datas.emplace_back(event.data());
      EXPECT_GT(read->looked, request.after);
      request.after = read->looked;
    }
    return datas;
  }

  void trim(const std::string& topic, Position before) {
    log->trim(topic, before, [](const Result<>& done) { EXPECT_TRUE(done); });
    log->commit_waiting();
  }
  void drop(const std::string& topic) {
    log->drop(topic, [](const Result<>& done) { EXPECT_TRUE(done); });
    log->commit_waiting();
  }
  // Enough for the journal to be left, and sealed.
  void roll() {
    const std::string filler(200 * 1024, 'f');
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(publish("filler", filler));
      log->keep_house();
    }
  }

  static EmbeddedLog::Options options() {
    return {.settings_for =
                [](std::string_view topic) {
                  TopicSettings settings;
                  if (topic.starts_with("memory.")) settings.durability = Durability::memory;
                  if (topic.starts_with("three.")) settings.retention.count = 3;
                  if (topic.starts_with("hour.")) settings.retention.age = std::chrono::hours(1);
                  return settings;
                },
            .journal_bytes = kJournalBytesMin,
            .log_bytes_max = 1ULL << 30,
            .threads = EmbeddedLog::Threads::none};
  }

  FakeClock clock;
  std::unique_ptr<EmbeddedLog> log;

 private:
  FakeDisk& disk_;
  SeededRandom random_{7};
  NullLogger logger_;
};

TEST(EmbeddedLog, WhatIsPublishedIsReadBackInOrderBeforeAndAfterAKill) {
  FakeDisk disk;
  LogUnderTest first(disk);
  for (const char* data : {"a", "b", "c"}) ASSERT_TRUE(first.publish("t", data));
  ASSERT_TRUE(first.publish("u", "d"));

  FakeDisk after = disk.copy();
  LogUnderTest second(after);

  EXPECT_THAT(first.read("t"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(second.read("t"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(second.read("**"), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(second.log->epoch(), first.log->epoch());
}

TEST(EmbeddedLog, ManyAppendsOfOneTurnCostOneSync) {
  FakeDisk disk;
  LogUnderTest log(disk);
  ASSERT_TRUE(log.publish("t", "first"));
  const uint64_t before = disk.count(DiskCall::sync);

  int answered = 0;
  std::vector<Append> appends;
  for (int i = 0; i < 100; ++i) {
    appends.push_back(LogUnderTest::make("t", {"x"}));
    appends.back().done = [&](const Result<Appended>& result) { answered += result ? 1 : 0; };
  }
  log.log->append(std::move(appends));
  EXPECT_EQ(answered, 0) << "answered before the sync";
  log.log->commit_waiting();

  EXPECT_EQ(answered, 100);
  EXPECT_EQ(disk.count(DiskCall::sync), before + 1);
}

TEST(EmbeddedLog, SealedSegmentsAndJournalsReadAsOneLog) {
  FakeDisk disk;
  LogUnderTest log(disk);
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::to_string(i));
    ASSERT_TRUE(log.publish(i % 2 == 0 ? "a.even" : "a.odd", expected.back()));
    if (i % 60 == 59) log.roll();
  }

  EXPECT_GT(log.log->stats().segments, 1U);
  EXPECT_EQ(log.read("a.*"), expected);
  EXPECT_EQ(log.read("a.even").size(), 100U);
  EXPECT_EQ(log.read("a.odd").back(), "199");
}

TEST(EmbeddedLog, ARepeatIsStoredOnceAndAnsweredAsTheFirstAlsoAfterARestart) {
  FakeDisk disk;
  LogUnderTest log(disk);
  const auto first = log.publish("t", "a", "", "key");
  const auto again = log.publish("t", "a", "", "key");
  const auto other = log.publish("t", "b", "", "key");
  FakeDisk after = disk.copy();
  LogUnderTest second(after);
  const auto later = second.publish("t", "a", "", "key");

  ASSERT_TRUE(first && again && later);
  EXPECT_TRUE(again->repeat);
  EXPECT_EQ(again->last, first->last);
  EXPECT_TRUE(later->repeat);
  EXPECT_EQ(later->last, first->last);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::conflict);
  EXPECT_THAT(second.read("t"), ElementsAre("a"));
}

TEST(EmbeddedLog, ATrimKeepsTheEventItNamesAndNothingComesBackAfterARestart) {
  FakeDisk disk;
  LogUnderTest log(disk);
  ASSERT_TRUE(log.publish("t", "a"));
  const auto kept = log.publish("t", "b");
  ASSERT_TRUE(log.publish("t", "c"));

  log.trim("t", kept->last);
  FakeDisk after = disk.copy();
  LogUnderTest second(after);

  EXPECT_THAT(log.read("t"), ElementsAre("b", "c"));
  EXPECT_THAT(second.read("t"), ElementsAre("b", "c"));
}

TEST(EmbeddedLog, AReaderBelowAMarkIsToldOfTheGapOnceAndAnIdleTopicIsNot) {
  FakeDisk disk;
  LogUnderTest log(disk);
  const auto start = log.publish("idle", "i");
  ASSERT_TRUE(log.publish("t", "a"));
  const auto kept = log.publish("t", "b");
  log.trim("t", kept->last);

  ReadRequest request{.topics = log.log->select({*TopicPattern::parse("**")}),
                      .after = start->last,
                      .bytes_max = 1 << 20,
                      .events_max = 100};
  const auto first = log.log->read(request);
  request.told_marks = first->told_marks;
  const auto again = log.log->read(request);
  request.topics = log.log->select({*TopicPattern::parse("idle")});
  request.told_marks = 0;
  const auto idle = log.log->read(request);

  ASSERT_EQ(first->gaps.size(), 1U);
  EXPECT_EQ(first->gaps[0].name, "t");
  EXPECT_THAT(again->gaps, IsEmpty());
  EXPECT_THAT(idle->gaps, IsEmpty());
}

TEST(EmbeddedLog, ADeletedTopicGoesOnInTheLogsOrderWhenItIsMadeAgain) {
  FakeDisk disk;
  LogUnderTest log(disk);
  const auto old = log.publish("t", "old");
  log.drop("t");
  EXPECT_FALSE(log.log->bounds("t").has_value());
  const auto made = log.publish("t", "new");

  EXPECT_GT(made->last, old->last);
  EXPECT_THAT(log.read("t"), ElementsAre("new"));
}

TEST(EmbeddedLog, RetentionByCountAndAgeHoldsForSealedAndYoungEventsOfIdleTopics) {
  FakeDisk disk;
  LogUnderTest log(disk);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.publish("three.t", std::to_string(i)));
  ASSERT_TRUE(log.publish("hour.t", "old"));
  log.roll();
  log.clock.advance(std::chrono::hours(2));
  ASSERT_TRUE(log.publish("hour.t", "young"));
  log.clock.advance(std::chrono::seconds(2));
  log.log->keep_house();
  log.log->commit_waiting();

  EXPECT_THAT(log.read("three.t"), ElementsAre("2", "3", "4"));
  EXPECT_THAT(log.read("hour.t"), ElementsAre("young"));
}

TEST(EmbeddedLog, MemoryEventsNeverCauseASyncAndTheirPositionsAreNeverUsedTwice) {
  FakeDisk disk;
  LogUnderTest log(disk);
  ASSERT_TRUE(log.publish("memory.m", "reserves"));
  const uint64_t before = disk.count(DiskCall::sync);
  const auto last = log.publish("memory.m", "free");
  EXPECT_EQ(disk.count(DiskCall::sync), before);
  EXPECT_THAT(log.read("memory.m"), ElementsAre("reserves", "free"));

  FakeDisk after = disk.copy();
  LogUnderTest second(after);
  const auto next = second.publish("t", "x");

  EXPECT_GT(next->last, last->last);
  EXPECT_THAT(second.read("memory.m"), IsEmpty());
}

TEST(EmbeddedLog, AFailedSyncIsFinal) {
  FakeDisk disk;
  LogUnderTest log(disk);
  ASSERT_TRUE(log.publish("t", "a"));

  disk.fail_call(2, Errc::io);  // the write, then the sync
  const auto failed = log.publish("t", "b");
  const auto after = log.publish("t", "c");

  ASSERT_FALSE(failed);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Errc::io);
  EXPECT_TRUE(log.log->stats().failed);
  EXPECT_THAT(log.read("t"), ElementsAre("a"));
}

TEST(EmbeddedLog, AFullDiskRefusesPublishesGoesOnReadingAndHeals) {
  FakeDisk disk;
  LogUnderTest log(disk);
  const std::string large(200 * 1024, 'x');
  ASSERT_TRUE(log.publish("t", "kept"));
  disk.set_capacity(disk.used_bytes());
  Result<Appended> answer = Appended();
  for (int i = 0; i < 100 && answer; ++i) {
    answer = log.publish("t", large);
    log.clock.advance(std::chrono::seconds(2));
    log.log->keep_house();
  }
  ASSERT_FALSE(answer);
  EXPECT_EQ(log.publish("t", large).error().code, Errc::full);
  EXPECT_EQ(log.read("t").front(), "kept");

  disk.set_capacity(1ULL << 40);
  log.clock.advance(std::chrono::seconds(2));
  log.log->keep_house();

  EXPECT_TRUE(log.publish("t", "again"));
}

TEST(EmbeddedLog, ASecondLogFedFromTheFirstGoesOnBehindItsCheckpoint) {
  FakeDisk disk;
  FakeDisk copy_disk;
  LogUnderTest source(disk);
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    ASSERT_TRUE(source.publish("t", expected.back()));
  }

  FakeDisk living = copy_disk.copy();
  for (int round = 0; round < 4; ++round) {
    LogUnderTest copy(living);
    const auto checkpoint = copy.log->checkpoint("first").value_or("0");
    const auto read = source.log->read({.topics = source.log->select({*TopicPattern::parse("t")}),
                                        .after = Position{std::stoull(checkpoint)},
                                        .bytes_max = 1 << 20,
                                        .events_max = 7});
    Append append;
    for (const EventView& event : read->events) {
      auto one = LogUnderTest::make("t", {std::string(event.data())});
      one.items[0].given = event.position();
      one.items[0].offset = static_cast<uint32_t>(append.records.size());
      append.records += one.records;
      append.items.push_back(one.items[0]);
    }
    append.checkpoint = Checkpoint{"first", std::to_string(read->looked.value)};
    ASSERT_TRUE(copy.submit(std::move(append)));
    living = living.copy();
  }

  LogUnderTest copy(living);
  EXPECT_EQ(copy.read("t"), expected);
  EXPECT_EQ(copy.log->durable_end().value, source.log->durable_end().value);
}

}  // namespace
}  // namespace carillon
