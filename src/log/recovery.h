// What an open does: from the files of a log directory to the state that a crash left behind.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/logger.h"
#include "base/random.h"
#include "log/log_state.h"
#include "log/repeat_window.h"
#include "log/state_file.h"

namespace carillon {

struct Recovered {
  Epoch epoch;
  uint64_t sequence = 0;                               // of the last frame
  Position last;                                       // durable end, reserved positions included
  WallTime stored_at{};                                // of the last frame
  StoredState state;                                   // of the last seal
  std::vector<std::pair<uint64_t, WallTime>> repeats;  // number and newest entry of each file
  std::vector<Error> lost_repeats;                     // files of them that cannot be read
};

enum class RecoveryMode {
  open,  // the log will be written: what a crash left is settled and cleared away
  look,  // nothing on the disk is changed
};

// Brings `state` and `repeats` to what the files hold. A torn frame at the end of the last journal
// is dropped; damage anywhere else is noted by file and position and the rest goes on. What an
// unfinished seal left is removed; what is merely not understood never is. A directory without a
// log becomes a new one with an epoch from `random`. Errc::conflict: a later release wrote it.
//
// Replaying a record twice changes nothing, so a crash during recovery is a crash before it. What
// it gives is on the disk when it returns, also when the process that wrote it was killed before
// its sync: nobody is shown what a loss of power could still take.
Result<Recovered> recover(Disk& disk, LogState& state, RepeatWindow& repeats, Random& random,
                          Logger& logger,
                          const std::function<TopicSettings(std::string_view)>& settings_for,
                          RecoveryMode mode);

}  // namespace carillon
