// Readers that take little, nothing, or leave; and more of them than a turn serves.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "out/fan_out.h"
#include "out/fan_out_hub_test.h"

namespace carillon {
namespace {

TEST(FanOutUnderLoad, WhatEveryReaderHasIsLetGoOfThoughMoreKeepsComing) {
  Hub hub;
  const auto key = Hub::key_of({"news"});
  for (int i = 0; i < 300; ++i) hub.live("news");  // more than a turn sends to
  const FrameStream& stream = hub.fan_out().class_for(key).stream;
  const std::string event(200, 'x');

  for (int turn = 0; turn < 200; ++turn) {
    hub.publish("news", event);
    hub.take_mail();
    hub.fan_out().on_turn_end();  // always too few sends for all
    ASSERT_LT(stream.end() - stream.begin(), 20 * event.size()) << "at turn " << turn;
  }
}

TEST(FanOutUnderLoad, WhoeverPinsTooMuchAndTakesNothingIsEnded) {
  Hub hub({.pinned_bytes_max = 64 * kKiB});
  for (int i = 0; i < 4; ++i) hub.publish("news", std::string(60 * kKiB, 'x'));
  hub.settle();
  auto& reader = hub.live("news");
  auto& stuck = hub.read(Hub::key_of({"news"}), {});
  stuck.socket().block();
  hub.settle();
  ASSERT_FALSE(stuck.was_cut());

  hub.fan_out().on_sweep(hub.later(seconds{1}));
  EXPECT_FALSE(stuck.was_cut());  // it may just be catching up
  hub.fan_out().on_sweep(hub.later(seconds{6}));

  EXPECT_TRUE(stuck.was_cut());
  EXPECT_EQ(stuck.reason(), "pinned");
  EXPECT_FALSE(reader.was_cut());
}

TEST(FanOutUnderLoad, ASocketThatTakesAnyNumberOfBytesLosesNoneAndDoublesNone) {
  Hub hub;
  auto& witness = hub.live("news");
  std::vector<FakeStreamHandle*> readers;
  for (const char* data : {"one", "two", "three"}) hub.publish("news", data);
  hub.settle();
  const size_t whole = witness.received().size();
  for (size_t k = 0; k <= whole; ++k) readers.push_back(&hub.live("news"));

  for (size_t k = 0; k < readers.size(); ++k) readers[k]->socket().give_room(k);
  for (const char* data : {"one", "two", "three"}) hub.publish("news", data);
  hub.take_mail();
  hub.end_turn();
  for (size_t k = 0; k < readers.size(); ++k) EXPECT_LE(readers[k]->received().size(), k);
  for (FakeStreamHandle* reader : readers) reader->make_writable();
  hub.settle();

  for (FakeStreamHandle* reader : readers) {
    EXPECT_EQ(words_of(*reader), (Words{"one", "two", "three"}));
    EXPECT_EQ(reader->received(), witness.received().substr(whole));
  }
}

// Everything that was published, so that a reader can be held against it.
Words publish_many(Hub& hub, size_t count, size_t bytes) {
  Words all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(std::to_string(i) + std::string(bytes, 'x'));
    hub.publish("news", all.back());
    hub.take_mail();
    hub.end_turn();
  }
  return all;
}

TEST(FanOutUnderLoad, ABlockedReaderFallsBehindTheSharedFramesAndCatchesUpFromTheTail) {
  Hub hub;
  auto& slow = hub.live("news");
  auto& fast = hub.live("news");
  slow.socket().give_room(70'001);  // cuts a frame

  const Words all = publish_many(hub, 60, 50'000);
  slow.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(slow), all);
  EXPECT_EQ(words_of(fast), all);
}

TEST(FanOutUnderLoad, ABlockedReaderThatTheTailHasLeftBehindCatchesUpFromTheLog) {
  Hub hub({.tail_bytes = 100'000});
  auto& slow = hub.live("news");
  slow.socket().give_room(70'001);

  const Words all = publish_many(hub, 60, 50'000);
  slow.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(slow), all);
}

TEST(FanOutUnderLoad, ABurstLargerThanOneGatheredWriteArrivesWholeWithoutAnotherEvent) {
  Hub hub;
  auto& reader = hub.live("news");
  Words all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(std::to_string(i) + std::string(50'000, 'x'));
    hub.publish("news", all.back());
  }

  hub.settle();

  EXPECT_EQ(words_of(reader), all);
}

TEST(FanOutUnderLoad, AReaderThatTakesNothingForTheStallTimeIsCut) {
  Hub hub;
  auto& stalled = hub.live("news");
  auto& healthy = hub.live("news");
  stalled.socket().block();
  hub.publish("news", "one");
  hub.settle();

  hub.fan_out().on_sweep(hub.later(kStall - milliseconds(1)));
  EXPECT_FALSE(stalled.was_cut());

  hub.fan_out().on_sweep(hub.later(kStall));
  hub.settle();
  EXPECT_TRUE(stalled.was_cut());
  EXPECT_EQ(stalled.reason(), "stalled");
  EXPECT_FALSE(healthy.was_cut());
  EXPECT_EQ(hub.fan_out().readers(), 1U);
}

TEST(FanOutUnderLoad, AReaderThatGoesAwayUnderAWalkLeavesTheOthersInPeace) {
  Hub hub;
  auto& first = hub.live("news");
  auto& second = hub.live("news");
  auto& third = hub.live("news");
  second.socket().close();

  hub.publish("news", "one");
  hub.settle();
  hub.publish("news", "two");
  hub.settle();

  EXPECT_TRUE(second.was_cut());
  EXPECT_EQ(words_of(first), (Words{"one", "two"}));
  EXPECT_EQ(words_of(third), (Words{"one", "two"}));
  EXPECT_EQ(hub.fan_out().readers(), 2U);
}

TEST(FanOutUnderLoad, ManyReadersAreServedInSlicesAndAllAreServed) {
  Hub hub;
  std::vector<FakeStreamHandle*> readers;
  for (int i = 0; i < 600; ++i) readers.push_back(&hub.read("news"));
  hub.settle();

  hub.publish("news", "one");
  hub.take_mail();
  EXPECT_TRUE(hub.fan_out().on_turn_end()) << "600 sends are more than one slice";
  hub.end_turn();

  for (FakeStreamHandle* reader : readers) EXPECT_EQ(words_of(*reader), (Words{"one"}));
}

TEST(FanOutUnderLoad, WhatComesWhileAWalkIsUnderWayReachesThoseItHasPassed) {
  Hub hub;
  std::vector<FakeStreamHandle*> readers;
  for (int i = 0; i < 600; ++i) readers.push_back(&hub.read("news"));
  hub.settle();

  hub.publish("news", "one");
  hub.take_mail();
  hub.fan_out().on_turn_end();
  readers.front()->lose_peer();
  hub.publish("news", "two");
  hub.settle();

  for (size_t i = 1; i < readers.size(); ++i)
    EXPECT_EQ(words_of(*readers[i]), (Words{"one", "two"}));
}

}  // namespace
}  // namespace carillon
