#include "out/subscription_class.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/embedded_log.h"
#include "out/fan_out.h"
#include "out/stream_reader.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::seconds;
using Words = std::vector<std::string>;

const std::string kGap = "[carillon.gap]";

Words words_of(const FakeStreamHandle& handle) {
  SseParser parser;
  std::vector<SseEvent> frames;
  EXPECT_TRUE(parser.feed(handle.received(), frames));
  Words words;
  for (const SseEvent& frame : frames)
    words.push_back(frame.type == "message" ? frame.data : "[" + frame.type + "]");
  return words;
}

// A class with a rate goes by its loop's own timer: here the loop runs, and a script is what it
// does between turns. The pauses are real but nothing counts on how long a turn takes: a step waits
// for what must come.
class RatedHub : public TurnEnd {
 public:
  RatedHub()
      : log_(*EmbeddedLog::open(disk_, clock_, random_, logger_, options())),
        hub_(
            *log_, pool_, [this](auto task) { loop_.post(std::move(task)); }, 64 * kMiB),
        fan_out_(loop_, hub_, {}) {
    loop_.add_turn_end(*this);
  }

  void then(std::function<void()> step) {
    steps_.push_back([step = std::move(step)] {
      step();
      return true;
    });
  }
  // Goes on when it holds.
  void wait_for(std::function<bool()> reached) { steps_.push_back(std::move(reached)); }
  void wait_for_words(FakeStreamHandle*& handle, size_t count) {
    wait_for([&handle, count] { return words_of(*handle).size() >= count; });
  }
  // Plays the script; fails when it does not come to its end.
  void run() {
    started_ = std::chrono::steady_clock::now();
    loop_.run();
    EXPECT_TRUE(steps_.empty()) << "the script stopped with " << steps_.size() << " steps to go";
  }

  bool on_turn_end() override {
    for (auto& handle : handles_) handle->tell_writable();
    if (!steps_.empty() && steps_.front()()) steps_.pop_front();
    const bool late = std::chrono::steady_clock::now() - started_ > seconds(20);
    if (steps_.empty() || late) loop_.stop();
    return true;
  }

  // Each its own commit; all are in the loop's mail before it looks.
  void publish(const std::string& topic, const Words& data, std::string_view key = "") {
    for (const auto& one : data) {
      const Event event{.id = "e",
                        .data_content_type = "text/plain",
                        .key = std::string(key),
                        .data = one,
                        .form = DataForm::text};
      Append append;
      append.items.push_back({.topic = topic});
      append_event_record(append.records, event, TopicId(), topic);
      hub_.publish(std::move(append), [](const Result<Appended>& done) { EXPECT_TRUE(done); });
      hub_.hand_over();
      log_->commit_waiting();
    }
  }
  // Everything that the topic holds is gone.
  void trim_all(const std::string& topic) {
    const Position behind_all{log_->durable_end().value + 1};
    log_->trim(topic, behind_all, [](const Result<>& done) { EXPECT_TRUE(done); });
    log_->commit_waiting();
  }
  Position end() const { return log_->durable_end(); }
  Position seen() const { return hub_.tail().end(); }

  FakeStreamHandle* read(std::vector<std::string> topics, double rate, bool conflate,
                         Position after, size_t room = SIZE_MAX) {
    ClassKey key{.form = {.kind = StreamKind::sse, .framing = StreamFraming::plain},
                 .rate = rate,
                 .conflate = conflate};
    for (const auto& topic : topics) key.topics.push_back(*TopicPattern::parse(topic));
    auto& handle = *handles_.emplace_back(std::make_unique<FakeStreamHandle>(loop_));
    if (room != SIZE_MAX) handle.socket().give_room(room);
    auto reader = std::make_unique<StreamReader>(
        fan_out_, StreamReader::Start{std::move(key), after, hub_.mark_number()});
    StreamReader& begun = *reader;
    handle.own(std::move(reader));
    begun.begin(handle);
    return &handle;
  }
  void open_all() {
    for (auto& handle : handles_) handle->make_writable();
  }

