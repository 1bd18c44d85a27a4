// What one turn of the committer gathers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/committer.h"

namespace carillon {

// What one turn gathers before anybody sees it.
struct Committer::Turn {
  std::shared_ptr<Commit> commit = std::make_shared<Commit>();
  // Views hold offsets until the strings stop growing.
  struct Stored {
    size_t offset = 0;
    TopicRow* row = nullptr;
    bool memory = false;
    Position position;
  };
  std::vector<Stored> stored;
  struct Raised {
    TopicRow* row = nullptr;
    Position mark;
    MarkReason reason = MarkReason::expired;
    bool drop = false;
  };
  std::vector<Raised> raised;
  std::vector<Digest> remembered;
  std::vector<std::pair<std::string, std::string>> checkpoints;
  std::vector<std::pair<std::move_only_function<void(Result<Appended>)>, Result<Appended>>> answers;
  std::vector<std::pair<std::move_only_function<void(Result<>)>, Result<>>> mark_answers;
  uint32_t records = 0;  // of the frame
  uint32_t events = 0;
  uint64_t repeated = 0;
  WallTime stored_at{};
  bool disk_refused = false;      // no room for events
  bool controls_refused = false;  // not even for marks and reservations
};

}  // namespace carillon
