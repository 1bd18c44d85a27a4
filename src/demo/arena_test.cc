#include "demo/arena.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

const std::string kFieldPresence = "$sys.presence.arena.field";
const std::string kActions = "arena.actions";

// Plays the committer at the end of each turn. Goes through its steps, each as soon as the test has
// seen what it waits for, and ends behind the last.
class Playing : public TurnEnd {
 public:
  struct Step {
    std::function<bool()> seen;
    std::function<void()> then = [] {};
  };

  Playing(Loop& loop, LocalHub& hub, LogFixture& log) : loop_(loop), hub_(hub), log_(log) {
    loop.add_turn_end(*this);
  }

  // False when it gave up.
  bool run(std::vector<Step> steps) {
    steps_ = std::move(steps);
    give_up_ = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    loop_.run();
    return next_ == steps_.size();
  }

  bool on_turn_end() override {
    hub_.hand_over();
    log_.commit_all();
    if (next_ < steps_.size() && steps_[next_].seen()) steps_[next_++].then();
    if (next_ == steps_.size() || std::chrono::steady_clock::now() > give_up_) loop_.stop();
    return false;
  }

 private:
  Loop& loop_;
  LocalHub& hub_;
  LogFixture& log_;
  std::vector<Step> steps_;
  size_t next_ = 0;
  std::chrono::steady_clock::time_point give_up_;
};

// The door in, without the checks that strangers need.
class PlainDoor : public EventDoor {
 public:
  explicit PlainDoor(LocalHub& hub) : hub_(hub) {}

  void publish(const std::string& topic, GivenEvent event, Done done) override {
    Append append;
    append_event_record(append.records, event.event, TopicId{}, topic);
    append.items.push_back({.topic = topic, .offset = 0, .repeat = {}, .given = {}});
    hub_.publish(std::move(append), [done = std::move(done)](Result<Appended> result) mutable {
      if (!result)
        return done(std::unexpected(make_problem(kOverloaded, result.error().detail, "")));
      done(StoredEvent{});
    });
  }

 private:
  LocalHub& hub_;
};

// A hub with an arena on one loop, and what its topics were given by key.
class ArenaHub : public CommitListener {
 public:
  explicit ArenaHub(LogFixture& log)
      : hub(
            log.log(), pool,
            [this](std::move_only_function<void()> task) { loop.post(std::move(task)); }, kMiB),
        door(hub),
        playing(loop, hub, log),
        arena({loop, hub, door, random, logger}) {
    hub.add_listener(*this);
    loop.post([this] { arena.begin(); });
  }

  void on_commit(const Commit& commit) override {
    for (const EventView& event : commit.events) {
      if (event.topic() == kArenaState) state[std::string(event.attributes().key)] = event.data();
      if (event.topic() == kArenaAnnouncements) announced.emplace_back(event.data());
    }
  }

  void give(const std::string& topic, std::string_view type, std::string_view key,
            std::string_view data) {
    GivenEvent given;
    given.event.type = type;
    given.event.key = key;
    given.event.data_content_type = "application/json";
    given.event.data = data;
    given.event.form = DataForm::json;
    loop.post([this, topic, given = std::move(given)]() mutable {
      door.publish(topic, std::move(given), [](const auto&) {});
    });
  }
  void come(std::string_view member, std::string_view state_of_it, std::string_view how = "join") {
    give(kFieldPresence, fmt::format("carillon.presence.{}", how), member,
         fmt::format(R"({{"member":"{}","state":{}}})", member, state_of_it));
  }
  void act(std::string_view member, std::string_view data) {
    give(kActions, "arena.action", member, data);
  }
  // From the first announcement on.
  bool run(std::vector<Playing::Step> steps) {
    steps.insert(steps.begin(), {.seen = [this] { return !announced.empty(); }, .then = first});
    return playing.run(std::move(steps));
  }
  boost::json::object player(const std::string& member) {
    return boost::json::parse(state.at("p-" + member)).as_object();
  }
  double y_of(const std::string& member) { return player(member).at("y").to_number<double>(); }
  bool has(const std::string& key) const { return state.contains(key); }

  Loop loop{0};
  ReadPool pool{1};
  SeededRandom random{5};
  FakeLogger logger;
  LocalHub hub;
  PlainDoor door;
  Playing playing;
  Arena arena;
  std::map<std::string, std::string> state;
  std::vector<std::string> announced;
  std::function<void()> first = [] {};
};

