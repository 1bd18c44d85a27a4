#include "out/read_start.h"

#include <algorithm>
#include <deque>

#include "base/limits.h"

namespace carillon {

namespace {

// What lived in memory before this start is gone, and where it was cannot be known: the patterns
// are named.
std::optional<Gap> restart_gap(const Cursor& cursor, Position first_of_this_start,
                               const std::vector<TopicPattern>& topics,
                               const std::vector<TopicPattern>& memory_patterns) {
  if (cursor.after.value + 1 >= first_of_this_start.value) return std::nullopt;
  Gap gap{.requested = cursor.text(), .reason = "restart", .resumed = cursor};
  for (const TopicPattern& memory : memory_patterns) {
    if (std::ranges::none_of(topics,
                             [&](const TopicPattern& topic) { return topic.overlaps(memory); }))
      continue;
    ++gap.topics_total;
    if (gap.topics.size() < kGapTopicsMax) gap.topics.push_back({memory.text(), {}});
  }
  return gap.topics_total > 0 ? std::optional(std::move(gap)) : std::nullopt;
}

ReadStart start_over(const AfterOption& after, Epoch epoch, std::string_view reason,
                     uint64_t told_marks) {
  Gap gap{.requested = after.text, .reason = reason, .resumed = {epoch, kBeforeEverything}};
  return {.after = kBeforeEverything, .gaps = {std::move(gap)}, .told_marks = told_marks};
}

// Behind the last event stored before `time`.
Result<Position> before_time(Log& log, const std::shared_ptr<TopicSelection>& selection,
                             WallTime time) {
  Position at = log.position_before(time);
  for (;;) {
    TRY(const auto read, log.read({.topics = selection,
                                   .after = at,
                                   .bytes_max = kReadBytesMax,
                                   .events_max = kCommitEventsMax,
                                   .told_marks = UINT64_MAX}));
    for (const EventView& event : read.events) {
      if (event.stored_at() >= time) return at;
      at = event.position();
    }
    if (read.looked >= log.durable_end() || read.looked <= at) return std::max(at, read.looked);
    at = read.looked;
  }
}

}  // namespace

std::optional<ReadStart> start_at_once(const LocalHub& hub, const AfterOption& after,
                                       const std::vector<TopicPattern>& topics,
                                       const std::vector<TopicPattern>& memory_patterns) {
  switch (after.kind) {
    case AfterOption::Kind::absent:
    case AfterOption::Kind::now:
      return ReadStart{
          .after = hub.log().durable_end(), .gaps = {}, .told_marks = hub.mark_number()};
    case AfterOption::Kind::first:
      return ReadStart{
          .after = kBeforeEverything, .gaps = {}, .told_marks = hub.log().mark_number()};
    case AfterOption::Kind::unknown:
      return start_over(after, hub.epoch(), "unknown", hub.mark_number());
    case AfterOption::Kind::newest:
    case AfterOption::Kind::time: return std::nullopt;
    case AfterOption::Kind::cursor: break;
  }
  if (after.cursor.epoch != hub.epoch())
    return start_over(after, hub.epoch(), "epoch", hub.mark_number());
  const Position at = after.cursor.after;
  if (at == kBeforeEverything)
    return ReadStart{.after = at, .gaps = {}, .told_marks = hub.mark_number()};
  // This loop may not have heard of a mark that a trim was answered for already.
  const uint64_t marks = hub.log().mark_number();
  if (marks != hub.mark_number()) return std::nullopt;
  if (at < hub.highest_mark() || at > hub.tail().end()) return std::nullopt;
  (void)topics;
  (void)memory_patterns;  // such a cursor lies within this start
  return ReadStart{.after = at, .gaps = {}, .told_marks = hub.mark_number()};
}

Position look_back_start(Log& log, TopicSelection& selection, const Filter& filter,
                         uint64_t count) {
  return log.look_back(selection, filter.empty() ? count : kLookBackEventsMax, kLookBackEventsMax);
}

Result<Position> before_newest(Log& log, const std::shared_ptr<TopicSelection>& selection,
                               const Filter& filter, uint64_t count) {
  Position at = look_back_start(log, *selection, filter, count);
  const Position end = log.durable_end();  // not before it: a commit may come between
  std::deque<Position> before;  // for each of the last matching events, what lies before it
  while (at < end) {
    TRY(const auto read, log.read({.topics = selection,
                                   .after = at,
                                   .bytes_max = 4 * kReadBytesMax,
                                   .events_max = kCommitEventsMax,
                                   .told_marks = UINT64_MAX}));
    for (const EventView& event : read.events) {
      if (!filter.matches(event)) continue;
      before.push_back(Position{event.position().value - 1});
      if (before.size() > count) before.pop_front();
    }
    if (read.looked <= at) break;
    at = read.looked;
  }
  return before.empty() ? end : before.front();
}

Result<ReadStart> resolve_start(Log& log, const std::shared_ptr<TopicSelection>& selection,
                                const Filter& filter, const AfterOption& after,
                                const std::vector<TopicPattern>& topics,
                                const std::vector<TopicPattern>& memory_patterns) {
  const uint64_t told = log.mark_number();
  switch (after.kind) {
    case AfterOption::Kind::absent:
    case AfterOption::Kind::now:
      return ReadStart{.after = log.durable_end(), .gaps = {}, .told_marks = told};
    case AfterOption::Kind::first:
      return ReadStart{.after = kBeforeEverything, .gaps = {}, .told_marks = told};
    case AfterOption::Kind::unknown: return start_over(after, log.epoch(), "unknown", told);
    case AfterOption::Kind::newest: {
      TRY(const Position at, before_newest(log, selection, filter, after.count));
      return ReadStart{.after = at, .gaps = {}, .told_marks = told};
    }
    case AfterOption::Kind::time: {
      TRY(const Position at, before_time(log, selection, after.time));
      return ReadStart{.after = at, .gaps = {}, .told_marks = told};
    }
    case AfterOption::Kind::cursor: break;
  }
  if (after.cursor.epoch != log.epoch()) return start_over(after, log.epoch(), "epoch", told);
  const Position at = after.cursor.after;
  if (at > log.durable_end()) return start_over(after, log.epoch(), "unknown", told);
  if (at == kBeforeEverything) return ReadStart{.after = at, .gaps = {}, .told_marks = told};
  ReadStart start{.after = at, .gaps = {}, .told_marks = 0};
  // One event is enough to hear of the marks above the cursor.
  TRY(const auto read,
      log.read(
          {.topics = selection, .after = at, .bytes_max = 1, .events_max = 1, .told_marks = 0}));
  start.told_marks = read.told_marks;
  start.gaps = gaps_of(log,
                       ReadResult{.keeps_alive = {},
                                  .events = {},
                                  .looked = {},
                                  .gaps = read.gaps,
                                  .damage = {},
                                  .told_marks = 0},
                       after.cursor);
  if (auto gap = restart_gap(after.cursor, log.first_of_this_start(), topics, memory_patterns)) {
    start.gaps.push_back(std::move(*gap));
  }
  return start;
}

void find_start(LocalHub& hub, const ReadOptions& options,
                const std::vector<TopicPattern>& memory_patterns,
                std::move_only_function<void(Result<ReadStart>)> then) {
  if (auto at_once = start_at_once(hub, options.after, options.topics, memory_patterns))
    return then(std::move(*at_once));
  Log& log = hub.log();
  hub.off_loop(
      [&log, &memory_patterns, selection = log.select(options.topics), filter = options.filter,
       after = options.after, topics = options.topics] {
        return resolve_start(log, selection, filter, after, topics, memory_patterns);
      },
      [then = std::move(then)](Result<ReadStart> start) mutable { then(std::move(start)); });
}

}  // namespace carillon
