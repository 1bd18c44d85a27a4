// The log: every event once, in one order, durable before it is acknowledged. This is the whole
// interface; the embedded engine (embedded_log.h) is one implementation.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "event/cursor.h"
#include "event/record.h"
#include "event/topic.h"

namespace carillon {

enum class Durability {
  disk,    // acknowledged after the sync
  memory,  // acknowledged when visible; gone with the process
};

std::string_view name_of(Durability durability);

// How long a topic's events are kept. Absent: no such limit.
struct Retention {
  std::optional<std::chrono::seconds> age;
  std::optional<uint64_t> count;
  std::optional<uint64_t> bytes;
};

struct TopicSettings {
  Durability durability = Durability::disk;
  Retention retention;
};

// What is stored of an identified publish, so that a repeat of it is recognised.
struct RepeatKey {
  Digest key;   // of topic and Idempotency-Key, or of topic, source and id
  Digest body;  // of what a true repeat has equal
};

// One event of an append, its record encoded by append_event_record at [offset, …) of
// Append::records.
struct AppendItem {
  std::string topic;
  uint32_t offset = 0;
  std::optional<RepeatKey> repeat;  // the event has an id of its own
  Position given;                   // 0: the log gives the next one
};

// How far a source was read, stored in the same frame as the events that were read from it.
struct Checkpoint {
  std::string source;
  std::string value;
};

// What became of an append.
struct Appended {
  Position first;  // of the events stored now; of the first storing when all is a repeat
  Position last;
  uint32_t stored = 0;    // events stored now
  uint32_t repeated = 0;  // items left out because they were stored before
  bool repeat = false;    // nothing was stored: the whole append was before
  WallTime stored_at{};
  Durability durability = Durability::disk;
  std::string id;  // on a repeat by Idempotency-Key: the id that was made for the first storing
};

// All or nothing: its events lie in one frame, in order.
struct Append {
  std::vector<AppendItem> items;
  std::string records;
  std::optional<RepeatKey> repeat;  // Idempotency-Key: covers the whole
  std::string made_id;              // the id made for a single event that came without one
  std::optional<Checkpoint> checkpoint;
  // Called once, on the committer's thread, after the sync. Must not block.
  std::move_only_function<void(Result<Appended>)> done;
};

enum class MarkReason : uint8_t { expired = 1, deleted = 2 };

// A topic's low-water mark rose to `mark`: its events up to there are gone.
struct RaisedMark {
  TopicId topic;
  std::string_view name;
  Position mark;
  MarkReason reason = MarkReason::expired;
  // A memory topic at its bound: what a loop still has may be given, and the last of a key may live
  // below.
  bool evicted = false;
};

struct NewTopic {
  TopicId id;
  std::string_view name;  // lives as long as the log
  Durability durability = Durability::disk;
};

// What one turn of the committer made visible: shared by all loops, never changed.
struct Commit {
  std::string frame;
  std::string memory_records;
  std::vector<EventView> events;  // in position order, pointing into the two strings
  std::vector<NewTopic> topics;
  std::vector<RaisedMark> marks;
  Position durable_end;
  uint64_t mark_number = 0;  // of the log after this commit (ReadResult::told_marks)
};

// Learns of every commit, in order.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // On the committer's thread, after the `done` of every append of this turn. `commit` is null when
  // nothing became visible. Must not block.
  virtual void on_turn(std::shared_ptr<const Commit> commit) = 0;
};

// Topics by name and pattern, resolved as topics come. Made by Log::select; thread-safe.
class TopicSelection;

struct ReadRequest {
  std::shared_ptr<TopicSelection> topics;
  Position after;
  size_t bytes_max = 0;
  size_t events_max = 0;
  uint64_t told_marks = 0;  // ReadResult::told_marks of the read before, 0 at first
};

// Bytes of the log that cannot be read: what a reader passing them is told.
struct Damage {
  std::string file;
  uint64_t offset = 0;
  Position after;  // the events lost lie behind this position…
  Position last;   // …and not behind this one
  TopicId topic;   // whose they were; 0: of any topic
};

