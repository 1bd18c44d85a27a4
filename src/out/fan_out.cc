#include "out/fan_out.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/limits.h"
#include "out/stream_reader.h"

namespace carillon {

namespace {

// A slice of a walk (EVIDENCE part 3, pitfalls): then the sockets are looked at.
constexpr size_t kSendsASlice = 256;
constexpr std::chrono::milliseconds kSliceTime{1};
// How far a blocked reader may stay behind within the shared frames; beyond it reads for itself.
constexpr uint64_t kStreamBytesMax = 1 * kMiB;
// What may come while a walk is under way: for less it is not torn apart.
constexpr uint64_t kStreamBytesHardMax = 4 * kStreamBytesMax;
constexpr size_t kPiecesMax = 17;  // of 64 KiB: all of a stream at its bound
// A herd that catches up holds a block each, and takes it within this.
constexpr std::chrono::seconds kPinnedPatience{5};
// Names whose classes are remembered.
constexpr size_t kAnswersMax = 65'536;
// Readers that catch up, a turn: each takes at most one block.
constexpr size_t kPumpsATurn = 64;

}  // namespace

struct FanOut::Budget {
  size_t sends = kSendsASlice;
  MonotonicTime until;
  bool spent() const {
    if (sends == 0) return true;
    // The clock is asked every 16 sends: a system call's worth of care.
    if (sends % 16 != 0) return false;
    return std::chrono::steady_clock::now() >= until;
  }
};

FanOut::FanOut(Loop& loop, LocalHub& hub, Options options)
    : loop_(loop),
      hub_(hub),
      options_(options),
      batch_timer_(loop.context()),
      heard_(hub.tail().end()) {
  hub.add_listener(*this);
  loop.add_turn_end(*this);
  loop.add_sweep(*this);
}

FanOut::~FanOut() = default;

SubscriptionClass& FanOut::class_for(const ClassKey& key) {
  auto& found = classes_[key];
  if (found == nullptr) {
    found = std::make_unique<SubscriptionClass>(key, hub_.log().select(key.topics),
                                                hub_.tail().end(), next_number_++);
    found->written = loop_.now();
    index(*found);
  }
  ++found->readers;
  return *found;
}

void FanOut::release(SubscriptionClass& subscription_class) {
  if (--subscription_class.readers > 0) return;
  std::erase(dirty_, &subscription_class);
  with_late_.erase(&subscription_class);
  unindex(subscription_class);
  classes_.erase(ClassKey(subscription_class.key));
}

namespace {

// The topic when there is but one.
const std::string* only_topic(const ClassKey& key) {
  return key.topics.size() == 1 && key.topics.front().is_exact() ? &key.topics.front().text()
                                                                 : nullptr;
}

}  // namespace

// Ten thousand readers of a topic each come and go: one of them concerns its topic alone.
void FanOut::index(SubscriptionClass& subscription_class) {
  const auto* topic = only_topic(subscription_class.key);
  topic == nullptr ? answers_.clear() : void(answers_.erase(*topic));
  auto& classes = topic == nullptr ? other_classes_ : by_topic_[*topic];
  classes.push_back(&subscription_class);
}

void FanOut::unindex(SubscriptionClass& subscription_class) {
  const auto* topic = only_topic(subscription_class.key);
  topic == nullptr ? answers_.clear() : void(answers_.erase(*topic));
  auto& classes = topic == nullptr ? other_classes_ : by_topic_[*topic];
  std::erase(classes, &subscription_class);
  if (topic != nullptr && classes.empty()) by_topic_.erase(*topic);
}

const std::vector<SubscriptionClass*>& FanOut::classes_of(std::string_view topic) {
  const auto known = answers_.find(topic);
  if (known != answers_.end()) return known->second;
  if (answers_.size() >= kAnswersMax) answers_.clear();
  auto& classes = answers_[std::string(topic)];
  if (const auto own = by_topic_.find(topic); own != by_topic_.end()) classes = own->second;
  for (SubscriptionClass* other : other_classes_) {
    if (any_matches(other->key.topics, topic)) classes.push_back(other);
  }
  return classes;
}

bool FanOut::join(SubscriptionClass& subscription_class, StreamReader& reader, Position position) {
  const Position joined_at = position;
  FrameStream& stream = subscription_class.stream;
  if (!subscription_class.rated() || subscription_class.rows.empty())
    subscription_class.looked = hub_.tail().end();
  // Nobody listened: what came meanwhile was not encoded.
  if (subscription_class.rows.empty()) stream.clear(subscription_class.looked);
  if (position < stream.base()) return false;
  if (position > subscription_class.looked) {
    // Ahead of this loop (told by another), or within a window that has not been emitted.
    subscription_class.late.emplace_back(&reader, position);
    if (!subscription_class.rated()) with_late_.insert(&subscription_class);
    position = subscription_class.looked;
  }
  ReaderRow row{.descriptor = reader.plain_descriptor(),
                .offset = stream.offset_behind(position),
                .reader = &reader};
  reader.become_row(subscription_class.rows.size(), joined_at);
  subscription_class.rows.push_back(row);
  if (row.offset != stream.end()) mark_dirty(subscription_class);
  return true;
}

void FanOut::leave(SubscriptionClass& subscription_class, size_t row) {
  auto& rows = subscription_class.rows;
  std::erase_if(subscription_class.late,
                [&](const auto& late) { return late.first == rows[row].reader; });
  if (row + 1 != rows.size()) {
    rows[row] = rows.back();
    rows[row].reader->set_row(row);
  }
  rows.pop_back();
  // A walk that has passed this place would miss the row that was moved into it.
  if (row < subscription_class.walk) subscription_class.walk_end = 0;
}

void FanOut::unblock(SubscriptionClass& subscription_class, size_t row) {
  subscription_class.rows[row].blocked = false;
  if (subscription_class.rows[row].offset == subscription_class.stream.end()) return;
  if (row < subscription_class.walk) subscription_class.walk_end = 0;
  mark_dirty(subscription_class);
}

void FanOut::forget(StreamReader& reader) {
  readers_.erase(&reader);
  watched_.erase(&reader);
  std::erase(pumping_, &reader);
  std::erase(gone_, &reader);
}

void FanOut::on_commit(const Commit& commit) {
  if (!commit.marks.empty()) take_marks(commit);
  if (!classes_.empty()) {
    for (const EventView& event : commit.events) {
      for (SubscriptionClass* subscription_class : classes_of(event.topic()))
        encode(*subscription_class, event);
    }
    for (SubscriptionClass* subscription_class : with_late_) {
      subscription_class->looked = commit.durable_end;
      settle_late(*subscription_class);
    }
    std::erase_if(with_late_, [](const auto* settled) { return settled->late.empty(); });
  }
  heard_ = commit.durable_end;
  if (!waiters_.empty()) wake_waiters(commit);
}

void FanOut::encode(SubscriptionClass& subscription_class, const EventView& event) {
  if (subscription_class.rows.empty() && subscription_class.metered.empty()) return;
  if (subscription_class.rated()) {
    if (!subscription_class.batch_waits) {
      subscription_class.batch_waits = true;
      arm_batches();
    }
    return;
  }
  if (!subscription_class.key.filter.matches(event)) return;
  for (StreamReader* reader : subscription_class.metered) reader->wake();
  if (subscription_class.rows.empty()) return;
  auto& out = subscription_class.stream.open();
  append_event_frame(out, subscription_class.form, event, hub_.epoch());
  subscription_class.stream.close(event.position());
  subscription_class.written = loop_.now();
  mark_dirty(subscription_class);
}

void FanOut::mark_dirty(SubscriptionClass& subscription_class) {
  if (subscription_class.dirty) return;
  subscription_class.dirty = true;
  dirty_.push_back(&subscription_class);
}

bool FanOut::on_turn_end() {
  size_t pumps = std::min(pumping_.size(), kPumpsATurn);
  for (; pumps > 0 && !pumping_.empty(); --pumps) {
    StreamReader* reader = pumping_.front();
    pumping_.pop_front();
    reader->pump();
  }
  Budget budget{.sends = kSendsASlice,
                .until = std::chrono::time_point_cast<std::chrono::microseconds>(
                             std::chrono::steady_clock::now()) +
                         kSliceTime};
  // Round robin: a class whose walk is not done goes to the back.
  for (size_t i = dirty_.size(); i > 0 && !dirty_.empty(); --i) {
    SubscriptionClass* next = dirty_.front();
    dirty_.pop_front();
    next->dirty = false;
    if (!walk(*next, budget)) mark_dirty(*next);
    if (budget.spent()) break;
  }
  while (!gone_.empty()) {
    StreamReader* reader = gone_.back();
    gone_.pop_back();
    reader->cut(kClientReset);
  }
  return !dirty_.empty() || !pumping_.empty();
}

// True when every row has what there was when the walk began, and nothing came since.
bool FanOut::walk(SubscriptionClass& subscription_class, Budget& budget) {
  FrameStream& stream = subscription_class.stream;
  if (subscription_class.walk == 0) {
    subscription_class.walk_began = subscription_class.walk_end = stream.end();
  } else if (stream.end() - subscription_class.walk_began > kStreamBytesHardMax) {
    // More came during one walk than it could send: whoever is last is not waited for.
    cut_to(subscription_class, kStreamBytesMax);
  }
  while (subscription_class.walk < subscription_class.rows.size()) {
    if (budget.spent()) return false;
    send_row(subscription_class, budget);
  }
  subscription_class.walk = 0;
  let_go(subscription_class);
  return subscription_class.walk_end == stream.end();
}

void FanOut::send_row(SubscriptionClass& subscription_class, Budget& budget) {
  ReaderRow& row = subscription_class.rows[subscription_class.walk];
  if (row.blocked || row.offset == subscription_class.stream.end()) {
    ++subscription_class.walk;
    return;
  }
  std::array<iovec, kPiecesMax> pieces;
  const size_t count = subscription_class.stream.gather(row.offset, pieces);
  const std::span<const iovec> run(pieces.data(), count);
  --budget.sends;
  WriteResult result = row.descriptor >= 0 ? send_run(row.descriptor, run) : row.reader->write(run);
  if (row.descriptor >= 0 && result.state == WriteState::blocked)
    result = row.reader->settle(run, result);
  row.offset += result.bytes;
  ++deliveries_;
  // What one gathered write does not hold follows at once: no event may come to remind of it.
  if (result.state == WriteState::open && row.offset != subscription_class.stream.end()) return;
  ++subscription_class.walk;
  switch (result.state) {
    case WriteState::open: return;
    case WriteState::closed:
      // Not from inside the walk: the last reader takes the class with it.
      row.blocked = true;
      gone_.push_back(row.reader);
      return;
    case WriteState::blocked:
      row.blocked = true;
      row.reader->row_blocked(result.bytes > 0);
      return;
  }
}

// After each walk, whether more came meanwhile or not: what every row has is let go of.
void FanOut::let_go(SubscriptionClass& subscription_class) {
  FrameStream& stream = subscription_class.stream;
  uint64_t least = stream.end();
  for (const ReaderRow& row : subscription_class.rows) least = std::min(least, row.offset);
  if (least == stream.end()) {
    stream.clear(subscription_class.rated() ? subscription_class.looked : hub_.tail().end());
    return;
  }
  stream.trim_to(least);
  cut_to(subscription_class, kStreamBytesMax);
}

// Whoever is further behind than this reads for itself, and holds nobody's memory.
void FanOut::cut_to(SubscriptionClass& subscription_class, uint64_t bytes_max) {
  FrameStream& stream = subscription_class.stream;
  if (stream.end() - stream.begin() <= bytes_max) return;
  const uint64_t begin = stream.begin_within(bytes_max);
  demote_behind(subscription_class, begin);
  stream.trim_to(begin);
}

void FanOut::demote_behind(SubscriptionClass& subscription_class, uint64_t offset) {
  for (size_t i = subscription_class.rows.size(); i-- > 0;) {
    if (subscription_class.rows[i].offset >= offset) continue;
    StreamReader* reader = subscription_class.rows[i].reader;
    const auto cut = subscription_class.stream.cut_frame_at(subscription_class.rows[i].offset);
    leave(subscription_class, i);
    reader->fall_behind(cut.position, cut.rest);
  }
}

// Events that are encoded but not sent yet were removed: whoever still owes one goes on by itself,
// and is told.
void FanOut::take_marks(const Commit& commit) {
  for (const auto& [key, subscription_class] : classes_) {
    if (subscription_class->stream.empty()) continue;
    const bool touched = std::ranges::any_of(commit.marks, [&](const RaisedMark& mark) {
      return mark.mark > subscription_class->stream.base() && any_matches(key.topics, mark.name);
    });
    if (!touched) continue;
    demote_behind(*subscription_class, subscription_class->stream.end());
    // The events of this commit are still to be encoded: they lie behind the base.
    subscription_class->stream.clear(subscription_class->rated() ? subscription_class->looked
                                                                 : heard_);
  }
}

void FanOut::wake_waiters(const Commit& commit) {
  std::vector<EventWaiter*> woken;
  for (EventWaiter* waiter : waiters_) {
    const bool wanted = std::ranges::any_of(
        commit.events, [&](const EventView& event) { return waiter->wants(event); });
    if (wanted) woken.push_back(waiter);
  }
  for (EventWaiter* waiter : woken) {
    waiters_.erase(waiter);
    waiter->on_event();
  }
}

// One batch of a class with a rate: the window since the last one, reduced.
void FanOut::batch(SubscriptionClass& subscription_class) {
  subscription_class.batch_waits = false;
  const auto pause =
      std::chrono::microseconds(static_cast<int64_t>(1e6 / *subscription_class.key.rate));
  subscription_class.next_batch = loop_.now() + pause;
  for (StreamReader* reader : subscription_class.metered) reader->wake();
  if (subscription_class.rows.empty()) return;
  const Position from = subscription_class.looked;
  if (from < hub_.tail().start()) {
    // More came between two batches than the tail holds: readers go on by themselves.
    demote_behind(subscription_class, UINT64_MAX);
    return;
  }
  ConflationWindow& window = subscription_class.window;
  bool removed = false;
  hub_.tail().for_each_behind(from, [&](const EventView& event) {
    if (any_matches(subscription_class.key.topics, event.topic()) &&
        subscription_class.key.filter.matches(event)) {
      removed = event.position() <= hub_.mark_of(event.topic_id());
      if (removed) return false;
      window.add(event);
    }
    subscription_class.looked = event.position();
    return !window.full();
  });
  if (removed) {
    // What was to be sent is gone: readers go on by themselves, and are told.
    window.clear();
    subscription_class.looked = from;
    demote_behind(subscription_class, UINT64_MAX);
    return;
  }
  const bool more = window.full();
  for (const EventView& event : window.take()) {
    append_event_frame(subscription_class.stream.open(), subscription_class.form, event,
                       hub_.epoch());
    subscription_class.stream.close(event.position());
    subscription_class.written = loop_.now();
  }
  if (!more) subscription_class.looked = hub_.tail().end();
  settle_late(subscription_class);
  mark_dirty(subscription_class);
  if (!more) return;
  subscription_class.batch_waits = true;
  subscription_class.next_batch = loop_.now();
}

// Readers that joined ahead of what is encoded skip the frames that they have.
void FanOut::settle_late(SubscriptionClass& subscription_class) {
  for (const auto& [reader, position] : subscription_class.late) {
    subscription_class.rows[reader->row()].offset =
        subscription_class.stream.offset_behind(position);
  }
  std::erase_if(subscription_class.late,
                [&](const auto& late) { return late.second <= subscription_class.looked; });
}

void FanOut::arm_batches() {
  MonotonicTime next = MonotonicTime::max();
  for (const auto& [key, subscription_class] : classes_) {
    if (subscription_class->batch_waits) next = std::min(next, subscription_class->next_batch);
  }
  // Of two classes the sooner: a slow rate must not hold up a fast one.
  if (next >= batch_timer_at_) return;
  batch_timer_at_ = next;
  batch_timer_.expires_at(next);
  batch_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // armed anew
    batch_timer_at_ = MonotonicTime::max();
    std::vector<SubscriptionClass*> due;
    for (const auto& [key, subscription_class] : classes_) {
      if (subscription_class->batch_waits && subscription_class->next_batch <= loop_.now())
        due.push_back(subscription_class.get());
    }
    for (SubscriptionClass* subscription_class : due) batch(*subscription_class);
    arm_batches();
  });
}

