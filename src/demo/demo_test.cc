#include "demo/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_disk.h"
#include "testing/fake_event_door.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

TEST(Demos, TheirNamesAreKnown) {
  EXPECT_THAT(demo_names(), testing::ElementsAre("all", "arena", "scoreboard", "together"));
  for (const auto name : demo_names()) EXPECT_TRUE(is_demo(name));
  EXPECT_FALSE(is_demo("trading"));
}

TEST(Demos, EachRunsItsPartAndAllRunEverything) {
  FakeDisk disk;
  LogFixture log{disk, 8 * kMiB};
  ASSERT_TRUE(log.open());
  PlayedMail mail;
  HeldPool pool;
  Loop loop(0);
  LocalHub hub(log.log(), pool.pool(), mail.post(), kMiB);
  FakeEventDoor door;
  SeededRandom random(1);
  FakeLogger logger;
  const DemoParts parts{loop, hub, door, random, logger};

  EXPECT_EQ(make_demos("all", parts, 1).size(), 2U);
  EXPECT_EQ(make_demos("scoreboard", parts, 1).size(), 1U);
  EXPECT_EQ(make_demos("arena", parts, 1).size(), 1U);
  EXPECT_EQ(make_demos("together", parts, 1).size(), 0U) << "a page is all there is";
}

TEST(Demos, WhatMovesTenTimesASecondIsKeptInMemoryUnlessTheOperatorSaysOtherwise) {
  Config config;
  config.topics.push_back({.pattern = *TopicPattern::parse("arena.actions"),
                           .durability = Durability::disk,
                           .retention = {}});

  add_demo_topics(config);

  EXPECT_EQ(config.settings_for("arena.state").durability, Durability::memory);
  EXPECT_EQ(config.settings_for("arena.actions").durability, Durability::disk);
  EXPECT_EQ(config.settings_for("arena.announcements").durability, Durability::disk);
}

}  // namespace
}  // namespace carillon