struct ReadResult {
  std::shared_ptr<const void> keeps_alive;  // what `events` point into
  std::vector<EventView> events;            // in position order, behind `after`
  Position looked;                          // up to here nothing that was asked for was left out
  std::vector<RaisedMark> gaps;             // marks above `after`, raised since `told_marks`
  std::vector<Damage> damage;               // met between `after` and `looked`
  uint64_t told_marks = 0;
  Position newest;  // of any event ever of what was asked for
};

struct TopicBounds {
  std::string topic;
  Position oldest;  // 0 when it has no events
  Position newest;
  uint64_t events = 0;
  uint64_t bytes = 0;
  Durability durability = Durability::disk;
};

struct Capabilities {
  bool memory = false;
  bool disk = false;
  bool quorum = false;
  bool atomic_batches = false;
  bool given_positions = false;
};

struct LogStats {
  uint64_t events = 0;  // appended since start
  uint64_t bytes = 0;
  uint64_t commits = 0;
  uint64_t repeats = 0;
  uint64_t topics = 0;
  uint64_t segments = 0;
  uint64_t journals = 0;
  uint64_t spares = 0;
  uint64_t stored_bytes = 0;
  uint64_t damages = 0;
  Position durable_end;
  bool accepting = true;  // false: publishes are refused (full)
  bool failed = false;    // a sync failed; nothing is accepted any more
};

// All calls are thread-safe.
class Log {
 public:
  virtual ~Log() = default;

  virtual Capabilities capabilities() const = 0;
  virtual Epoch epoch() const = 0;
  virtual Position durable_end() const = 0;
  // The first position of this start: what lies below it and was at level `memory` is gone.
  virtual Position first_of_this_start() const = 0;

  // Hands over many appends at once. Each `done` is called exactly once, in order, from the
  // committer's thread; Errc::unavailable and Errc::full mean that nothing was stored.
  virtual void append(std::vector<Append> appends) = 0;

  virtual std::shared_ptr<TopicSelection> select(std::vector<TopicPattern> patterns) = 0;
  // Blocks on the disk: for the read pool and tools. Keeps nothing across calls.
  virtual Result<ReadResult> read(const ReadRequest& request) = 0;
  // The place behind which lie the newest `of_topic` events when one topic is named, else the
  // newest `of_log` of the whole log; a few more, or all there are.
  virtual Position look_back(TopicSelection& topics, uint64_t of_topic, uint64_t of_log) = 0;
  // The last position stored before `time`; 0 when there is none.
  virtual Position position_before(WallTime time) = 0;

  // From now on `watcher` hears of every commit; what was before is in `durable_end` and the
  // returned topics.
  virtual std::vector<NewTopic> watch(Watcher& watcher) = 0;
  // Returns once no call of `watcher` is under way. Not from inside one.
  virtual void unwatch(Watcher& watcher) = 0;

  // The last checkpoint of `source`; nothing when there is none.
  virtual std::optional<std::string> checkpoint(const std::string& source) = 0;

  virtual std::optional<TopicBounds> bounds(std::string_view topic) = 0;
  // Topics that match, by name, behind `after_name`; at most `limit`.
  virtual std::vector<TopicBounds> list(const TopicPattern& pattern, std::string_view after_name,
                                        size_t limit) = 0;
  // Every event of the topic before `before` is gone; its own event stays. Errc::not_found without
  // such a topic.
  virtual void trim(std::string topic, Position before,
                    std::move_only_function<void(Result<>)> done) = 0;
  virtual void drop(std::string topic, std::move_only_function<void(Result<>)> done) = 0;

  // A consistent copy in the empty or absent directory `to`. Blocks for as long as copying takes;
  // Errc::busy while another one is made.
  virtual Result<> snapshot(const std::string& to) = 0;
  virtual LogStats stats() = 0;
  // How often any mark has risen: ReadResult::told_marks of a reader that knows of all.
  virtual uint64_t mark_number() = 0;
  virtual std::vector<Damage> damages() = 0;
};

}  // namespace carillon
