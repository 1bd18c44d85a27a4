// One seal: from a full journal to a segment, the publishes it remembered, and the state behind it.
#pragma once

#include <memory>
#include <optional>

#include "base/logger.h"
#include "log/log_state.h"
#include "log/pace.h"
#include "log/state_file.h"

namespace carillon {

struct Sealed {
  std::shared_ptr<Segment> segment;       // null when no event of the journal lives
  bool damaged = false;                   // the journal holds what could not be read: it is kept
  std::optional<WallTime> newest_repeat;  // of the repeats file, when one was written
  StoredState state;                      // as it was written
};

// Reads the journal, writes segment, repeats and state (in this order, each synced), and opens the
// segment. What cannot be read is noted as damage and left behind in the journal. On return the
// state's file names the journal as replaced; the caller swaps them in memory.
Result<Sealed> seal_journal(Disk& disk, LogState& state, const JournalIndex& index, uint64_t number,
                            Logger& logger, const Pace& pace);

// Topics, checkpoints, damages and segments as they are now, into a state of the same seal.
void take_state_now(LogState& state, StoredState& stored);

}  // namespace carillon
