#include "out/stream_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/embedded_log.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::milliseconds;

// Small, so that readers run out of the tail all the time.
constexpr size_t kTailBytes = 40'000;
constexpr uint64_t kMemoryEvents = 4;

struct StoredOnce {
  std::string topic;
  std::string type;
  std::string data;
};

// What became visible, as the log's own announcements say it: what every reader is held against.
class Model : public Watcher {
 public:
  void on_turn(std::shared_ptr<const Commit> commit) override {
    if (commit == nullptr) return;
    for (const EventView& event : commit->events) {
      events[event.position().value] = {std::string(event.topic()),
                                        std::string(event.attributes().type),
                                        std::string(event.data())};
    }
    for (const RaisedMark& raised : commit->marks) {
      uint64_t& mark = marks[std::string(raised.name)];
      mark = std::max(mark, raised.mark.value);
    }
  }
  bool removed(uint64_t position, const StoredOnce& event) const {
    const auto mark = marks.find(event.topic);
    return mark != marks.end() && position <= mark->second;
  }

  std::map<uint64_t, StoredOnce> events;  // by position
  std::map<std::string, uint64_t> marks;
};

// A reader and what it was promised.
struct Promised {
  std::unique_ptr<FakeStreamHandle> handle;
  ClassKey key;
  uint64_t after = 0;
  std::set<uint64_t> gone_before;  // removed before it came, and it did not ask for a gap
};

// One loop of a hub over a log on a fake disk, whose threads chance plays.
class Seam {
 public:
  explicit Seam(uint64_t seed)
      : random_(seed),
        log_(*EmbeddedLog::open(disk_, clock_, random_, logger_, options())),
        hub_(*log_, pool_.pool(), mail_.post(), kTailBytes),
        fan_out_(loop_, hub_,
                 {.heartbeat = milliseconds(15'000), .stall = std::chrono::hours(1'000)}) {
    log_->watch(model_);
  }
  ~Seam() { pool_.run_all(); }

  void step();
  // Every socket takes everything; nothing moves any more afterwards.
  void settle();
  void check_all() const {
    for (const auto& reader : readers_) check(*reader);
  }

 private:
  static EmbeddedLog::Options options() {
    return {.settings_for =
                [](std::string_view topic) {
                  TopicSettings settings;
                  if (!topic.starts_with("mem")) return settings;
                  settings.durability = Durability::memory;
                  settings.retention.count = kMemoryEvents;
                  return settings;
                },
            .journal_bytes = kJournalBytesMin,
            .log_bytes_max = 1ULL << 30,
            .threads = EmbeddedLog::Threads::none};
  }

  std::string any_topic() {
    static const std::vector<std::string> kTopics = {"a", "a", "b.x", "b.y", "mem", "c"};
    return kTopics[random_.below(kTopics.size())];
  }
  Position any_position() {
    const uint64_t end = log_->durable_end().value;
    return Position{random_.below(3) == 0 ? random_.below(end + 1)
                                          : end - random_.below(std::min<uint64_t>(end, 8) + 1)};
  }
  Promised* any_reader() {
    return readers_.empty() ? nullptr : readers_[random_.below(readers_.size())].get();
  }
  void publish();
  void commit() {
    if (log_->stats().spares == 0) log_->keep_house();
    hub_.hand_over();
    log_->commit_waiting();
  }
  void begin_reader();
  void check(const Promised& reader) const;
  void check_gaps(const Promised& reader, const std::vector<SseEvent>& frames) const;

  SeededRandom random_;
  FakeDisk disk_;
  FakeClock clock_;
  NullLogger logger_;
  Model model_;
  std::unique_ptr<EmbeddedLog> log_;
  Loop loop_{0};
  PlayedMail mail_;
  HeldPool pool_;
  LocalHub hub_;
  FanOut fan_out_;
  milliseconds swept_{0};
  uint64_t number_ = 0;
  std::vector<std::unique_ptr<Promised>> readers_;  // die before what they borrow
};

