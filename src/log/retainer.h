// Which events must go: by age, count and bytes of their topic, and by the size of the whole log.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/committer.h"
#include "log/log_state.h"

namespace carillon {

// Owned by housekeeping and used on its thread. Raises low-water marks through the committer, so
// that a removal is a record of the log like any other; space is given back elsewhere.
//
// Works by segments and frames, not by topics: what is old lies together, and a hundred thousand
// idle topics cost nothing.
class Retainer {
 public:
  struct Options {
    uint64_t journal_bytes = 0;
    uint64_t log_bytes_max = 0;  // the whole log, oldest first
  };

  Retainer(LogState& state, Committer& committer, const Clock& clock, Options options);

  // Everything that is due now.
  void step();
  // The clock stands far ahead of the last event: nothing expires by age until then.
  void doubt_clock(MonotonicTime until) { doubted_until_ = until; }

 private:
  using Marks = std::unordered_map<uint32_t, Position>;  // by topic number

  // What is known of one age that topics have.
  struct Age {
    Position done_until;       // everything up to here was older, and is marked
    MonotonicTime searched{};  // when runs that are partly older were last looked into
  };

  void expire_by_age(Marks& marks);
  void expire_segments(std::chrono::seconds age, Age& known, WallTime before, Marks& marks);
  void expire_journals(std::chrono::seconds age, Age& known, WallTime before, Marks& marks);
  void expire_memory(Marks& marks);
  void keep_counts(Marks& marks);
  void keep_whole_log(Marks& marks);
  void raise(const Marks& marks);

  LogState& state_;
  Committer& committer_;
  const Clock& clock_;
  Options options_;
  std::map<std::chrono::seconds, Age> ages_;
  MonotonicTime doubted_until_{};
  // Marks handed to the committer and not answered; and whether one was refused, so that everything
  // is looked at again.
  struct Outstanding {
    std::atomic<uint64_t> count{0};
    std::atomic<bool> refused{false};
  };
  std::shared_ptr<Outstanding> outstanding_ = std::make_shared<Outstanding>();
};

}  // namespace carillon
