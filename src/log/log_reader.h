// How a read is answered: from sealed segments, unsealed journals and memory topics, in position
// order.
#pragma once

#include <optional>

#include "log/log_state.h"

namespace carillon {

// Blocks on the disk, holds the state's mutex only for look-ups, and keeps nothing across calls.
// Safe beside the committer and housekeeping: what it reads stays open until it is done, and marks
// are looked at again afterwards, so that what was removed meanwhile is neither given nor called
// damaged.
Result<ReadResult> read_log(LogState& state, const ReadRequest& request);

// The topic's last event before `before` that still lives; nothing when there is none.
Result<std::optional<Position>> last_event_before(LogState& state, TopicId topic, Position before);
// The newest event that must go so that `count` live; nothing when there are no more.
Result<std::optional<Position>> event_from_end(LogState& state, TopicId topic, uint64_t count);
// The newest event that must go so that at most `bytes` live; nothing when there are no more.
Result<std::optional<Position>> event_beyond_bytes(LogState& state, TopicId topic, uint64_t bytes);

// The last event of a run that was stored before `time`; nothing when there is none.
Result<std::optional<Position>> last_event_stored_before(const Segment& segment,
                                                         const SegmentRun& run, WallTime time);

struct TopicContent {
  Position oldest;
  Position newest;
  uint64_t events = 0;
  uint64_t bytes = 0;
};
// Counts what lives behind the topic's mark.
Result<TopicContent> content_of(LogState& state, TopicId topic);

// Log::look_back. Looks at the indexes alone.
Position look_back(LogState& state, TopicSelection& topics, uint64_t of_topic, uint64_t of_log);
// The last position stored before `time`; 0 when there is none.
Position position_before(LogState& state, WallTime time);

}  // namespace carillon