 private:
  static EmbeddedLog::Options options() {
    return {.settings_for =
                [](std::string_view topic) {
                  TopicSettings settings;
                  if (!topic.starts_with("mem")) return settings;
                  settings.durability = Durability::memory;
                  settings.retention.count = 1;
                  return settings;
                },
            .journal_bytes = kJournalBytesMin,
            .log_bytes_max = 1ULL << 30,
            .threads = EmbeddedLog::Threads::none};
  }

  FakeDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  NullLogger logger_;
  std::unique_ptr<EmbeddedLog> log_;
  Loop loop_{0};
  ReadPool pool_{1};
  LocalHub hub_;
  FanOut fan_out_;
  std::deque<std::function<bool()>> steps_;
  std::chrono::steady_clock::time_point started_;
  std::vector<std::unique_ptr<FakeStreamHandle>> handles_;  // die before what they borrow
};

TEST(SubscriptionClass, EqualWishesAreOneClassAndAnyDifferenceMakesTwo) {
  const auto key = [](std::vector<TopicPattern> topics) {
    return ClassKey{.topics = std::move(topics)};
  };
  const ClassKey news = key({*TopicPattern::parse("news")});
  ClassKey filtered = news;
  filtered.filter.type = "x";
  ClassKey rated = news;
  rated.rate = 10;
  ClassKey conflated = rated;
  conflated.conflate = true;
  ClassKey plain = news;
  plain.form.framing = StreamFraming::plain;

  EXPECT_EQ(news, key({*TopicPattern::parse("news")}));
  const std::vector<ClassKey> all = {
      news, key({*TopicPattern::parse("new")}), filtered, rated, conflated, plain};
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t k = 0; k < i; ++k) EXPECT_NE(all[i], all[k]) << i << " and " << k;
  }
}

TEST(SubscriptionClass, AConflatedClassSendsTheLastOfEachKeyAndAllWithoutOne) {
  RatedHub hub;
  FakeStreamHandle* reader = nullptr;
  hub.then([&] { reader = hub.read({"t"}, 100, true, hub.seen()); });
  hub.then([&] {
    hub.publish("t", {"a1", "a2"}, "a");
    hub.publish("t", {"x", "y"});
    hub.publish("t", {"b1"}, "b");
    hub.publish("t", {"a3"}, "a");
  });
  hub.wait_for_words(reader, 4);
  hub.run();

  EXPECT_EQ(words_of(*reader), (Words{"x", "y", "b1", "a3"}));
}

TEST(SubscriptionClass, ARateAloneGathersAndLeavesNothingOut) {
  RatedHub hub;
  FakeStreamHandle* reader = nullptr;
  size_t writes_before = 0;
  hub.then([&] { reader = hub.read({"t"}, 50, false, hub.seen()); });
  hub.then([&] { hub.publish("t", {"1"}); });
  hub.wait_for_words(reader, 1);
  hub.then([&] {
    writes_before = reader->socket().writes();
    hub.publish("t", {"2", "3", "4"}, "k");
  });
  hub.wait_for_words(reader, 4);
  hub.run();

  EXPECT_EQ(words_of(*reader), (Words{"1", "2", "3", "4"}));
  EXPECT_EQ(reader->socket().writes(), writes_before + 1);
}

TEST(SubscriptionClass, BatchesFollowEachOtherNoFasterThanTheRate) {
  RatedHub hub;
  FakeStreamHandle* reader = nullptr;
  std::chrono::steady_clock::time_point first;
  std::chrono::steady_clock::time_point second;
  hub.then([&] { reader = hub.read({"t"}, 20, false, hub.seen()); });
  hub.then([&] { hub.publish("t", {"1"}); });
  hub.wait_for_words(reader, 1);
  hub.then([&] {
    first = std::chrono::steady_clock::now();
    hub.publish("t", {"2"});
  });
  hub.wait_for_words(reader, 2);
  hub.then([&] { second = std::chrono::steady_clock::now(); });
  hub.run();

  // 50 ms apart, less what had passed since the first batch when it was seen.
  EXPECT_GE(second - first, std::chrono::milliseconds(20));
}

