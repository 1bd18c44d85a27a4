// The idempotency window: which publishes were stored before. Owned by the committer alone.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "event/cursor.h"
#include "log/log.h"

namespace carillon {

struct Repeat {
  Digest key;
  Digest body;
  Position first;
  Position last;
  uint32_t count = 0;
  WallTime stored_at{};
  Durability durability = Durability::disk;  // one at `memory` is never written down
  std::string made_id;                       // of a single event that came without one
};

// Remembers for 24 h and at most 2 million entries, the oldest leaving first; also beyond the life
// of its event.
class RepeatWindow {
 public:
  const Repeat* find(const Digest& key) const;
  // Keys already there are replaced. Beyond the bound the oldest leave.
  void add(Repeat repeat);
  // What was stored more than a day before `now` leaves.
  void expire(WallTime now);
  // What was remembered was not stored after all.
  void forget(const Digest& key) { by_key_.erase(key); }
  size_t size() const { return by_key_.size(); }

 private:
  void remove_oldest();

  std::unordered_map<Digest, Repeat, DigestHash> by_key_;
  std::deque<std::pair<WallTime, Digest>> in_order_;
};

// As a record of the log (RecordKind::repeat).
void append_repeat_record(std::string& out, const Repeat& repeat);
std::optional<Repeat> parse_repeat_record(std::string_view record);

}  // namespace carillon
