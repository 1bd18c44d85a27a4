#include "demo/scoreboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "admin/pages.h"
#include "base/limits.h"
#include "testing/fake_disk.h"
#include "testing/fake_event_door.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

const std::string kTopic = "scoreboard.matches";
// A season takes less than a millisecond.
constexpr double kAtOnce = 1e9;
constexpr double kAsItWas = 1;

// The data of the season's events, in its order; empty when built without pages.
std::vector<std::string> season() {
  std::vector<std::string> datas;
  for (const PageFile& file : embedded_pages()) {
    if (file.path != "/demo/scoreboard/season.json") continue;
    const auto parsed = boost::json::parse({file.bytes.data(), file.bytes.size()});
    for (const auto& item : parsed.at("events").as_array())
      datas.push_back(boost::json::serialize(item.at("data")));
  }
  return datas;
}

// Plays the committer at the end of each turn, until the log has taken so many events.
class Playing : public TurnEnd {
 public:
  Playing(Loop& loop, LocalHub& hub, LogFixture& log, uint64_t wanted)
      : loop_(loop), hub_(hub), log_(log), wanted_(wanted) {
    loop.add_turn_end(*this);
  }

  bool on_turn_end() override {
    hub_.hand_over();
    log_.commit_all();
    const bool gave_up = std::chrono::steady_clock::now() > give_up_;
    if (log_.log().stats().events >= wanted_ || gave_up) loop_.stop();
    return false;
  }

 private:
  Loop& loop_;
  LocalHub& hub_;
  LogFixture& log_;
  uint64_t wanted_;
  std::chrono::steady_clock::time_point give_up_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
};

class ScoreboardTest : public testing::Test {
 protected:
  void SetUp() override {
    if (season().empty()) GTEST_SKIP() << "built without pages";
    ASSERT_TRUE(log.open());
  }

  // A start of the demo, up to the first time it would wait.
  void start() {
    PlayedMail mail;
    HeldPool pool;
    Loop loop(0);
    LocalHub hub(log.log(), pool.pool(), mail.post(), kMiB);
    ScoreboardReplay replay({loop, hub, door, random, logger}, kAsItWas);
    replay.begin();
    pool.run_all();
    mail.run_all();
    hub.hand_over();
    log.commit_all();
    mail.run_all();
  }
  // A start that runs until the log, since it was opened, has taken `wanted` events.
  void run_until(uint64_t wanted) {
    Loop loop(0);
    ReadPool pool(1);
    LocalHub hub(
        log.log(), pool,
        [&loop](std::move_only_function<void()> task) { loop.post(std::move(task)); }, kMiB);
    Playing playing(loop, hub, log, wanted);
    ScoreboardReplay replay({loop, hub, door, random, logger}, kAtOnce);
    loop.post([&replay] { replay.begin(); });
    loop.run();
  }
  std::vector<std::string> published() { return log.read_topic(kTopic); }

  FakeDisk disk;
  LogFixture log{disk, 8 * kMiB};
  FakeEventDoor door;
  SeededRandom random{1};
  FakeLogger logger;
};

TEST_F(ScoreboardTest, TheSeasonIsPublishedWholeAndInItsOrder) {
  const auto expected = season();

  run_until(expected.size());

  EXPECT_EQ(published(), expected);
  EXPECT_FALSE(logger.told(Severity::warning, ""));
}

TEST_F(ScoreboardTest, TheFirstStartBeginsWithTheFirstKickoff) {
  const auto expected = season();

  start();

  ASSERT_EQ(published().size(), 1U) << "what comes later is not due yet";
  EXPECT_EQ(published()[0], expected[0]);
}

TEST_F(ScoreboardTest, ALaterStartGoesOnBehindTheNewestEvent) {
  const auto expected = season();
  start();

  run_until(expected.size());

  EXPECT_EQ(published(), expected);
  EXPECT_EQ(log.log().stats().repeats, 0U) << "it did not begin anew";
}

TEST_F(ScoreboardTest, ASeasonThatIsOverStaysOver) {
  const auto expected = season();
  run_until(expected.size());

  start();

  EXPECT_EQ(published(), expected);
  EXPECT_EQ(log.log().stats().repeats, 0U);
}

TEST_F(ScoreboardTest, AStartAfterARestartOfTheHubPublishesNothingTwice) {
  const auto expected = season();
  run_until(expected.size() / 2);
  const auto before = published();
  ASSERT_TRUE(log.open());

  run_until(expected.size() - before.size());

  EXPECT_EQ(published(), expected);
}

TEST_F(ScoreboardTest, EachEventIsOfItsMatchAsJson) {
  start();

  const auto read = log.log().read({.topics = log.log().select({pattern_of(kTopic)}),
                                    .after = {},
                                    .bytes_max = kReadBytesMax,
                                    .events_max = 1,
                                    .told_marks = 0});

  ASSERT_TRUE(read && !read->events.empty());
  const EventView event = read->events.front();
  EXPECT_EQ(event.attributes().type, "scoreboard.kickoff");
  EXPECT_EQ(event.attributes().key, "m01") << "so that a reader may ask for the last of each match";
  EXPECT_EQ(event.attributes().id, "m01-1");
  EXPECT_EQ(event.form(), DataForm::json);
}

TEST_F(ScoreboardTest, AnEventThatIsNotStoredIsSaid) {
  disk.refuse(DiskCall::sync, Errc::io);

  start();

  EXPECT_TRUE(logger.told(Severity::warning, "not stored"));
}

}  // namespace
}  // namespace carillon
