// What the committer writes and readers read, behind one mutex.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "log/journal_index.h"
#include "log/log.h"
#include "log/memory_topics.h"
#include "log/segment.h"
#include "log/topic_table.h"

namespace carillon {

// Why no spare journal is ready.
enum class SpaceState {
  fine,
  filling,  // one is being filled
  full,     // the disk has no room for one
};

// Sections under the mutex are short: a commit's index entries, a read's look-ups; never a call to
// the disk.
struct LogState {
  mutable std::mutex mutex;

  // Guarded by `mutex`.
  TopicTable topics;
  std::vector<std::shared_ptr<Segment>> segments;  // by position
  std::deque<std::shared_ptr<JournalIndex>>
      journals;                                 // unsealed, oldest first; the last is being written
  std::deque<std::shared_ptr<Journal>> spares;  // by id
  std::unordered_map<uint32_t, MemoryTopic> memory;  // by topic number
  std::map<std::string, std::string> checkpoints;    // by source, the last of each
  std::vector<Damage> damages;                       // what readers are told
  SpaceState space = SpaceState::fine;
  uint64_t next_journal = 1;  // the id of the next spare to be filled
  Position reserved;          // positions up to here may have been shown
  LogStats stats;

  std::atomic<uint64_t> durable_end{0};
  std::atomic<bool> failed{false};

  // Why nothing more is taken for memory topics, all of them together.
  uint64_t memory_bytes = 0;  // guarded by `mutex`

  // Housekeeping has something to do.
  std::condition_variable housekeeping;
  bool housekeeping_wanted = false;
  // Spares or seals are behind what comes in. Under the mutex.
  bool is_housekeeping_urgent() const {
    return spares.size() + 1 < kSparesWanted || journals.size() > kRolledWanted + 1;
  }
};

// Adds to what readers are told, unless the place is known; false when it was. Under the mutex.
bool note_damage(LogState& state, Damage damage);
// Forgets damage of events that are removed by now. Under the mutex.
void prune_damages(LogState& state);

}  // namespace carillon