void Seam::publish() {
  const auto topic = any_topic();
  const size_t size = random_.below(10) == 0 ? random_.below(60'000) : random_.below(200);
  const Event event{.id = std::to_string(++number_),
                    .type = random_.below(2) == 0 ? "x" : "y",
                    .data_content_type = "text/plain",
                    .key = random_.below(2) == 0 ? "k" : "",
                    .data = std::to_string(number_) + std::string(size, '.'),
                    .form = DataForm::text};
  Append append;
  append.items.push_back({.topic = topic});
  append_event_record(append.records, event, TopicId(), topic);
  hub_.publish(std::move(append), [](const Result<Appended>&) {});
}

void Seam::begin_reader() {
  static const std::vector<std::vector<std::string>> kTopics = {
      {"a"}, {"mem"}, {"a", "mem"}, {"b.*"}, {"**"}};
  auto reader = std::make_unique<Promised>();
  reader->key.form = {.kind = StreamKind::sse, .framing = StreamFraming::plain};
  for (const auto& topic : kTopics[random_.below(kTopics.size())])
    reader->key.topics.push_back(*TopicPattern::parse(topic));
  if (random_.below(3) == 0) reader->key.filter.type = "x";
  Position after;
  uint64_t told = 0;
  switch (random_.below(3)) {
    case 0: after = any_position(); break;  // told of every mark above it
    case 1:
      after = log_->durable_end();
      told = hub_.mark_number();
      break;
    default:
      told = log_->mark_number();
      for (const auto& [position, event] : model_.events) {
        if (model_.removed(position, event)) reader->gone_before.insert(position);
      }
  }
  reader->after = after.value;
  reader->handle = std::make_unique<FakeStreamHandle>(loop_, readers_.size() + 1);
  if (random_.below(2) == 0) reader->handle->socket().give_room(random_.below(2'000));
  auto owner =
      std::make_unique<StreamReader>(fan_out_, StreamReader::Start{reader->key, after, told});
  StreamReader& begun = *owner;
  reader->handle->own(std::move(owner));
  readers_.push_back(std::move(reader));
  begun.begin(*readers_.back()->handle);
}

void Seam::step() {
  Promised* reader = any_reader();
  switch (random_.below(16)) {
    case 0:
    case 1:
    case 2:
      for (uint64_t i = random_.below(4); i > 0; --i) publish();
      return;
    case 3:
    case 4: return commit();
    case 5:
    case 6: mail_.run_one(); return;
    case 7:
    case 8: fan_out_.on_turn_end(); return;
    case 9: return pool_.run_all();
    case 10:
      if (reader != nullptr) reader->handle->make_writable(random_.below(3'000));
      return;
    case 11:
      if (reader != nullptr) reader->handle->make_writable(random_.below(200'000));
      return;
    case 12:
      if (reader != nullptr) reader->handle->socket().block();
      return;
    case 13:
      if (random_.below(2) == 0) log_->trim(any_topic(), any_position(), [](const Result<>&) {});
      if (random_.below(12) == 0) log_->drop(any_topic(), [](const Result<>&) {});
      return;
    case 14:
      log_->keep_house();
      swept_ += milliseconds(random_.below(20'000));
      fan_out_.on_sweep(loop_.now() + swept_);
      return;
    default:
      if (readers_.size() < 12) begin_reader();
  }
}

void Seam::settle() {
  for (auto& reader : readers_) reader->handle->make_writable();
  for (int idle = 0; idle < 2; ++idle) {
    commit();
    pool_.run_all();
    bool moved = mail_.waiting() > 0;
    mail_.run_all();
    while (fan_out_.on_turn_end()) {
    }
    for (auto& reader : readers_) moved = reader->handle->tell_writable() || moved;
    if (moved) idle = -1;
  }
}

uint64_t position_in(const std::string& id) {
  const auto cursor = Cursor::parse(id);
  RC_ASSERT(cursor.has_value());
  return cursor->after.value;
}

// Events are the model's, each once, in order; ids never go back.
void Seam::check(const Promised& reader) const {
  SseParser parser;
  std::vector<SseEvent> frames;
  RC_ASSERT(parser.feed(reader.handle->received(), frames).has_value());
  RC_ASSERT(!reader.handle->was_cut());
  uint64_t last_event = reader.after;
  uint64_t last_id = 0;
  for (const SseEvent& frame : frames) {
    const uint64_t position = position_in(frame.last_event_id);
    RC_ASSERT(position >= last_id);
    last_id = position;
    if (frame.type != "message") continue;
    RC_ASSERT(position > last_event);
    last_event = position;
    const auto found = model_.events.find(position);
    RC_ASSERT(found != model_.events.end());
    RC_ASSERT(frame.data == found->second.data);
    RC_ASSERT(any_matches(reader.key.topics, found->second.topic));
    RC_ASSERT((reader.key.filter.type.empty() || found->second.type == "x"));
  }
  check_gaps(reader, frames);
}

// Whatever it should have been given and was not, a gap told it of before its id went past.
void Seam::check_gaps(const Promised& reader, const std::vector<SseEvent>& frames) const {
  std::set<uint64_t> given;
  for (const SseEvent& frame : frames) {
    if (frame.type == "message") given.insert(position_in(frame.last_event_id));
  }
  const auto told_of = [&](uint64_t position, const std::string& topic) {
    for (const SseEvent& frame : frames) {
      if (position_in(frame.last_event_id) >= position) return false;
      if (frame.type == "carillon.gap" &&
          frame.data.find("{\"topic\":\"" + topic + "\"") != std::string::npos) {
        return true;
      }
    }
    return false;
  };
  for (const auto& [position, event] : model_.events) {
    if (position <= reader.after || given.contains(position)) continue;
    if (!any_matches(reader.key.topics, event.topic)) continue;
    if (!reader.key.filter.type.empty() && event.type != reader.key.filter.type) continue;
    if (reader.gone_before.contains(position)) continue;
    if (!model_.removed(position, event) || !told_of(position, event.topic)) {
      RC_FAIL(
          "position " + std::to_string(position) + " of " + event.topic +
          " is missing without a gap; removed: " + std::to_string(model_.removed(position, event)));
    }
  }
}

// Joining live and history is where streams lose or double events: all orders are tried.
RC_GTEST_PROP(StreamReader, WhateverHappensAroundItAReaderGetsEveryEventOnceOrAGap,
              (uint64_t seed)) {
  Seam seam(seed);

  for (int i = 0; i < 250; ++i) seam.step();
  seam.settle();

  seam.check_all();
}

// Enough bytes for segments to be sealed and read back.
RC_GTEST_PROP(StreamReader, ALongLifeIsAsOrderlyAsAShortOne, (uint64_t seed)) {
  Seam seam(seed ^ 0x5eed);

  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) seam.step();
    seam.settle();
    seam.check_all();
  }
}

}  // namespace
}  // namespace carillon
