#include "log/retainer.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "log/log_reader.h"

namespace carillon {

namespace {

// How often runs are looked into that are only partly too old: what an age is late at the most.
constexpr std::chrono::seconds kSearchEvery{5};

void raise_to(std::unordered_map<uint32_t, Position>& marks, TopicId topic, Position mark) {
  Position& known = marks[topic.value];
  known = std::max(known, mark);
}

}  // namespace

Retainer::Retainer(LogState& state, Committer& committer, const Clock& clock, Options options)
    : state_(state), committer_(committer), clock_(clock), options_(options) {}

void Retainer::step() {
  if (outstanding_->count > 0) return;  // one round at a time: a full disk must not fill the queue
  const bool again = outstanding_->refused.exchange(false);
  if (again) {
    ages_.clear();
    const std::scoped_lock lock(state_.mutex);
    for (TopicRow& row : state_.topics.rows()) row.counted = 0;
  }
  Marks marks;
  if (clock_.monotonic_now() >= doubted_until_) expire_by_age(marks);
  keep_counts(marks);
  keep_whole_log(marks);
  raise(marks);
}

// By the clock that gives events their time of storing, which no step of the wall clock moves.
void Retainer::expire_by_age(Marks& marks) {
  const WallTime now = committer_.storing_clock();
  std::set<std::chrono::seconds> used;
  {
    const std::scoped_lock lock(state_.mutex);
    for (const TopicRow& row : state_.topics.rows()) {
      if (row.settings.retention.age && !is_memory_topic(row.id))
        used.insert(*row.settings.retention.age);
    }
  }
  for (const auto age : used) {
    Age& known = ages_[age];
    expire_segments(age, known, now - age, marks);
    expire_journals(age, known, now - age, marks);
  }
  expire_memory(marks);
}

void Retainer::expire_segments(std::chrono::seconds age, Age& known, WallTime before,
                               Marks& marks) {
  const bool search = clock_.monotonic_now() - known.searched >= kSearchEvery;
  if (search) known.searched = clock_.monotonic_now();
  std::vector<std::pair<std::shared_ptr<Segment>, const SegmentRun*>> partly;
  {
    const std::scoped_lock lock(state_.mutex);
    for (const auto& segment : state_.segments) {
      const SegmentFooter& footer = segment->footer();
      if (footer.stored_first >= before) break;
      if (footer.last <= known.done_until) continue;
      const bool wholly = footer.stored_last < before;
      if (!wholly && !search) break;
      for (const SegmentRun& run : footer.runs) {
        const TopicRow* row = state_.topics.find(run.topic);
        if (row == nullptr || row->settings.retention.age != age || run.last <= row->mark) continue;
        if (run.stored_last < before) {
          raise_to(marks, run.topic, run.last);
        } else if (run.stored_first < before) {
          partly.emplace_back(segment, &run);
        }
      }
      if (wholly) known.done_until = footer.last;
    }
  }
  for (const auto& [segment, run] : partly) {
    const auto last = last_event_stored_before(*segment, *run, before);
    if (last && *last) raise_to(marks, run->topic, **last);
  }
}

void Retainer::expire_journals(std::chrono::seconds age, Age& known, WallTime before,
                               Marks& marks) {
  const Position until = position_before(state_, before);
  for (bool more = true; more && known.done_until < until;) {
    // In slices: commits wait for the mutex.
    const std::scoped_lock lock(state_.mutex);
    size_t looked_at = 0;
    more = false;
    for (const auto& index : state_.journals) {
      const auto& entries = index->entries();
      for (size_t i = index->first_behind(known.done_until);
           i < entries.size() && entries[i].position <= until && !more; ++i) {
        const TopicRow* row = state_.topics.find(entries[i].topic);
        if (row != nullptr && row->settings.retention.age == age && entries[i].position > row->mark)
          raise_to(marks, entries[i].topic, entries[i].position);
        known.done_until = entries[i].position;
        more = ++looked_at == kIndexEntriesARead;
      }
    }
    if (!more && state_.segments.empty()) known.done_until = until;
  }
}

void Retainer::expire_memory(Marks& marks) {
  const WallTime now = committer_.storing_clock();
  const std::scoped_lock lock(state_.mutex);
  for (const auto& [number, memory] : state_.memory) {
    const TopicRow* row = state_.topics.find(TopicId{number});
    if (row == nullptr || !row->settings.retention.age) continue;
    for (const auto& [position, record] : memory.records()) {
      if (EventView(record.data(), {}).stored_at() >= now - *row->settings.retention.age) break;
      raise_to(marks, row->id, position);
    }
  }
}

// Only topics that got events since the last look.
void Retainer::keep_counts(Marks& marks) {
  std::vector<std::pair<TopicId, carillon::Retention>> changed;
  {
    const std::scoped_lock lock(state_.mutex);
    for (TopicRow& row : state_.topics.rows()) {
      const auto& retention = row.settings.retention;
      const bool bounded = retention.count || retention.bytes;
      if (!bounded || is_memory_topic(row.id)) continue;
      if (row.counted == row.appended && row.counted != 0) continue;
      row.counted = row.appended;
      changed.emplace_back(row.id, retention);
    }
  }
  for (const auto& [topic, retention] : changed) {
    if (retention.count) {
      const auto last = event_from_end(state_, topic, *retention.count);
      if (last && *last) raise_to(marks, topic, **last);
    }
    if (retention.bytes) {
      const auto last = event_beyond_bytes(state_, topic, *retention.bytes);
      if (last && *last) raise_to(marks, topic, **last);
    }
  }
}

// The oldest segments go when the whole log is too large.
void Retainer::keep_whole_log(Marks& marks) {
  std::vector<std::shared_ptr<Segment>> segments;
  uint64_t bytes = 0;
  uint64_t spare_bytes = 0;
  {
    const std::scoped_lock lock(state_.mutex);
    segments = state_.segments;
    bytes = state_.journals.size() * options_.journal_bytes;
    spare_bytes = state_.spares.size() * options_.journal_bytes;
  }
  std::vector<uint64_t> sizes;
  for (const auto& segment : segments) {
    sizes.push_back(segment->file().allocated().value_or(segment->file_bytes()));
    bytes += sizes.back();
  }
  const std::scoped_lock lock(state_.mutex);
  state_.stats.stored_bytes = bytes + spare_bytes;
  for (size_t i = 0; i < segments.size() && bytes > options_.log_bytes_max; ++i) {
    bytes -= std::min(bytes, sizes[i]);
    for (const SegmentRun& run : segments[i]->footer().runs) raise_to(marks, run.topic, run.last);
  }
}

void Retainer::raise(const Marks& marks) {
  std::vector<std::pair<std::string, Position>> rising;
  {
    const std::scoped_lock lock(state_.mutex);
    for (const auto& [topic, mark] : marks) {
      const TopicRow* row = state_.topics.find(TopicId{topic});
      // What was deleted is marked already.
      if (row != nullptr && row->listed && mark > row->mark) rising.emplace_back(row->name, mark);
    }
  }
  std::ranges::sort(rising);  // whatever the map's order, the log's is the same
  for (auto& [topic, mark] : rising) {
    ++outstanding_->count;
    committer_.submit(MarkRequest{.topic = std::move(topic),
                                  .mark = mark,
                                  .reason = MarkReason::expired,
                                  .drop = false,
                                  .done = [outstanding = outstanding_](const Result<>& done) {
                                    // Deleted meanwhile is as good.
                                    if (!done && done.error().code != Errc::not_found)
                                      outstanding->refused = true;
                                    --outstanding->count;
                                  }});
  }
}

}  // namespace carillon
