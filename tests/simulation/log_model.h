// What an honest log must hold: the reference that a simulated one is held against.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "log/embedded_log.h"

namespace carillon {

// One event that somebody tried to publish. Its data names it.
struct TriedItem {
  std::string topic;
  std::string data;
  std::string id;  // an id of its own, by which a repeat is found; empty: none
};

// One append and what became of it.
struct Attempt {
  enum class Outcome {
    waiting,
    stored,   // acknowledged, or found after a crash
    repeat,   // answered with what was stored before
    refused,  // said not to be stored, or never written
    unknown,  // the log failed or lost power before it answered
  };
  std::vector<TriedItem> items;
  std::string key;  // Idempotency-Key; empty: none
  Outcome outcome = Outcome::waiting;
  bool given = false;  // with a position of its own, which may lie behind the log's end
};

// A reader's place, and what it was told of it.
struct ModelReader {
  std::vector<TopicPattern> patterns;
  Position cursor;
  uint64_t told = 0;                           // ReadResult::told_marks
  std::map<std::string, Position> told_marks;  // by topic
};

// Learns from the log's announcements and answers, and finds what contradicts them. The first
// contradiction stays.
//
// (Not a second log: it holds what was said, so that nothing of the engine's working is written
// down twice.)
class LogModel : public Watcher {
 public:
  explicit LogModel(std::function<bool(std::string_view)> is_memory)
      : is_memory_(std::move(is_memory)) {}

  const std::string& violation() const { return violation_; }
  // Notes a contradiction unless `holds`.
  bool expect(bool holds, std::string_view what);

  // In the order of the answers, which is the order of the hand-over.
  void answered(Attempt& attempt, const Result<Appended>& answer);
  void checkpointed(const std::string& value, bool acknowledged);
  void on_turn(std::shared_ptr<const Commit> commit) override;
  // The log failed while marks may have been in its frame.
  void controls_unknown() { controls_unknown_ = true; }

  // The process ends: what waited was never written, what lived in memory is gone.
  void life_ended(std::deque<Attempt>& attempts);
  // A new one has recovered the log.
  void recovered(EmbeddedLog& log, std::deque<Attempt>& attempts);

  // The marks that a reader which asks for no gap begins with.
  const std::map<std::string, Position>& marks() const { return marks_; }
  void check_read(ModelReader& reader, const ReadResult& result, Position durable_end);
  void check_bounds(EmbeddedLog& log, const std::string& topic);
  void check_position_before(EmbeddedLog& log, WallTime time);

  // What happened, for the report.
  struct Seen {
    uint64_t stored = 0;
    uint64_t repeats = 0;
    uint64_t repeats_expired = 0;
    uint64_t conflicts = 0;
    uint64_t refused_full = 0;
    uint64_t refused_unavailable = 0;
    uint64_t unknown_kept = 0;
    uint64_t unknown_lost = 0;
    uint64_t gaps = 0;
    uint64_t memory_gone = 0;
  };
  const Seen& seen() const { return seen_; }

 private:
  struct Visible {
    std::string topic;
    std::string data;
    WallTime stored_at{};
  };
  // What a repeat is recognised by.
  struct Remembered {
    std::string body;
    Position first;
    Position last;
    WallTime stored_at{};
    bool memory = false;
  };
  struct Acknowledged {
    const Attempt* attempt = nullptr;
    Appended appended;
  };

  std::string name_of_key(const Attempt& attempt) const;
  static std::string body_of(const Attempt& attempt);
  void check_repeat(const Attempt& attempt, const Appended& appended);
  void check_conflict(const Attempt& attempt);
  bool stored_in_turn(const Attempt& attempt) const;
  size_t check_stored(const Acknowledged& acknowledged, const Commit& commit, size_t from);
  void remember(const Attempt& attempt, const std::vector<Position>& positions, WallTime stored_at);
  void remember_items(const Attempt& attempt, const std::map<std::string, Position>& places,
                      WallTime stored_at);
  bool removed(Position position, const std::string& topic) const;
  Position mark_of(const std::string& topic) const;
  std::map<Position, Visible> everything_in(EmbeddedLog& log);
  void take_marks_of(EmbeddedLog& log);
  void check_nothing_lost(const std::map<Position, Visible>& found);
  void settle_unknown(const std::map<Position, Visible>& found, std::deque<Attempt>& attempts);
  void settle_one(Attempt& attempt, const std::map<std::string, Position>& fresh,
                  const std::map<Position, Visible>& found);

  std::function<bool(std::string_view)> is_memory_;
  std::string violation_;
  std::map<Position, Visible> visible_;      // everything ever shown, but memory of former lives
  std::map<std::string, Position> marks_;    // by topic
  std::map<std::string, Remembered> known_;  // by topic and key or id
  std::vector<Acknowledged> acknowledged_;   // of the turn under way
  Position shown_;                           // the highest position ever shown
  bool controls_unknown_ = false;
  std::optional<std::string> checkpoint_;
  std::set<std::string> checkpoints_possible_;
  Seen seen_;
};

}  // namespace carillon
