#include "out/fan_out.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/embedded_log.h"
#include "out/gap.h"
#include "out/stream_reader.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kHeartbeat{15'000};
constexpr seconds kStall{30};

struct Settings {
  size_t tail_bytes = 64 * kMiB;
  std::optional<uint64_t> memory_events;  // of each `mem.*` topic
};

// One loop of a hub over a log on a fake disk, whose threads the test plays.
class Hub {
 public:
  explicit Hub(Settings settings = {})
      : settings_(settings),
        log_(*EmbeddedLog::open(disk_, clock_, random_, logger_, options())),
        hub_(*log_, pool_.pool(), mail_.post(), settings.tail_bytes),
        fan_out_(loop_, hub_, {.heartbeat = kHeartbeat, .stall = kStall}) {}

  ~Hub() { pool_.run_all(); }

  // Gathered until the next commit.
  void gather(const std::string& topic, std::string_view data, std::string_view key = "",
              std::string_view type = "") {
    const Event event{.id = "e",
                      .type = std::string(type),
                      .data_content_type = "text/plain",
                      .key = std::string(key),
                      .data = std::string(data),
                      .form = DataForm::text};
    Append append;
    append.items.push_back({.topic = topic});
    append_event_record(append.records, event, TopicId(), topic);
    hub_.publish(std::move(append), [this](const Result<Appended>& appended) {
      ASSERT_TRUE(appended) << appended.error().detail;
      last_ = appended->last;
    });
  }
  // The committer's turn: synced and told, but the loop has not looked at its mail.
  void commit() {
    if (log_->stats().spares == 0) log_->keep_house();
    hub_.hand_over();
    log_->commit_waiting();
  }
  void publish(const std::string& topic, std::string_view data, std::string_view key = "",
               std::string_view type = "") {
    gather(topic, data, key, type);
    commit();
  }
  void trim(const std::string& topic, Position before) {
    log_->trim(topic, before, [](const Result<>& done) { ASSERT_TRUE(done); });
    commit();
  }
  void take_mail() { mail_.run_all(); }
  void end_turn() {
    while (fan_out_.on_turn_end()) {
    }
  }
  // Turns, reads and writable sockets, until nothing moves any more.
  void settle() {
    for (int idle = 0; idle < 2; ++idle) {
      pool_.run_all();
      bool moved = mail_.waiting() > 0;
      take_mail();
      end_turn();
      for (auto& handle : handles_) moved = handle->tell_writable() || moved;
      if (moved) idle = -1;
    }
  }

  static ClassKey key_of(std::vector<std::string> topics, Filter filter = {}) {
    ClassKey key{.filter = std::move(filter),
                 .form = {.kind = StreamKind::sse, .framing = StreamFraming::plain}};
    for (const auto& topic : topics) key.topics.push_back(*TopicPattern::parse(topic));
    return key;
  }
  // A reader that begins behind `after`, told of every mark until now.
  FakeStreamHandle& read(ClassKey key, Position after) {
    auto& handle =
        *handles_.emplace_back(std::make_unique<FakeStreamHandle>(loop_, handles_.size() + 1));
    auto reader = std::make_unique<StreamReader>(
        fan_out_, StreamReader::Start{std::move(key), after, hub_.mark_number()});
    StreamReader& begun = *reader;
    handle.own(std::move(reader));
    begun.begin(handle);
    return handle;
  }
  FakeStreamHandle& read(const std::string& topic) {
    return read(key_of({topic}), hub_.tail().end());
  }
  // One that is a row of its class already.
  FakeStreamHandle& live(const std::string& topic) {
    auto& handle = read(topic);
    settle();
    return handle;
  }

  FanOut& fan_out() { return fan_out_; }
  LocalHub& hub() { return hub_; }
  Loop& loop() { return loop_; }
  HeldPool& pool() { return pool_; }
  // Of the event whose answer was heard last.
  Position last() const { return last_; }
  MonotonicTime later(milliseconds by) const { return loop_.now() + by; }

 private:
  EmbeddedLog::Options options() {
    return {.settings_for =
                [this](std::string_view topic) {
                  TopicSettings settings;
                  if (!topic.starts_with("mem.")) return settings;
                  settings.durability = Durability::memory;
                  settings.retention.count = settings_.memory_events;
                  return settings;
                },
            .journal_bytes = kJournalBytesMin,
            .log_bytes_max = 1ULL << 30,
            .threads = EmbeddedLog::Threads::none};
  }

  Settings settings_;
  FakeDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  NullLogger logger_;
  std::unique_ptr<EmbeddedLog> log_;
  Loop loop_{0};
  PlayedMail mail_;
  HeldPool pool_;
  LocalHub hub_;
  FanOut fan_out_;
  std::vector<std::unique_ptr<FakeStreamHandle>> handles_;  // dies before what its readers borrow
  Position last_;
};

std::vector<SseEvent> frames_of(const FakeStreamHandle& handle) {
  SseParser parser;
  std::vector<SseEvent> frames;
  EXPECT_TRUE(parser.feed(handle.received(), frames));
  return frames;
}

using Words = std::vector<std::string>;

// What it was given: data of events, and the names of the hub's own frames in brackets.
Words words_of(const FakeStreamHandle& handle) {
  Words words;
  for (const SseEvent& frame : frames_of(handle)) {
    words.push_back(frame.type == "message" ? frame.data : "[" + frame.type + "]");
  }
  return words;
}

const std::string kGap = "[carillon.gap]";
const std::string kCursor = "[carillon.cursor]";
const std::string kBye = "[carillon.bye]";

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

TEST(FanOut, ASocketThatTakesAnyNumberOfBytesLosesNoneAndDoublesNone) {
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

TEST(FanOut, ABlockedReaderFallsBehindTheSharedFramesAndCatchesUpFromTheTail) {
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

TEST(FanOut, ABlockedReaderThatTheTailHasLeftBehindCatchesUpFromTheLog) {
  Hub hub({.tail_bytes = 100'000});
  auto& slow = hub.live("news");
  slow.socket().give_room(70'001);

  const Words all = publish_many(hub, 60, 50'000);
  slow.make_writable();
  hub.settle();

  EXPECT_EQ(words_of(slow), all);
}

TEST(FanOut, ABurstLargerThanOneGatheredWriteArrivesWholeWithoutAnotherEvent) {
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

TEST(FanOut, AReaderThatTakesNothingForTheStallTimeIsCut) {
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

TEST(FanOut, AReaderThatGoesAwayUnderAWalkLeavesTheOthersInPeace) {
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

TEST(FanOut, ManyReadersAreServedInSlicesAndAllAreServed) {
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

TEST(FanOut, WhatComesWhileAWalkIsUnderWayReachesThoseItHasPassed) {
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
