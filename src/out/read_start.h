// From the `after` of a request to a place in the log, and the gap that lies before it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "hub/local_hub.h"
#include "out/gap.h"
#include "out/read_options.h"

namespace carillon {

struct ReadStart {
  Position after;
  std::vector<Gap> gaps;  // to be told before anything else
  uint64_t told_marks = 0;
};

// Where it can be said without looking into the log: a fresh reader, or one whose cursor no mark
// has passed.
std::optional<ReadStart> start_at_once(const LocalHub& hub, const AfterOption& after,
                                       const std::vector<TopicPattern>& topics,
                                       const std::vector<TopicPattern>& memory_patterns);

// Looks into the log: blocks on the disk.
Result<ReadStart> resolve_start(Log& log, const std::shared_ptr<TopicSelection>& selection,
                                const Filter& filter, const AfterOption& after,
                                const std::vector<TopicPattern>& topics,
                                const std::vector<TopicPattern>& memory_patterns);

// The one or the other; `then` runs on the loop, at once where that can be. `memory_patterns`
// outlive it.
void find_start(LocalHub& hub, const ReadOptions& options,
                const std::vector<TopicPattern>& memory_patterns,
                std::move_only_function<void(Result<ReadStart>)> then);

// A place behind which the last `count` that match lie, as far as kLookBackEventsMax lets them be
// found.
Position look_back_start(Log& log, TopicSelection& selection, const Filter& filter, uint64_t count);
// Behind which event exactly they begin. Blocks.
Result<Position> before_newest(Log& log, const std::shared_ptr<TopicSelection>& selection,
                               const Filter& filter, uint64_t count);

}  // namespace carillon
