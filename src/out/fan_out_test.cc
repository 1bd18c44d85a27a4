#include "out/fan_out.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "out/fan_out_hub_test.h"
#include "out/gap.h"

namespace carillon {
namespace {

TEST(FanOut, EveryReaderOfAClassGetsTheSameBytes) {
  Hub hub;
  auto& first = hub.live("news");
  auto& second = hub.live("news");

  hub.publish("news", "one");
  hub.publish("other", "no");
  hub.publish("news", "two");
  hub.settle();

  EXPECT_EQ(words_of(first), (Words{"one", "two"}));
  EXPECT_EQ(first.received(), second.received());
}

TEST(FanOut, EventsOfOneTurnLeaveInOneWrite) {
  Hub hub;
  auto& reader = hub.live("news");
  const size_t before = reader.socket().writes();

  for (int i = 0; i < 50; ++i) hub.publish("news", std::to_string(i));
  hub.take_mail();
  hub.end_turn();

  EXPECT_EQ(reader.socket().writes(), before + 1);
  EXPECT_EQ(words_of(reader).size(), 50U);
}

TEST(FanOut, NothingIsSeenBeforeItsCommit) {
  Hub hub;
  auto& reader = hub.live("news");

  hub.gather("news", "one");
  hub.take_mail();
  hub.end_turn();

  EXPECT_EQ(words_of(reader), Words());
  hub.commit();
  hub.settle();
  EXPECT_EQ(words_of(reader), (Words{"one"}));
}

TEST(FanOut, PatternsAndFiltersChooseWhatAClassSees) {
  Hub hub;
  auto& orders = hub.read(Hub::key_of({"orders.*"}), {});
  auto& made = hub.read(Hub::key_of({"orders.*"}, {.type = "made", .subject = ""}), {});
  auto& everything = hub.read(Hub::key_of({"**"}), {});
  hub.settle();

  hub.publish("orders.a", "1", "", "made");
  hub.publish("orders.b", "2", "", "paid");
  hub.publish("news", "3", "", "made");
  hub.settle();

  EXPECT_EQ(words_of(orders), (Words{"1", "2"}));
  EXPECT_EQ(words_of(made), (Words{"1"}));
  EXPECT_EQ(words_of(everything), (Words{"1", "2", "3"}));
}

TEST(FanOut, ALateJoinerGetsWhatLiesBehindItsCursorAndThenWhatAllGet) {
  Hub hub;
  auto& early = hub.live("news");
  hub.publish("news", "one");
  hub.take_mail();
  const Position one = hub.last();
  hub.publish("news", "two");
  hub.settle();

  auto& all = hub.read(Hub::key_of({"news"}), kBeforeEverything);
  auto& some = hub.read(Hub::key_of({"news"}), one);
  hub.publish("news", "three");
  hub.settle();

  EXPECT_EQ(words_of(early), (Words{"one", "two", "three"}));
  EXPECT_EQ(words_of(all), (Words{"one", "two", "three"}));
  EXPECT_EQ(words_of(some), (Words{"two", "three"}));
}

TEST(FanOut, AReaderThatTheLogIsAheadOfItsLoopForGetsNothingTwice) {
  Hub hub;
  auto& early = hub.live("news");
  hub.publish("news", "one");
  const Position seen_elsewhere = hub.hub().log().durable_end();
  auto& ahead = hub.read(Hub::key_of({"news"}), seen_elsewhere);
  hub.end_turn();

  hub.settle();
  hub.publish("news", "two");
  hub.settle();

  EXPECT_EQ(words_of(early), (Words{"one", "two"}));
  EXPECT_EQ(words_of(ahead), (Words{"two"}));
}

// Another loop's client brings a cursor within a commit that this loop has yet to hear of.
TEST(FanOut, AReaderAheadOfItsLoopSurvivesAMarkInTheCommitItIsAheadBy) {
  Hub hub({.memory_events = 1});
  auto& slow = hub.live("mem.a");
  slow.socket().block();
  hub.publish("mem.a", "one");
  hub.take_mail();
  hub.end_turn();
  hub.gather("mem.a", "two");
  hub.gather("mem.a", "three");
  hub.commit();
  const Position three = hub.hub().log().durable_end();

  auto& ahead = hub.read(Hub::key_of({"mem.a"}), Position{three.value - 1});
  hub.settle();

  EXPECT_EQ(words_of(ahead), (Words{"three"}));
}

TEST(FanOut, AMarkThatRisesUnderUnsentFramesIsAGapAndTheRemovedEventsAreNotSent) {
  Hub hub;
  auto& slow = hub.live("news");
  slow.socket().block();
  hub.publish("news", "one");
  hub.publish("news", "two");
  hub.take_mail();
  hub.end_turn();
  const Position two = hub.last();
  hub.publish("news", "three");
  hub.trim("news", two);

  hub.take_mail();
  slow.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(slow), (Words{kGap, "two", "three"}));
  EXPECT_NE(frames_of(slow).front().data.find(R"("reason":"expired")"), std::string::npos);
}

TEST(FanOut, AReaderThatOwesNothingIsNotGappedByATrim) {
  Hub hub;
  auto& reader = hub.live("news");
  hub.publish("news", "one");
  hub.publish("news", "two");
  hub.settle();

  hub.trim("news", hub.last());
  hub.settle();

  EXPECT_EQ(words_of(reader), (Words{"one", "two"}));
}

// A memory topic at its bound raises its mark with every event.
TEST(FanOut, EventsThatComeWithAMarkAreNotLostByAReaderThatBlocksOnThem) {
  Hub hub({.memory_events = 1});
  auto& slow = hub.live("mem.a");
  auto& fast = hub.live("mem.a");
  auto& other = hub.live("mem.b");
  slow.socket().block();
  hub.publish("mem.a", "one");
  hub.take_mail();
  hub.end_turn();
  fast.socket().block();
  hub.publish("mem.a", "two");  // with a mark over `one`
  hub.take_mail();
  hub.end_turn();
  hub.publish("mem.a", "three");  // with a mark over `two`
  hub.take_mail();
  hub.end_turn();

  fast.make_writable();
  slow.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(slow), (Words{kGap, "three"}));
  EXPECT_EQ(words_of(fast), (Words{"one", kGap, "three"}));
  EXPECT_EQ(words_of(other), Words());
}

