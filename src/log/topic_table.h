// Every topic of the log: its number, name, low-water mark and what it holds.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "log/log.h"

namespace carillon {

// One topic. Rows stay for the life of the log: a topic made again goes on in the log's order under
// its old number and mark, so that an old cursor meets a gap and never somebody else's events.
struct TopicRow {
  TopicId id;
  std::string name;
  TopicSettings settings;
  bool listed = false;    // it exists for users: made, and not deleted since
  bool dropping = false;  // not listed any more, but its deletion is not durable yet
  Position mark;          // of its last removed event
  MarkReason mark_reason = MarkReason::expired;
  uint64_t mark_number = 0;  // when the mark last rose, counted over the whole log
  Position last;             // of its newest event ever; 0 before the first
  uint64_t appended = 0;     // events since this start: what retention compares to see a change
  uint64_t counted = 0;      // `appended` when retention last counted
};

// Memory topics have numbers of their own, never written down.
inline constexpr uint32_t kMemoryTopicBit = 0x80000000U;
inline bool is_memory_topic(TopicId id) { return (id.value & kMemoryTopicBit) != 0; }

// Guarded by the mutex of the log's state; names and rows never move.
class TopicTable {
 public:
  TopicRow* find(std::string_view name);
  TopicRow* find(TopicId id);
  // A new row; `id` 0 gives the next number of its durability.
  TopicRow& add(std::string_view name, TopicSettings settings, TopicId id = {});
  // The number, of a topic at level `disk`, is never given to a new row.
  void skip_number(TopicId id);
  // Rows in the order they came.
  const std::deque<TopicRow>& rows() const { return rows_; }
  std::deque<TopicRow>& rows() { return rows_; }
  size_t listed() const { return listed_; }
  void set_listed(TopicRow& row, bool listed);

  // Raises the mark; false when it is not above the old one.
  bool raise_mark(TopicRow& row, Position mark, MarkReason reason);
  uint64_t mark_number() const { return mark_number_; }

  // Rows by name, for listing.
  const std::map<std::string_view, TopicRow*>& by_name() const { return by_name_; }

 private:
  std::deque<TopicRow> rows_;
  std::map<std::string_view, TopicRow*> by_name_;
  std::unordered_map<std::string_view, TopicRow*> index_;
  std::vector<TopicRow*> disk_rows_;    // by number
  std::vector<TopicRow*> memory_rows_;  // by number without the bit
  size_t listed_ = 0;
  uint64_t mark_number_ = 0;
};

// Which topics a reader wants. Resolves patterns incrementally: a topic is matched once, when it
// comes.
class TopicSelection {
 public:
  explicit TopicSelection(std::vector<TopicPattern> patterns);

  const std::vector<TopicPattern>& patterns() const { return patterns_; }
  // The one topic it names, or null when there are several or a wildcard.
  const std::string* single() const;

  // Takes note of topics that came since; called under the mutex that guards `table`.
  void refresh(TopicTable& table);
  // Valid until the next refresh, under the same mutex.
  const std::vector<TopicRow*>& rows() const { return rows_; }
  bool contains(TopicId id) const;
  bool has_memory_topics() const { return has_memory_; }

 private:
  void choose(TopicId id);

  std::vector<TopicPattern> patterns_;
  size_t seen_ = 0;
  std::vector<TopicRow*> rows_;
  std::vector<bool> disk_;    // by number
  std::vector<bool> memory_;  // by number without the bit
  bool has_memory_ = false;
};

}  // namespace carillon
