// The one writer of the log: takes what waits, makes one frame of it, syncs, and tells everybody.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/logger.h"
#include "log/log_state.h"
#include "log/repeat_window.h"

namespace carillon {

// Raises a topic's mark, or deletes it. The mark is exact: the position of an event that goes.
struct MarkRequest {
  std::string topic;
  Position mark;
  MarkReason reason = MarkReason::expired;
  bool drop = false;  // the mark is taken from what the topic holds when its turn comes
  std::move_only_function<void(Result<>)> done;
};

// Owned by the engine. submit() from any thread; commit_waiting() from the committer's thread
// alone, or from the test that plays it.
//
// One frame is in flight at a time: what arrives while it is synced becomes the next, so that a
// commit grows with the load and nothing ever waits for a timer. (Not a sync a publish: the disk
// gives some thousand a second.)
class Committer {
 public:
  struct Options {
    std::function<TopicSettings(std::string_view topic)> settings_for;
    uint64_t journal_bytes = 0;
    std::function<void(const Error&)> on_failed;  // a sync failed: the process must end
  };

  Committer(LogState& state, const Clock& clock, Logger& logger, Options options);

  void submit(std::vector<Append> appends);
  void submit(MarkRequest request);
  void watch(Watcher& watcher);
  void unwatch(Watcher& watcher);
  size_t waiting_bytes() const;
  // The time of storing of what would be committed now: follows the monotonic clock. Any thread.
  WallTime storing_clock() const;
  // The largest append of a journal of this size: a quarter of it.
  static uint64_t append_bytes_max(uint64_t journal_bytes) { return journal_bytes / 4; }
  // Remembered publishes are not forgotten by a clock that is doubted until then.
  void doubt_clock(MonotonicTime until) { doubted_until_ = until; }

  // Blocks until something waits or stop() was called; false after stop() when nothing waits any
  // more.
  bool wait();
  void stop();
  // One turn: a frame from the front of what waits, synced and told. Nothing waits: does nothing.
  void commit_waiting();

  // Recovery continues the log from here, before the first turn.
  void continue_from(uint64_t sequence, Position last, WallTime last_stored_at);
  RepeatWindow& repeats() { return repeats_; }

 private:
  // Refused on arrival, answered in its turn like everything else.
  struct Refused {
    std::move_only_function<void(Result<Appended>)> done;
  };
  using Work = std::variant<Append, MarkRequest, Refused>;
  struct Turn;
  struct Needs {
    bool disk = false;  // a record of its own in the frame
    bool memory = false;
    bool reservation = false;  // positions must be reserved first
  };

  std::vector<Work> take_waiting();
  size_t disk_bytes_of(const std::vector<Work>& work) const;
  void make_room(Turn& turn, size_t disk_bytes);
  void add(Turn& turn, Append& append);
  void add(Turn& turn, MarkRequest& request);
  void add(Turn& turn, Refused& refused);
  bool answer_repeat(Turn& turn, Append& append);
  void store_checkpoint(Turn& turn, const Checkpoint& checkpoint);
  Result<> check_items(const Append& append) const;
  Result<> check_room(const Turn& turn, const Append& append);
  Result<Needs> needs_of(const Append& append) const;
  TopicRow* topic_for(Turn& turn, const std::string& name);
  void store_item(Turn& turn, const Append& append, const AppendItem& item, Appended& appended);
  void remember(Turn& turn, const RepeatKey& key, const Appended& appended,
                const std::string& made_id);
  void raise(Turn& turn, TopicRow& row, Position mark, MarkReason reason);
  void reserve(Turn& turn);
  void write(Turn& turn);
  void publish(Turn& turn);
  void settle(Turn& turn);
  WallTime storing_time();
  Error refusal() const;

  LogState& state_;
  const Clock& clock_;
  Logger& logger_;
  Options options_;

  mutable std::mutex mutex_;  // guards waiting_, waiting_bytes_, stopping_, watchers_
  std::condition_variable wake_;
  std::deque<Work> waiting_;
  size_t waiting_bytes_ = 0;
  size_t waiting_appends_ = 0;
  bool stopping_ = false;
  std::vector<Watcher*> watchers_;
  std::mutex telling_;  // held while watchers are told, so that unwatch waits for it

  // The committer's thread alone.
  RepeatWindow repeats_;
  uint64_t sequence_ = 0;
  Position last_;
  WallTime last_stored_at_{};
  MonotonicTime doubted_until_{};
  // Never change.
  MonotonicTime started_;
  WallTime started_wall_;
};

// A topic's events up to `mark` are gone. Under the state's mutex; shared with recovery.
void apply_mark(LogState& state, TopicRow& row, Position mark, MarkReason reason);

}  // namespace carillon
