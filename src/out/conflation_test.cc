#include "out/conflation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "testing/stored_event.h"

namespace carillon {
namespace {

// The events of one window, kept alive as commits would.
class Events {
 public:
  EventView add(std::string_view topic, std::string_view key, std::string_view data = "x") {
    Event event{.id = "1", .key = std::string(key), .data = std::string(data)};
    return events_.emplace_back(event, topic, Position{++last_}, WallTime()).view();
  }

 private:
  std::deque<StoredEvent> events_;
  uint64_t last_ = 0;
};

std::vector<uint64_t> positions_of(const std::vector<EventView>& events) {
  std::vector<uint64_t> positions;
  for (const EventView& event : events) positions.push_back(event.position().value);
  return positions;
}

using Positions = std::vector<uint64_t>;

TEST(Conflation, OfEachKeyTheLastEventIsLeft) {
  Events events;
  ConflationWindow window(true);
  window.add(events.add("quotes", "ACME"));
  window.add(events.add("quotes", "INIT"));
  window.add(events.add("quotes", "ACME"));

  const auto left = window.take();

  EXPECT_EQ(positions_of(left), (Positions{2, 3}));
}

TEST(Conflation, WhatIsLeftKeepsTheOrderOfTheLogAndNotOfTheKeys) {
  Events events;
  ConflationWindow window(true);
  for (const char* key : {"a", "b", "c", "b", "a"}) window.add(events.add("t", key));

  EXPECT_EQ(positions_of(window.take()), (Positions{3, 4, 5}));
}

TEST(Conflation, AnEventWithoutKeyIsNeverLeftOut) {
  Events events;
  ConflationWindow window(true);
  for (const char* key : {"", "a", "", "a", ""}) window.add(events.add("t", key));

  EXPECT_EQ(positions_of(window.take()), (Positions{1, 3, 4, 5}));
}

TEST(Conflation, TheSameKeyOnTwoTopicsIsTwoKeys) {
  Events events;
  ConflationWindow window(true);
  window.add(events.add("room.1", "ann"));
  window.add(events.add("room.2", "ann"));

  EXPECT_EQ(positions_of(window.take()), (Positions{1, 2}));
}

TEST(Conflation, TopicAndKeyAreNeverRunTogether) {
  Events events;
  ConflationWindow window(true);
  window.add(events.add("a_b", "c"));
  window.add(events.add("a", "b_c"));
  window.add(events.add("a", "_bc"));
  window.add(events.add("a_", "bc"));

  EXPECT_EQ(positions_of(window.take()), (Positions{1, 2, 3, 4}));
}

TEST(Conflation, ARateWithoutConflationOnlyGathers) {
  Events events;
  ConflationWindow window(false);
  for (int i = 0; i < 3; ++i) window.add(events.add("t", "a"));

  EXPECT_EQ(positions_of(window.take()), (Positions{1, 2, 3}));
}

TEST(Conflation, AfterTakeTheNextWindowRemembersNoKey) {
  Events events;
  ConflationWindow window(true);
  window.add(events.add("t", "a"));
  EXPECT_FALSE(window.empty());
  window.take();

  EXPECT_TRUE(window.empty());
  window.add(events.add("t", "a"));
  EXPECT_EQ(positions_of(window.take()), (Positions{2}));
}

TEST(Conflation, WhatEventsPointIntoLivesUntilClear) {
  ConflationWindow window(true);
  auto owner = std::make_shared<const std::string>("a commit");
  const std::weak_ptr<const std::string> watched = owner;
  window.keep_alive(std::move(owner));

  window.take();
  EXPECT_FALSE(watched.expired());

  window.clear();
  EXPECT_TRUE(watched.expired());
}

TEST(Conflation, AWindowIsFullAtItsEventsWhateverTheyAreReducedTo) {
  Events events;
  ConflationWindow window(true);
  const EventView event = events.add("t", "a");
  for (size_t i = 0; i + 1 < kConflateEventsMax; ++i) window.add(event);
  EXPECT_FALSE(window.full());

  window.add(event);

  EXPECT_TRUE(window.full());
  EXPECT_EQ(window.take().size(), 1U);
  EXPECT_FALSE(window.full());
}

TEST(Conflation, AWindowIsFullAtItsBytes) {
  Events events;
  ConflationWindow window(true);
  const EventView event = events.add("t", "a", std::string(1 * kMiB, 'x'));
  for (size_t i = 0; i < kConflateBytesMax / kMiB - 1; ++i) window.add(event);
  EXPECT_FALSE(window.full());

  window.add(event);

  EXPECT_TRUE(window.full());
}

// The window's meaning, said the slow way: an event stays unless one with its topic and key comes
// behind it.
Positions reduced(const std::vector<EventView>& window, bool conflate) {
  Positions left;
  for (size_t i = 0; i < window.size(); ++i) {
    bool superseded = false;
    for (size_t k = i + 1; k < window.size(); ++k) {
      superseded = superseded || (window[i].topic() == window[k].topic() &&
                                  window[i].attributes().key == window[k].attributes().key);
    }
    if (!conflate || !superseded || window[i].attributes().key.empty())
      left.push_back(window[i].position().value);
  }
  return left;
}

RC_GTEST_PROP(Conflation, AWindowIsWhatNothingBehindItSupersedes, (uint64_t seed, bool conflate)) {
  SeededRandom random(seed);
  const std::vector<std::string> topics = {"a", "a_b", "a.b", "b"};
  const std::vector<std::string> keys = {"", "c", "b_c", "_b", "a", "b"};
  Events events;
  ConflationWindow window(conflate);

  for (int round = 0; round < 3; ++round) {
    std::vector<EventView> given;
    for (uint64_t i = random.below(40); i > 0; --i) {
      given.push_back(
          events.add(topics[random.below(topics.size())], keys[random.below(keys.size())]));
      window.add(given.back());
    }
    RC_ASSERT(window.empty() == given.empty());
    RC_ASSERT(positions_of(window.take()) == reduced(given, conflate));
  }
}

// What a reader that saw every batch holds in the end is what one that saw every event holds.
RC_GTEST_PROP(Conflation, HoweverTheWindowsAreCutTheLastOfEachKeyArrives, (uint64_t seed)) {
  SeededRandom random(seed);
  Events events;
  ConflationWindow window(true);
  std::map<std::string, uint64_t> all;
  std::map<std::string, uint64_t> seen;
  uint64_t last_given = 0;

  const auto emit = [&] {
    for (const EventView& event : window.take()) {
      RC_ASSERT(event.position().value > last_given);
      last_given = event.position().value;
      seen[std::string(event.attributes().key)] = last_given;
    }
  };
  for (int i = 0; i < 100; ++i) {
    const auto key = std::to_string(random.below(7) + 1);
    const EventView event = events.add("t", key);
    window.add(event);
    all[key] = event.position().value;
    if (random.below(10) == 0) emit();
  }
  emit();

  RC_ASSERT(seen == all);
}

}  // namespace
}  // namespace carillon
