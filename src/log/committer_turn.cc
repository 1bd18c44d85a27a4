#include "log/committer_turn.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

// One write, one sync. What only memory topics got is not written at all.
void Committer::write(Turn& turn) {
  if (turn.records == 0) return;
  std::shared_ptr<Journal> journal;
  {
    const std::scoped_lock lock(state_.mutex);
    journal = state_.journals.back()->journal();
  }
  finish_frame(turn.commit->frame,
               {.records = turn.records,
                .journal = journal->id(),
                .sequence = ++sequence_,
                .last = last_,
                .stored_at = turn.stored_at},
               journal->nonce());
  auto wrote = journal->append(turn.commit->frame);
  if (wrote) return;
  // Whatever the disk called it: the frame may be there or not, and nobody may take it for refused.
  wrote.error().code = Errc::io;
  // Final: the kernel may have dropped the pages, and a second sync would lie (RELIABILITY 0.4).
  state_.failed = true;
  logger_.error("the log cannot be synced any more", {{"reason", wrote.error().detail}});
  if (options_.on_failed) options_.on_failed(wrote.error());
  for (auto& [done, answer] : turn.answers) {
    const bool known = answer && answer->repeat && answer->last.value <= state_.durable_end;
    if (!known) answer = std::unexpected(wrote.error());
  }
  for (auto& [done, answer] : turn.mark_answers) answer = std::unexpected(wrote.error());
  for (const Digest& key : turn.remembered) repeats_.forget(key);
  turn.stored.clear();
  turn.raised.clear();
  turn.checkpoints.clear();
  turn.commit->topics.clear();
}

// From here on readers see it.
void Committer::publish(Turn& turn) {
  Commit& commit = *turn.commit;
  const std::scoped_lock lock(state_.mutex);
  JournalIndex* index = turn.records > 0 ? state_.journals.back().get() : nullptr;
  const uint64_t frame_at = index != nullptr ? index->journal()->end() - commit.frame.size() : 0;
  commit.events.reserve(turn.stored.size());
  for (const auto& stored : turn.stored) {
    const char* record =
        (stored.memory ? commit.memory_records : commit.frame).data() + stored.offset;
    const EventView view(record, stored.row->name);
    commit.events.push_back(view);
    stored.row->last = stored.position;
    ++stored.row->appended;
    state_.stats.bytes += view.record_bytes();
    if (!stored.memory) {
      index->add({stored.position, frame_at + stored.offset, stored.row->id,
                  static_cast<uint32_t>(view.record_bytes())});
      continue;
    }
    MemoryTopic& memory = state_.memory[stored.row->id.value];
    state_.memory_bytes -= memory.bytes();
    const Retention& kept = stored.row->settings.retention;
    const auto removed = memory.add(
        stored.position, std::string_view(record, view.record_bytes()), view.attributes().key,
        {std::min<uint64_t>(kept.count.value_or(kMemoryTopicEventsMax), kMemoryTopicEventsMax),
         std::min<uint64_t>(kept.bytes.value_or(kMemoryTopicBytesMax), kMemoryTopicBytesMax)});
    state_.memory_bytes += memory.bytes();
    if (state_.topics.raise_mark(*stored.row, removed, MarkReason::expired)) {
      commit.marks.push_back(
          {stored.row->id, stored.row->name, removed, MarkReason::expired, /*evicted=*/true});
    }
  }
  if (index != nullptr) index->add_frame(last_, turn.stored_at, index->journal()->end());
  for (const auto& raised : turn.raised) {
    apply_mark(state_, *raised.row, raised.mark, raised.reason);
    if (raised.drop) raised.row->dropping = false;
    commit.marks.push_back({raised.row->id, raised.row->name, raised.mark, raised.reason});
  }
  for (auto& [source, value] : turn.checkpoints)
    state_.checkpoints.insert_or_assign(source, std::move(value));
  state_.stats.events += turn.events;
  state_.stats.commits += turn.records > 0 ? 1 : 0;
  state_.stats.repeats += turn.repeated;
  commit.durable_end = last_;
  commit.mark_number = state_.topics.mark_number();
  state_.durable_end = last_.value;
}

void Committer::settle(Turn& turn) {
  const bool visible = !turn.stored.empty() || !turn.raised.empty() ||
                       !turn.commit->topics.empty() || turn.records > 0;
  if (visible && !state_.failed) {
    publish(turn);
  } else if (turn.repeated > 0) {
    const std::scoped_lock lock(state_.mutex);
    state_.stats.repeats += turn.repeated;
  }
  for (auto& [done, answer] : turn.answers) {
    if (done) done(std::move(answer));
  }
  for (auto& [done, answer] : turn.mark_answers) {
    if (done) done(std::move(answer));
  }
  const std::scoped_lock telling(telling_);
  std::vector<Watcher*> watchers;
  {
    const std::scoped_lock lock(mutex_);
    watchers = watchers_;
  }
  for (Watcher* watcher : watchers)
    watcher->on_turn(visible && !state_.failed ? turn.commit : nullptr);
}

void apply_mark(LogState& state, TopicRow& row, Position mark, MarkReason reason) {
  if (!state.topics.raise_mark(row, mark, reason)) return;
  if (!is_memory_topic(row.id)) return;
  const auto found = state.memory.find(row.id.value);
  if (found == state.memory.end()) return;
  state.memory_bytes -= found->second.bytes();
  found->second.remove_until(mark);
  state.memory_bytes += found->second.bytes();
}

}  // namespace carillon
