// The events of `memory` topics: cursors, presence, ticks. Bounded a topic, gone with the process.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "event/record.h"

namespace carillon {

// One memory topic. Removes the oldest first, the last event of each key last: what a late joiner
// of presence needs outlives what is superseded. Guarded by the mutex of the log's state.
class MemoryTopic {
 public:
  struct Limits {
    uint64_t events = 0;
    uint64_t bytes = 0;
  };

  // Adds an event and removes what is too much. The highest position removed, 0 when none was.
  Position add(Position position, std::string_view record, std::string_view key, Limits limits);
  // Removes every event up to `mark`.
  void remove_until(Position mark);

  uint64_t events() const { return records_.size(); }
  uint64_t bytes() const { return bytes_; }
  Position first() const { return records_.empty() ? Position() : records_.begin()->first; }
  const std::map<Position, std::string>& records() const { return records_; }

 private:
  void remove(Position position);

  std::map<Position, std::string> records_;
  std::map<Position, std::string> key_of_;  // events that are the last of their key
  std::unordered_map<std::string, Position, StringHash, std::equal_to<>> last_of_key_;
  std::set<Position> superseded_;  // events without key, or not the last of theirs
  uint64_t bytes_ = 0;
};

}  // namespace carillon
