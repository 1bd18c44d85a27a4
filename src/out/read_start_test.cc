#include "out/read_start.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using Kind = AfterOption::Kind;

class ReadStartTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture_.open());
    begin_hub();
  }
  void begin_hub() {
    hub_ = std::make_unique<LocalHub>(fixture_.log(), pool_.pool(), mail_.post(), kMiB);
  }
  // The process ends and comes back.
  void restart() {
    hub_.reset();
    ASSERT_TRUE(fixture_.open());
    begin_hub();
  }
  Position publish(std::string_view topic, std::string_view data) {
    const auto done = fixture_.publish(topic, data);
    EXPECT_TRUE(done);
    mail_.run_all();
    return done->last;
  }

  AfterOption at(Position position) const {
    AfterOption after{.kind = Kind::cursor};
    after.cursor = {hub_->epoch(), position};
    after.text = after.cursor.text();
    return after;
  }
  static AfterOption of(Kind kind) { return {.kind = kind}; }
  std::optional<ReadStart> at_once(const AfterOption& after) const {
    return start_at_once(*hub_, after, topics_, memory_patterns_);
  }
  ReadStart resolved(const AfterOption& after, const Filter& filter = {}) {
    auto start = resolve_start(fixture_.log(), fixture_.log().select(topics_), filter, after,
                               topics_, memory_patterns_);
    EXPECT_TRUE(start);
    return start ? std::move(*start) : ReadStart();
  }

  FakeDisk disk_;
  LogFixture fixture_{disk_};
  PlayedMail mail_;
  HeldPool pool_;
  std::unique_ptr<LocalHub> hub_;
  std::vector<TopicPattern> topics_ = {pattern_of("news")};
  std::vector<TopicPattern> memory_patterns_ = {pattern_of("memory.*")};
};

TEST_F(ReadStartTest, WhatNeedsNoLookIsSaidAtOnce) {
  const Position last = publish("news", "one");

  EXPECT_EQ(at_once(of(Kind::now))->after, last);
  EXPECT_EQ(at_once(of(Kind::absent))->after, last);
  EXPECT_EQ(at_once(of(Kind::first))->after, kBeforeEverything);
  EXPECT_EQ(at_once(at(last))->after, last);
  EXPECT_EQ(at_once(at({}))->after, kBeforeEverything);
}

TEST_F(ReadStartTest, FromNowOnIsBehindEveryAcknowledgedEventEvenIfTheLoopHasNotHeardOfIt) {
  const auto done = fixture_.publish("news", "one");  // still in the loop's mail

  EXPECT_EQ(at_once(of(Kind::now))->after, done->last);
}

TEST_F(ReadStartTest, WhatNeedsALookIsNotSaidAtOnce) {
  publish("news", "one");

  EXPECT_FALSE(at_once(of(Kind::newest)));
  EXPECT_FALSE(at_once(of(Kind::time)));
}

TEST_F(ReadStartTest, ACursorOfAnotherEpochBeginsAgainAndIsToldSo) {
  publish("news", "one");
  AfterOption after = at(Position{1});
  after.cursor.epoch.value += 1;
  after.text = after.cursor.text();

  for (const ReadStart& start : {*at_once(after), resolved(after)}) {
    EXPECT_EQ(start.after, kBeforeEverything);
    ASSERT_EQ(start.gaps.size(), 1U);
    EXPECT_EQ(start.gaps[0].reason, "epoch");
    EXPECT_EQ(start.gaps[0].requested, after.text);
    EXPECT_EQ(start.gaps[0].resumed, (Cursor{hub_->epoch(), kBeforeEverything}));
  }
}

TEST_F(ReadStartTest, AnIdThatIsNoCursorBeginsAgainAndIsToldSo) {
  const AfterOption after{.kind = Kind::unknown, .text = "what"};

  for (const ReadStart& start : {*at_once(after), resolved(after)}) {
    EXPECT_EQ(start.after, kBeforeEverything);
    ASSERT_EQ(start.gaps.size(), 1U);
    EXPECT_EQ(start.gaps[0].reason, "unknown");
    EXPECT_EQ(start.gaps[0].requested, "what");
  }
}

