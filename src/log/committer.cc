#include "log/committer.h"

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"
#include "log/committer_turn.h"

namespace carillon {

namespace {

// What a frame may take besides its events: a topic's record, and a repeat's with a made id.
constexpr size_t kTopicRecordBytesMax = kRecordHeaderBytes + kSystemTopicBytesMax;
constexpr size_t kRepeatRecordBytesMax = kRecordHeaderBytes + 128;

// One turn's marks and reservations: at most kControlsMax records of 48 bytes and a header.
constexpr size_t kControlsMax = 256;
constexpr size_t kControlFrameBytesMax = 4 * kFrameAlignment;
static_assert(kControlsMax * 48 + kFrameHeaderBytes < kControlFrameBytesMax);

std::string_view record_at(const Append& append, const AppendItem& item) {
  RecordHeader header;
  const auto from = std::string_view(append.records).substr(item.offset);
  CHECK(parse_record_header(from, header));
  return from.substr(0, padded(header.length));
}

// The most that an append takes of a frame.
size_t bytes_of(const Append& append) {
  size_t bytes = append.records.size() + (append.repeat ? kRepeatRecordBytesMax : 0);
  const std::string* topic = nullptr;
  for (const AppendItem& item : append.items) {
    if (topic == nullptr || *topic != item.topic) bytes += kTopicRecordBytesMax;
    if (item.repeat) bytes += kRepeatRecordBytesMax;
    topic = &item.topic;
  }
  if (append.checkpoint) {
    bytes += padded(kRecordHeaderBytes + append.checkpoint->source.size() +
                    append.checkpoint->value.size());
  }
  return bytes;
}

// The end of a journal that only marks and reservations may use.
uint64_t reserve_of(uint64_t journal_bytes) {
  return std::max<uint64_t>(kJournalReserveBytes, journal_bytes / 16);
}

}  // namespace

Committer::Committer(LogState& state, const Clock& clock, Logger& logger, Options options)
    : state_(state),
      clock_(clock),
      logger_(logger),
      options_(std::move(options)),
      started_(clock.monotonic_now()),
      started_wall_(clock.wall_now()) {}

void Committer::submit(std::vector<Append> appends) {
  std::vector<Append> too_late;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) too_late.swap(appends);
    for (Append& append : appends) {
      const size_t bytes = bytes_of(append);
      if (waiting_bytes_ + bytes > kAppendsWaitingBytesMax ||
          waiting_appends_ >= kAppendsWaitingMax) {
        waiting_.emplace_back(Refused{std::move(append.done)});
        continue;
      }
      waiting_bytes_ += bytes;
      ++waiting_appends_;
      waiting_.emplace_back(std::move(append));
    }
  }
  wake_.notify_one();
  // Nobody would take them from the queue any more.
  for (Append& append : too_late) {
    if (append.done) append.done(fail(Errc::unavailable, "the hub is shutting down"));
  }
}

void Committer::submit(MarkRequest request) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.emplace_back(std::move(request));
  }
  wake_.notify_one();
}

void Committer::watch(Watcher& watcher) {
  const std::scoped_lock lock(mutex_);
  watchers_.push_back(&watcher);
}

void Committer::unwatch(Watcher& watcher) {
  const std::scoped_lock lock(telling_, mutex_);
  std::erase(watchers_, &watcher);
}

size_t Committer::waiting_bytes() const {
  const std::scoped_lock lock(mutex_);
  return waiting_bytes_;
}

bool Committer::wait() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  return !waiting_.empty();
}

void Committer::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void Committer::continue_from(uint64_t sequence, Position last, WallTime last_stored_at) {
  sequence_ = sequence;
  last_ = last;
  last_stored_at_ = last_stored_at;
}

// Follows the monotonic clock, so that a stepped wall clock neither reorders nor expires anything,
// and never falls.
WallTime Committer::storing_time() {
  last_stored_at_ = std::max(last_stored_at_, storing_clock());
  return last_stored_at_;
}

