// A consistent copy of the log, and a log made from one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "log/disk.h"
#include "log/log_state.h"

namespace carillon {

// What a snapshot consists of: open files, and the bytes of small ones.
class Snapshot {
 public:
  // Between two steps of housekeeping, whose space must not be given back until copy() is done.
  static Result<Snapshot> gather(Disk& disk, LogState& state);

  // Copies everything into the empty `into`; publishes and seals go on meanwhile. The identity
  // comes last, so that an interrupted copy is no log. Files are copied, never hard-linked: a hole
  // punched later would go through a link. Blocks.
  Result<> copy(Disk& into) const;

 private:
  struct Large {
    std::string name;
    uint64_t bytes = 0;
    const File* file = nullptr;
  };
  std::vector<std::pair<std::string, std::string>> small_;  // name and content
  std::vector<Large> large_;
  std::vector<std::shared_ptr<const void>> open_;  // what `large_` points into
  std::string identity_;
};

// Copies a snapshot (or a stopped data directory's log) from `from` into the empty `into`, under a
// new epoch, so that no cursor of the old life is taken for one of the new.
Result<Epoch> restore_snapshot(Disk& from, Disk& into, Random& random);

}  // namespace carillon