TEST_F(ReadStartTest, ACursorBeyondTheEndIsUnknown) {
  const Position last = publish("news", "one");
  const AfterOption after = at(Position{last.value + 1});

  EXPECT_FALSE(at_once(after));
  const ReadStart start = resolved(after);

  EXPECT_EQ(start.after, kBeforeEverything);
  ASSERT_EQ(start.gaps.size(), 1U);
  EXPECT_EQ(start.gaps[0].reason, "unknown");
}

TEST_F(ReadStartTest, AfterEpochAndUnknownNoExpiredGapFollows) {
  publish("news", "one");
  const Position two = publish("news", "two");
  ASSERT_TRUE(fixture_.trim("news", two));
  mail_.run_all();

  const ReadStart start = resolved({.kind = Kind::unknown, .text = "what"});
  const auto read = fixture_.log().read({.topics = fixture_.log().select(topics_),
                                         .after = start.after,
                                         .bytes_max = kReadBytesMax,
                                         .events_max = 10,
                                         .told_marks = start.told_marks});

  EXPECT_EQ(start.gaps.size(), 1U);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->gaps.empty());
}

TEST_F(ReadStartTest, ACursorThatAMarkHasPassedIsToldOfIt) {
  const Position one = publish("news", "one");
  const Position two = publish("news", "two");
  ASSERT_TRUE(fixture_.trim("news", two));
  mail_.run_all();

  EXPECT_FALSE(at_once(at(Position{one.value - 1}))) << "the log must be asked";
  const ReadStart gapped = resolved(at(Position{one.value - 1}));
  const ReadStart whole = resolved(at(one));

  ASSERT_EQ(gapped.gaps.size(), 1U);
  EXPECT_EQ(gapped.gaps[0].reason, "expired");
  EXPECT_EQ(gapped.after.value, one.value - 1) << "it goes on from its own cursor";
  EXPECT_TRUE(whole.gaps.empty());
}

TEST_F(ReadStartTest, AfterARestartReadersOfMemoryTopicsAreToldOnceAndOthersAreNot) {
  const Position before = publish("news", "one");
  publish("news", "two");
  restart();

  EXPECT_TRUE(resolved(at(before)).gaps.empty());

  topics_ = {pattern_of("memory.*"), pattern_of("news")};
  const ReadStart start = resolved(at(before));
  ASSERT_EQ(start.gaps.size(), 1U);
  EXPECT_EQ(start.gaps[0].reason, "restart");
  EXPECT_EQ(start.gaps[0].topics.at(0).name, "memory.*");
  EXPECT_EQ(start.after, before);
}

TEST_F(ReadStartTest, WithinThisStartMemoryTopicsGiveNoGap) {
  restart();
  topics_ = {pattern_of("memory.a")};
  publish("memory.a", "one");
  const Position cursor = publish("memory.a", "two");

  EXPECT_TRUE(resolved(at(cursor)).gaps.empty());
}

TEST_F(ReadStartTest, TheNewestAreCountedAmongWhatMatches) {
  std::vector<Position> news;
  for (int i = 0; i < 5; ++i) {
    news.push_back(publish("news", "n"));
    publish("other", "o");
  }

  EXPECT_EQ(resolved({.kind = Kind::newest, .count = 2}).after.value, news[3].value - 1);
  EXPECT_EQ(resolved({.kind = Kind::newest, .count = 5}).after.value, news[0].value - 1);
  EXPECT_EQ(resolved({.kind = Kind::newest, .count = 99}).after.value, news[0].value - 1);
  EXPECT_EQ(resolved({.kind = Kind::newest, .count = 2}, {.type = "no.such", .subject = ""}).after,
            fixture_.log().durable_end());
}

TEST_F(ReadStartTest, ATimeIsBehindTheLastEventStoredBeforeIt) {
  const Position early = publish("news", "early");
  fixture_.clock.advance(std::chrono::seconds(60));
  const WallTime between = fixture_.clock.wall_now();
  fixture_.clock.advance(std::chrono::seconds(60));
  const Position late = publish("news", "late");

  const auto from = [&](WallTime time) {
    return resolved({.kind = Kind::time, .time = time}).after;
  };
  EXPECT_EQ(from(between), early);
  EXPECT_LT(from(between - std::chrono::hours(1)), early);
  EXPECT_EQ(from(between + std::chrono::hours(1)), late);
  EXPECT_EQ(from(fixture_.clock.wall_now()), early) << "stored at that time is not before it";
}

}  // namespace
}  // namespace carillon