void FanOut::heartbeat(SubscriptionClass& subscription_class, MonotonicTime now) {
  if (subscription_class.rows.empty() || now - subscription_class.written < options_.heartbeat)
    return;
  // A reader that is ahead of what was looked at must not hear of an earlier place.
  if (!subscription_class.late.empty()) return;
  const Position looked =
      subscription_class.rated() ? subscription_class.looked : hub_.tail().end();
  append_cursor_frame(subscription_class.stream.open(), subscription_class.form,
                      {hub_.epoch(), looked});
  subscription_class.stream.close(looked);
  subscription_class.written = now;
  mark_dirty(subscription_class);
}

// Too much that is held for single readers: whoever has taken nothing for longest is ended.
void FanOut::bound_pinned(MonotonicTime now) {
  size_t pinned = 0;
  std::vector<StreamReader*> blocked;
  for (StreamReader* reader : watched_) {
    pinned += reader->pinned_bytes();
    const bool stuck = reader->blocked_since() != MonotonicTime() &&
                       now - reader->blocked_since() >= kPinnedPatience;
    if (stuck && reader->pinned_bytes() > 0) blocked.push_back(reader);
  }
  if (pinned <= options_.pinned_bytes_max) return;
  std::ranges::sort(blocked, {}, &StreamReader::blocked_since);
  for (StreamReader* reader : blocked) {
    if (pinned <= options_.pinned_bytes_max) return;
    pinned -= reader->pinned_bytes();
    reader->cut("pinned");
  }
}

void FanOut::on_sweep(MonotonicTime now) {
  for (const auto& [key, subscription_class] : classes_) heartbeat(*subscription_class, now);
  const std::vector<StreamReader*> watched(watched_.begin(), watched_.end());
  for (StreamReader* reader : watched) {
    if (watched_.contains(reader)) reader->sweep(now);
  }
  bound_pinned(now);
  std::vector<EventWaiter*> late;
  for (EventWaiter* waiter : waiters_) {
    if (waiter->deadline() <= now) late.push_back(waiter);
  }
  for (EventWaiter* waiter : late) {
    waiters_.erase(waiter);
    waiter->on_deadline();
  }
}

void FanOut::add_waiter(EventWaiter& waiter) {
  if (draining_) return waiter.on_deadline();
  waiters_.insert(&waiter);
}

void FanOut::drain() {
  draining_ = true;
  const std::vector<StreamReader*> all(readers_.begin(), readers_.end());
  for (StreamReader* reader : all) reader->drain();
  const std::vector<EventWaiter*> waiting(waiters_.begin(), waiters_.end());
  waiters_.clear();
  for (EventWaiter* waiter : waiting) waiter->on_deadline();
}

}  // namespace carillon