TEST(SubscriptionClass, AReaderThatIsBehindGetsWholeWindowsWithoutThePause) {
  RatedHub hub;
  FakeStreamHandle* reader = nullptr;
  hub.then([&] {
    hub.publish("t", {"a1", "a2"}, "a");
    hub.publish("t", {"b1"}, "b");
  });
  hub.wait_for([&] { return hub.seen() == hub.end(); });
  hub.then([&] { reader = hub.read({"t"}, 0.01, true, kBeforeEverything); });
  hub.wait_for_words(reader, 2);
  hub.run();

  EXPECT_EQ(words_of(*reader), (Words{"a2", "b1"}));
}

TEST(SubscriptionClass, AReaderThatJoinsWithinAWindowGetsWhatItLacksAndNothingTwice) {
  RatedHub hub;
  FakeStreamHandle* early = nullptr;
  FakeStreamHandle* late = nullptr;
  hub.then([&] { early = hub.read({"t"}, 5, false, hub.seen()); });
  hub.then([&] { hub.publish("t", {"1"}); });
  hub.wait_for_words(early, 1);
  hub.then([&] { hub.publish("t", {"2", "3"}); });
  hub.wait_for([&] { return hub.seen() == hub.end(); });
  hub.then([&] {
    late = hub.read({"t"}, 5, false, hub.seen());
    hub.publish("t", {"4"});
  });
  hub.wait_for_words(early, 4);
  hub.wait_for_words(late, 1);
  hub.run();

  EXPECT_EQ(words_of(*early), (Words{"1", "2", "3", "4"}));
  EXPECT_EQ(words_of(*late), (Words{"4"}));
}

TEST(SubscriptionClass, WhatIsRemovedWithinAWindowIsToldAsAGap) {
  RatedHub hub;
  FakeStreamHandle* reader = nullptr;
  hub.then([&] { reader = hub.read({"mem"}, 20, false, hub.seen()); });
  hub.then([&] { hub.publish("mem", {"1"}); });
  hub.wait_for_words(reader, 1);
  hub.then([&] { hub.publish("mem", {"2", "3"}); });  // the topic holds one event
  hub.wait_for([&] { return std::ranges::count(words_of(*reader), "3") > 0; });
  hub.run();

  const Words words = words_of(*reader);
  EXPECT_TRUE(words == (Words{"1", "2", "3"}) || words == (Words{"1", kGap, "3"}))
      << "an event without key was left out and nobody said so";
}

TEST(SubscriptionClass, AMarkThatRisesWhileAReaderWaitsForItsFirstBatchLosesNothing) {
  RatedHub hub;
  const std::vector<std::string> topics = {"a", "b"};
  FakeStreamHandle* slow = nullptr;
  FakeStreamHandle* witness = nullptr;
  FakeStreamHandle* late = nullptr;
  hub.then([&] {
    slow = hub.read(topics, 5, false, hub.seen(), 1);
    witness = hub.read(topics, 5, false, hub.seen());
  });
  hub.then([&] { hub.publish("a", {"a1"}); });
  hub.wait_for_words(witness, 1);  // and the slow one owes the rest of it
  hub.then([&] { hub.publish("b", {"b1"}); });
  hub.wait_for([&] { return hub.seen() == hub.end(); });
  hub.then([&] {
    late = hub.read(topics, 5, false, hub.seen());
    hub.publish("b", {"b2"});
    hub.trim_all("a");
  });
  hub.wait_for_words(late, 1);
  hub.wait_for_words(witness, 3);
  hub.then([&] { hub.open_all(); });
  hub.wait_for([&] { return std::ranges::count(words_of(*slow), "b2") > 0; });
  hub.run();

  EXPECT_EQ(words_of(*late), (Words{"b2"}));
  EXPECT_EQ(words_of(*witness), (Words{"a1", "b1", "b2"}));
  EXPECT_EQ(words_of(*slow).front(), "a1");  // its first byte was sent
}

}  // namespace
}  // namespace carillon
