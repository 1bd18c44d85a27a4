// One loop of a hub for tests of the fan-out: its log, its readers' sockets and its threads are
// played by the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/embedded_log.h"
#include "net/websocket.h"
#include "out/stream_reader.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "wire/sse_parser.h"

namespace carillon {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr milliseconds kHeartbeat{15'000};
inline constexpr seconds kStall{30};

struct Settings {
  size_t tail_bytes = 64 * kMiB;
  std::optional<uint64_t> memory_events;  // of each `mem.*` topic
  size_t pinned_bytes_max = kPinnedBytesMax;
};

// One loop of a hub over a log on a fake disk, whose threads the test plays.
class Hub {
 public:
  explicit Hub(Settings settings = {})
      : settings_(settings),
        log_(*EmbeddedLog::open(disk_, clock_, random_, logger_, options())),
        hub_(*log_, pool_.pool(), mail_.post(), settings.tail_bytes),
        fan_out_(loop_, hub_,
                 {.heartbeat = kHeartbeat,
                  .stall = kStall,
                  .pinned_bytes_max = settings.pinned_bytes_max}) {}

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
  // A WebSocket whose handler is this.
  FakeStreamHandle& open_socket(std::unique_ptr<WebSocketHandler> handler) {
    auto& handle =
        *handles_.emplace_back(std::make_unique<FakeStreamHandle>(loop_, handles_.size() + 1));
    auto socket = std::make_unique<WebSocket>(
        WebSocket::Options{.message_bytes_max = kMiB, .ping = kHeartbeat, .stall = kStall},
        std::move(handler));
    WebSocket& begun = *socket;
    handle.own(std::move(socket));
    begun.begin(handle);
    return handle;
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

inline std::vector<SseEvent> frames_of(const FakeStreamHandle& handle) {
  SseParser parser;
  std::vector<SseEvent> frames;
  EXPECT_TRUE(parser.feed(handle.received(), frames));
  return frames;
}

using Words = std::vector<std::string>;

// What it was given: data of events, and the names of the hub's own frames in brackets.
inline Words words_of(const FakeStreamHandle& handle) {
  Words words;
  for (const SseEvent& frame : frames_of(handle)) {
    words.push_back(frame.type == "message" ? frame.data : "[" + frame.type + "]");
  }
  return words;
}

inline const std::string kGap = "[carillon.gap]";
inline const std::string kCursor = "[carillon.cursor]";
inline const std::string kBye = "[carillon.bye]";

}  // namespace carillon
