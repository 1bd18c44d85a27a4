// One loop's view of the newest events: the commits it was told of, shared with the other loops, in
// memory.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "log/log.h"

namespace carillon {

// Owned by a loop, used on its thread alone: no lock, no copy of an event. Bounded by bytes; what
// falls off is read from the log. Kept as the committer's own chunks, so that trimming never moves
// bytes.
class Tail {
 public:
  explicit Tail(size_t bytes_max, Position start)
      : bytes_max_(bytes_max), start_(start), end_(start) {}

  void add(std::shared_ptr<const Commit> commit);

  // A reader whose cursor is at or behind this position finds everything here.
  Position start() const { return start_; }
  // The durable end as this loop knows it.
  Position end() const { return end_; }
  size_t bytes() const { return bytes_; }

  // Calls visit(event) for each event behind `after`, in order, until it returns false. Events at
  // or below their topic's mark are the visitor's to leave out. True when the end was reached.
  template <typename Visit>
  bool for_each_behind(Position after, Visit visit) const {
    for (size_t i = first_commit_behind(after); i < commits_.size(); ++i) {
      const auto& events = commits_[i]->events;
      for (size_t k = first_event_behind(*commits_[i], after); k < events.size(); ++k) {
        if (!visit(events[k])) return false;
      }
    }
    return true;
  }
  // The commits that hold events behind `after`: what keeps them alive beyond this turn.
  std::vector<std::shared_ptr<const Commit>> commits_behind(Position after) const;

 private:
  size_t first_commit_behind(Position after) const;
  static size_t first_event_behind(const Commit& commit, Position after);

  size_t bytes_max_;
  Position start_;
  Position end_;
  size_t bytes_ = 0;
  std::deque<std::shared_ptr<const Commit>> commits_;
};

}  // namespace carillon