WallTime Committer::storing_clock() const {
  return started_wall_ + (clock_.monotonic_now() - started_);
}

std::vector<Committer::Work> Committer::take_waiting() {
  const size_t bytes_max = std::min<uint64_t>(kCommitBytesMax, options_.journal_bytes / 2);
  const std::scoped_lock lock(mutex_);
  size_t bytes = 0;
  size_t events = 0;
  size_t count = 0;
  size_t controls = 0;
  for (; count < waiting_.size() && controls < kControlsMax; ++count) {
    const auto* append = std::get_if<Append>(&waiting_[count]);
    controls += std::holds_alternative<MarkRequest>(waiting_[count]) ? 1 : 0;
    const size_t more_bytes = append != nullptr ? bytes_of(*append) : kRecordHeaderBytes;
    const size_t more_events = append != nullptr ? append->items.size() : 1;
    if (count > 0 && (bytes + more_bytes > bytes_max || events + more_events > kCommitEventsMax))
      break;
    bytes += more_bytes;
    events += more_events;
    if (append == nullptr) continue;
    waiting_bytes_ -= more_bytes;
    --waiting_appends_;
  }
  std::vector<Work> taken;
  taken.reserve(count);
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::move(waiting_.begin(), end, std::back_inserter(taken));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

// The most that the turn's events can take of a frame: nothing when only memory topics and marks
// are meant. What is too large for any frame is refused later, and asks for no room.
size_t Committer::disk_bytes_of(const std::vector<Work>& work) const {
  size_t bytes = 0;
  const std::scoped_lock lock(state_.mutex);
  const auto on_disk = [&](const AppendItem& item) {
    const TopicRow* row = state_.topics.find(item.topic);
    const auto durability =
        row != nullptr ? row->settings.durability : options_.settings_for(item.topic).durability;
    return durability == Durability::disk;
  };
  for (const Work& one : work) {
    const auto* append = std::get_if<Append>(&one);
    if (append == nullptr) continue;
    const size_t needed = bytes_of(*append);
    if (needed > append_bytes_max(options_.journal_bytes)) continue;
    if (append->checkpoint || std::ranges::any_of(append->items, on_disk)) bytes += needed;
  }
  return bytes == 0 ? 0 : bytes + kControlFrameBytesMax;
}

void Committer::commit_waiting() {
  auto work = take_waiting();
  if (work.empty()) return;
  Turn turn;
  turn.stored_at = storing_time();
  if (clock_.monotonic_now() >= doubted_until_) repeats_.expire(turn.stored_at);
  begin_frame(turn.commit->frame);
  make_room(turn, disk_bytes_of(work));
  turn.disk_refused = turn.disk_refused || state_.failed;
  turn.controls_refused = turn.controls_refused || state_.failed;
  for (Work& one : work) std::visit([&](auto& value) { add(turn, value); }, one);
  write(turn);
  settle(turn);
}

// The frame fits the journal being written, or the next spare becomes it; else the turn refuses
// what it must.
void Committer::make_room(Turn& turn, size_t disk_bytes) {
  const std::scoped_lock lock(state_.mutex);
  const auto fits = [&](uint64_t bytes) {
    return !state_.journals.empty() && state_.journals.back()->journal()->has_room_for(bytes);
  };
  // What only raises marks or reserves may use the journal's end: a full disk must still be able to
  // trim.
  const bool controls_only = disk_bytes == 0;
  const uint64_t reserve =
      state_.journals.empty() ? 0 : reserve_of(state_.journals.back()->journal()->bytes());
  if (fits(controls_only ? kControlFrameBytesMax : disk_bytes + reserve)) return;
  // (All spares have the size of today's journals: Housekeeper::drop_odd_spares.)
  if (state_.spares.empty()) {
    turn.disk_refused = true;
    turn.controls_refused = !fits(kControlFrameBytesMax);
    return;
  }
  state_.journals.push_back(std::make_shared<JournalIndex>(state_.spares.front()));
  state_.spares.pop_front();
  state_.housekeeping_wanted = true;
  state_.housekeeping.notify_one();
}

Error Committer::refusal() const {
  if (state_.failed) {
    return {Errc::io,
            "the log failed to sync and takes nothing more; look at the disk and restart the hub"};
  }
  const std::scoped_lock lock(state_.mutex);
  if (state_.space == SpaceState::full) {
    return {Errc::full, "the disk is full: free space or lower the retention; reading goes on"};
  }
  return {Errc::unavailable, "the next journal is still being filled; try again in a second"};
}

void Committer::add(Turn& turn, Append& append) {
  if (answer_repeat(turn, append)) return;
  if (auto room = check_room(turn, append); !room) {
    turn.answers.emplace_back(std::move(append.done), std::unexpected(room.error()));
    return;
  }
  Appended appended{.stored_at = turn.stored_at};
  for (const AppendItem& item : append.items) store_item(turn, append, item, appended);
  if (append.repeat && appended.stored > 0)
    remember(turn, *append.repeat, appended, append.made_id);
  if (append.checkpoint) store_checkpoint(turn, *append.checkpoint);
  turn.answers.emplace_back(std::move(append.done), std::move(appended));
}

void Committer::store_checkpoint(Turn& turn, const Checkpoint& checkpoint) {
  append_record(turn.commit->frame,
                {.position = last_, .stored_at = turn.stored_at, .kind = RecordKind::checkpoint},
                checkpoint.source, checkpoint.value);
  ++turn.records;
  turn.checkpoints.emplace_back(checkpoint.source, checkpoint.value);
}

// The whole append was stored before, or contradicts what was: answered, and true.
bool Committer::answer_repeat(Turn& turn, Append& append) {
  const bool single = append.items.size() == 1;
  const RepeatKey* by_id = single && append.items[0].repeat ? &*append.items[0].repeat : nullptr;
  const RepeatKey* key = append.repeat ? &*append.repeat : by_id;
  if (key == nullptr) return false;
  const Repeat* known = repeats_.find(key->key);
  // The same event under another Idempotency-Key is the same event.
  if (known == nullptr && by_id != nullptr) {
    key = by_id;
    known = repeats_.find(key->key);
  }
  if (known == nullptr) return false;
  if (known->body != key->body) {
    turn.answers.emplace_back(
        std::move(append.done),
        fail(Errc::conflict,
             "this {} was used before for other data or another content type; use a new one",
             key == by_id ? "source and id" : "Idempotency-Key"));
    return true;
  }
  // Its source came further all the same: it must not read these events again for ever.
  if (append.checkpoint) {
    if (turn.disk_refused) {
      turn.answers.emplace_back(std::move(append.done), std::unexpected(refusal()));
      return true;
    }
    store_checkpoint(turn, *append.checkpoint);
  }
  ++turn.repeated;
  turn.answers.emplace_back(std::move(append.done), Appended{.first = known->first,
                                                             .last = known->last,
                                                             .repeated = known->count,
                                                             .repeat = true,
                                                             .stored_at = known->stored_at,
                                                             .durability = known->durability,
                                                             .id = known->made_id});
  return true;
}

// A batch in which one id stands for two events contradicts itself, or what was stored before.
Result<> Committer::check_items(const Append& append) const {
  if (append.items.size() == 1) return {};
  std::unordered_map<Digest, Digest, DigestHash> bodies;
  for (const AppendItem& item : append.items) {
    if (!item.repeat) continue;
    const Repeat* known = repeats_.find(item.repeat->key);
    const auto [found, first] =
        bodies.try_emplace(item.repeat->key, known != nullptr ? known->body : item.repeat->body);
    if (found->second == item.repeat->body) continue;
    return fail(Errc::conflict,
                "event {}: its source and id were used before for other data; use a new id",
                &item - append.items.data());
  }
  return {};
}

// What must hold before the first byte of the append is gathered: all or nothing.
Result<> Committer::check_room(const Turn& turn, const Append& append) {
  if (state_.failed) return std::unexpected(refusal());
  TRY(const Needs needs, needs_of(append));
  const uint64_t bytes_max = append_bytes_max(options_.journal_bytes);
  if (needs.disk && bytes_of(append) > bytes_max) {
    return fail(Errc::too_large,
                "the publish takes {} bytes of a journal, more than the {} that one of {} allows; "
                "send less at once, or raise journal_bytes",
                bytes_of(append), bytes_max, options_.journal_bytes);
  }
  if (needs.disk && turn.disk_refused) return std::unexpected(refusal());
  if (needs.reservation && turn.controls_refused) return std::unexpected(refusal());
  return check_items(append);
}

Result<Committer::Needs> Committer::needs_of(const Append& append) const {
  Needs needs{.disk = append.checkpoint.has_value()};
  if (append.checkpoint &&
      append.checkpoint->source.size() + append.checkpoint->value.size() > kCheckpointBytesMax) {
    return fail(Errc::too_large, "a checkpoint has {} bytes; at most {} are taken",
                append.checkpoint->value.size(), kCheckpointBytesMax);
  }
  Position last = last_;
  size_t new_topics = 0;
  size_t new_names = 0;
  const std::string* topic = nullptr;
  const std::scoped_lock lock(state_.mutex);
  for (const AppendItem& item : append.items) {
    const TopicRow* row = state_.topics.find(item.topic);
    const bool another = topic == nullptr || *topic != item.topic;
    new_topics += another && (row == nullptr || !row->listed) ? 1 : 0;
    new_names += another && row == nullptr ? 1 : 0;
    topic = &item.topic;
    const auto durability =
        row != nullptr ? row->settings.durability : options_.settings_for(item.topic).durability;
    (durability == Durability::disk ? needs.disk : needs.memory) = true;
    if (item.given.value != 0 && item.given <= last) {
      return fail(Errc::conflict, "position {} was given, but the log is at {} already",
                  item.given.value, last.value);
    }
    last = item.given.value != 0 ? item.given : Position{last.value + 1};
  }
  if (new_topics > 0 && state_.topics.listed() + new_topics > kTopicsMax) {
    return fail(Errc::too_many, "there are {} topics already, the most allowed; use fewer names",
                state_.topics.listed());
  }
  if (new_names > 0 && state_.topics.rows().size() + new_names > kTopicNamesMax) {
    return fail(Errc::too_many,
                "{} topic names were used, deleted ones included, the most that is remembered; use "
                "fewer names",
                state_.topics.rows().size());
  }
  if (needs.memory && state_.memory_bytes > kMemoryTopicsBytesMax) {
    return fail(Errc::unavailable, "all memory topics together hold {} bytes, the most allowed",
                state_.memory_bytes);
  }
  needs.reservation = needs.memory && last.value + kPositionsReserved / 2 > state_.reserved.value;
  return needs;
}

// The topic's row; made, with its record, by its first event.
TopicRow* Committer::topic_for(Turn& turn, const std::string& name) {
  const std::scoped_lock lock(state_.mutex);
  TopicRow* row = state_.topics.find(name);
  if (row != nullptr && row->listed) return row;
  if (row == nullptr) row = &state_.topics.add(name, options_.settings_for(name));
  state_.topics.set_listed(*row, true);
  turn.commit->topics.push_back({row->id, row->name, row->settings.durability});
  if (!is_memory_topic(row->id)) {
    append_record(turn.commit->frame,
                  {.position = last_,
                   .stored_at = turn.stored_at,
                   .topic = row->id,
                   .kind = RecordKind::topic},
                  {}, name);
    ++turn.records;
  }
  return row;
}

void Committer::store_item(Turn& turn, const Append& append, const AppendItem& item,
                           Appended& appended) {
  const Repeat* known =
      item.repeat && append.items.size() > 1 ? repeats_.find(item.repeat->key) : nullptr;
  if (known != nullptr) {
    // Until something is stored now, the answer names where it was stored before.
    if (appended.stored == 0) {
      if (appended.repeated == 0) appended.first = known->first;
      appended.last = known->last;
    }
    ++appended.repeated;
    ++turn.repeated;
    return;
  }
  TopicRow* row = topic_for(turn, item.topic);
  const bool memory = is_memory_topic(row->id);
  last_ = item.given.value != 0 ? item.given : Position{last_.value + 1};
  std::string& into = memory ? turn.commit->memory_records : turn.commit->frame;
  const size_t at = into.size();
  into += record_at(append, item);
  place_record(into.data() + at, last_, turn.stored_at, row->id);
  turn.stored.push_back({at, row, memory, last_});
  if (!memory) ++turn.records;
  if (memory) reserve(turn);
  ++turn.events;
  if (appended.stored == 0) appended.first = last_;
  appended.last = last_;
  ++appended.stored;
  appended.durability = row->settings.durability;
  if (item.repeat) {
    remember(turn, *item.repeat,
             {.first = last_, .last = last_, .stored = 1, .durability = appended.durability}, {});
  }
}

void Committer::remember(Turn& turn, const RepeatKey& key, const Appended& appended,
                         const std::string& made_id) {
  Repeat repeat{.key = key.key,
                .body = key.body,
                .first = appended.first,
                .last = appended.last,
                .count = appended.stored,
                .stored_at = turn.stored_at,
                .durability = appended.durability,
                .made_id = made_id};
  if (appended.durability == Durability::disk) {
    append_repeat_record(turn.commit->frame, repeat);
    ++turn.records;
  }
  // At once, so that a repeat in the same turn is found; it is answered after the same sync.
  turn.remembered.push_back(repeat.key);
  repeats_.add(std::move(repeat));
}

// A memory event shows a position that no frame holds: it must never be given again after a crash.
void Committer::reserve(Turn& turn) {
  const std::scoped_lock lock(state_.mutex);
  if (last_.value + kPositionsReserved / 2 <= state_.reserved.value) return;
  state_.reserved = Position{last_.value + kPositionsReserved};
  append_record(
      turn.commit->frame,
      {.position = state_.reserved, .stored_at = turn.stored_at, .kind = RecordKind::reservation},
      {}, {});
  ++turn.records;
}

void Committer::add(Turn& turn, Refused& refused) {
  turn.answers.emplace_back(
      std::move(refused.done),
      fail(Errc::unavailable,
           "the hub takes in more than the disk can sync; try again in a second"));
}

void Committer::add(Turn& turn, MarkRequest& request) {
  TopicRow* row = nullptr;
  {
    const std::scoped_lock lock(state_.mutex);
    row = state_.topics.find(request.topic);
  }
  if (row == nullptr || !row->listed) {
    turn.mark_answers.emplace_back(std::move(request.done),
                                   fail(Errc::not_found, "there is no topic '{}'", request.topic));
    return;
  }
  const bool memory = is_memory_topic(row->id);
  if (turn.controls_refused && !memory) {
    turn.mark_answers.emplace_back(std::move(request.done), std::unexpected(refusal()));
    return;
  }
  // Events of the same turn that stand before the deletion go with it; those behind make it again.
  Position mark = request.mark;
  if (request.drop) {
    const std::scoped_lock lock(state_.mutex);
    state_.topics.set_listed(*row, false);
    row->dropping = true;
    mark = row->last;
    for (const auto& stored : turn.stored) {
      if (stored.row == row) mark = std::max(mark, stored.position);
    }
  }
  if (!memory) {
    const std::string reason(1, static_cast<char>(request.reason));
    append_record(turn.commit->frame,
                  {.position = mark,
                   .stored_at = turn.stored_at,
                   .topic = row->id,
                   .kind = request.drop ? RecordKind::deleted : RecordKind::mark},
                  {}, reason);
    ++turn.records;
  }
  turn.raised.push_back({row, mark, request.reason, request.drop});
  turn.mark_answers.emplace_back(std::move(request.done), Result<>());
}

}  // namespace carillon