TEST(FanOut, AReaderThatBlocksOnAnEventThatCameWithAMarkOfAnotherTopicStillGetsIt) {
  Hub hub({.memory_events = 1});
  const auto both = Hub::key_of({"mem.a", "mem.b"});
  auto& slow = hub.read(both, {});
  auto& fast = hub.read(both, {});
  hub.settle();
  slow.socket().block();
  hub.publish("mem.a", "a1");
  hub.settle();
  fast.socket().block();
  hub.gather("mem.a", "a2");  // with a mark over a1
  hub.gather("mem.b", "b1");
  hub.commit();
  hub.take_mail();
  hub.publish("mem.a", "a3");  // with a mark over a2, before b1 was sent
  hub.publish("mem.a", "a4");  // with a mark over a3

  hub.take_mail();
  hub.end_turn();
  fast.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(fast), (Words{"a1", kGap, "b1", "a4"}));
}

TEST(FanOut, AQuietReaderHearsHowFarTheHubHasLooked) {
  Hub hub;
  auto& quiet = hub.live("quiet");
  hub.publish("news", "one");
  hub.settle();

  hub.fan_out().on_sweep(hub.later(kHeartbeat - milliseconds(1)));
  hub.end_turn();
  EXPECT_EQ(words_of(quiet), Words());

  hub.fan_out().on_sweep(hub.later(kHeartbeat));
  hub.end_turn();
  ASSERT_EQ(words_of(quiet), (Words{kCursor}));
  const Cursor end{hub.hub().epoch(), hub.last()};
  EXPECT_EQ(frames_of(quiet).front().last_event_id, end.text());
}

TEST(FanOut, AHeartbeatCostsAClassOneFrame) {
  Hub hub;
  auto& first = hub.live("quiet");
  auto& second = hub.live("quiet");

  hub.fan_out().on_sweep(hub.later(kHeartbeat));
  hub.fan_out().on_sweep(hub.later(kHeartbeat + seconds(1)));
  hub.end_turn();

  EXPECT_EQ(words_of(first), (Words{kCursor}));
  EXPECT_EQ(first.received(), second.received());
}

TEST(FanOut, TheLastReaderOfAClassTakesItAlongAndTheNextBeginsAfresh) {
  Hub hub;
  auto& first = hub.live("news");
  hub.publish("news", "one");
  hub.take_mail();
  first.lose_peer();
  EXPECT_EQ(hub.fan_out().readers(), 0U);
  hub.publish("news", "two");
  hub.settle();

  auto& next = hub.live("news");
  hub.publish("news", "three");
  hub.settle();

  EXPECT_EQ(words_of(next), (Words{"three"}));
}

TEST(FanOut, ADrainSaysByeToEverybodyAtTheEndOfAFrame) {
  Hub hub;
  auto& idle = hub.live("news");
  auto& cut = hub.live("news");
  cut.socket().give_room(5);
  hub.publish("news", "one");
  hub.take_mail();
  hub.end_turn();

  hub.fan_out().drain();

  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(words_of(idle), (Words{"one", kBye}));
  EXPECT_TRUE(cut.ended());
  EXPECT_EQ(words_of(cut), (Words{"one", kBye}));
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

TEST(FanOut, AReaderThatIsDrainedBeforeItWasSentAnythingHearsOfNothingButTheEnd) {
  Hub hub;
  auto& reader = hub.live("news");
  hub.publish("news", "one");
  hub.take_mail();

  hub.fan_out().drain();
  auto& begun_meanwhile = hub.read("news");

  EXPECT_EQ(words_of(reader), (Words{kBye}));
  EXPECT_EQ(words_of(begun_meanwhile), (Words{kBye}));
}

}  // namespace
}  // namespace carillon