class ArenaTest : public testing::Test {
 protected:
  void SetUp() override {
    log.settings = [](std::string_view topic) -> TopicSettings {
      const bool memory = topic == kArenaState || topic == kArenaActions || topic[0] == '$';
      return {.durability = memory ? Durability::memory : Durability::disk, .retention = {}};
    };
    ASSERT_TRUE(log.open());
  }

  FakeDisk disk;
  LogFixture log{disk, 8 * kMiB};
};

TEST_F(ArenaTest, WhoIsPresentOnTheFieldIsAPlayerUntilTheyLeave) {
  ArenaHub hub(log);
  boost::json::object ann;
  hub.first = [&] { hub.come("m1", R"({"name":"Ann \"A\"","colour":3})"); };

  const bool seen = hub.run({{[&] { return hub.has("p-m1") && hub.has("b-11"); },
                              [&] {
                                ann = hub.player("m1");
                                hub.come("m1", "{}", "leave");
                              }},
                             {[&] { return hub.player("m1").contains("left"); }}});

  ASSERT_TRUE(seen);
  EXPECT_EQ(ann.at("name").as_string(), "Ann \"A\"");
  EXPECT_EQ(ann.at("colour").as_int64(), 3);
}

TEST_F(ArenaTest, AnActionMovesThePlayerWhoseKeyItBears) {
  ArenaHub hub(log);
  double before = 0;
  std::string ann;
  hub.first = [&] {
    hub.come("m1", R"({"name":"Ann","colour":0})");
    hub.come("m2", R"({"name":"Bob","colour":1})");
  };

  const bool seen = hub.run({{[&] { return hub.has("p-m1") && hub.has("p-m2"); },
                              [&] {
                                ann = hub.state.at("p-m1");
                                before = hub.y_of("m2");
                                const bool upper = before < kArenaHeight / 2;
                                hub.act("m2", upper ? R"({"steer":[0,1]})" : R"({"steer":[0,-1]})");
                                hub.act("m2", R"({"dash":true})");
                              }},
                             {[&] { return hub.player("m2").at("dashing").as_bool(); }},
                             {[&] { return std::abs(hub.y_of("m2") - before) > 40; }}});

  ASSERT_TRUE(seen);
  EXPECT_EQ(hub.player("m1").at("x"), boost::json::parse(ann).at("x"));
  EXPECT_EQ(hub.player("m1").at("y"), boost::json::parse(ann).at("y"));
}

TEST_F(ArenaTest, WhatMakesNoSenseDoesNothing) {
  ArenaHub hub(log);
  hub.first = [&] {
    hub.come("m1", R"({"name":7,"colour":"red"})");
    hub.come("m2", "17");
    for (const char* action :
         {"[]", "null", R"({"steer":1})", R"({"steer":[1]})", R"({"steer":["a",{}]})", "{}"}) {
      hub.act("m1", action);
    }
    hub.act("nobody", R"({"steer":[1,0]})");
    hub.come("m3", R"({"name":"Cleo","colour":1})");
  };

  const bool seen = hub.run({{[&] { return hub.has("p-m1") && hub.has("p-m3"); }}});

  ASSERT_TRUE(seen) << "it goes on";
  EXPECT_EQ(hub.player("m1").at("name").as_string(), "Somebody");
  EXPECT_FALSE(hub.has("p-m2"));
  EXPECT_FALSE(hub.has("p-nobody"));
}

TEST_F(ArenaTest, AHubThatIsStartedAgainGoesOnWithTheNextRound) {
  std::vector<int64_t> rounds;
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(log.open());
    ArenaHub hub(log);
    ASSERT_TRUE(hub.run({}));
    rounds.push_back(boost::json::parse(hub.announced.back()).at("round").as_int64());
  }

  EXPECT_THAT(rounds, testing::ElementsAre(1, 2));
}

TEST_F(ArenaTest, AnEventThatIsNotStoredIsSaid) {
  ArenaHub hub(log);
  disk.refuse(DiskCall::sync, Errc::io);

  const bool seen =
      hub.playing.run({{[&] { return hub.logger.told(Severity::warning, "not stored"); }}});

  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace carillon
