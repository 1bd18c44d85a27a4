// What must happen to the log's files, but never while a commit waits: filling spares, sealing,
// retention, giving space back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/logger.h"
#include "base/random.h"
#include "log/committer.h"
#include "log/log_state.h"
#include "log/retainer.h"
#include "log/seal.h"

namespace carillon {

// Owned by the engine; step() on the housekeeping thread alone, or from the test that plays it.
//
// A step that fails is tried again at the next one: unlike a journal's, its writes are done anew
// from the first byte, so no sync is ever repeated for pages that the kernel has given up.
class Housekeeper {
 public:
  struct Options {
    uint64_t journal_bytes = 0;
    uint64_t log_bytes_max = 0;
    Pace pace;  // while nothing is urgent
  };
  // What recovery found.
  struct Found {
    StoredState state;                                   // of the last seal
    std::vector<std::pair<uint64_t, WallTime>> repeats;  // number and newest entry of each file
  };

  Housekeeper(Disk& disk, LogState& state, Committer& committer, const Clock& clock, Random& random,
              Logger& logger, Options options, Found found);

  // Everything that is due now. Errors are logged and tried again at the next step.
  void step();
  // The clock stands far ahead of the last event: nothing expires for an hour.
  void doubt_clock();
  // A spare, now: what an open does before it listens. Errc::full without room for it.
  Result<> fill_one();
  // Spares of another size than today's journals go. Before the first step.
  Result<> drop_odd_spares();
  // While held, no space is given back: a snapshot copies files. From the housekeeping thread, or
  // while it does not run.
  void hold_reclaim(bool held) { reclaim_held_ = held; }

 private:
  void keep_journals();
  void retain_when_due();
  Result<> drop_surplus();
  Result<> seal(const std::shared_ptr<JournalIndex>& index);
  void reclaim();
  Result<> unlink(const std::vector<std::shared_ptr<Segment>>& dead);
  void punch(const std::shared_ptr<Segment>& segment);
  Result<> forget_repeats();
  bool clock_doubted() const { return clock_.monotonic_now() < doubted_until_; }
  void note_error(std::string_view what, const Error& error);
  void note_failure(std::string_view what, const Result<>& result);

  Disk& disk_;
  LogState& state_;
  Committer& committer_;
  const Clock& clock_;
  Random& random_;
  Logger& logger_;
  Options options_;
  Pace pace_;
  Retainer retainer_;
  StoredState sealed_state_;  // of the last seal
  std::vector<std::pair<uint64_t, WallTime>> repeats_;
  std::vector<std::shared_ptr<Journal>> sealed_;  // waiting for their last reader, then recycled
  bool punching_ = true;                          // until the file system refuses
  bool reclaim_held_ = false;
  std::map<std::string, MonotonicTime> told_;  // causes of failure, and when each was told last
  MonotonicTime retained_{};
  MonotonicTime doubted_until_{};
};

}  // namespace carillon
