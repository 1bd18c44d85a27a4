#include "log/recovery.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "log/committer.h"

namespace carillon {

namespace {

// Where the first event of a new log follows.
constexpr Position kBeforeFirstEvent{1};
// How far a journal whose header is lost is believed to reach at the most: what its frames say of
// themselves cannot be checked.
constexpr uint64_t kUncheckedPositionsMax = 1ULL << 40;

// Files that only an interrupted write leaves.
bool is_unfinished(std::string_view name) {
  return name == "filling" || name == "sealing" || name == "writing";
}

bool is_log_file(std::string_view name) {
  return Journal::id_of(name) != 0 || Segment::id_of(name) != 0 || is_state_name(name);
}

// One recovery under way.
class Recovery {
 public:
  Recovery(Disk& disk, LogState& state, RepeatWindow& repeats, Random& random, Logger& logger,
           const std::function<TopicSettings(std::string_view)>& settings_for, RecoveryMode mode)
      : disk_(disk),
        state_(state),
        repeats_(repeats),
        random_(random),
        logger_(logger),
        settings_for_(settings_for),
        mode_(mode) {}

  Result<Recovered> run();

 private:
  Result<bool> identify();
  Result<> clear_unfinished();
  Result<> remove(const std::string& name);
  Result<> set_aside(const std::string& name);
  void take_state();

  Result<> open_segments();
  Result<> open_segment(uint64_t id);
  Result<> drop_unfinished_seal(uint64_t id, const std::string& why);
  Result<> drop_replaced_segments();
  void miss_segments();

  Result<> read_all_repeats();

  Result<> replay_journals();
  Result<> replay_journal(uint64_t id);
  Result<> lose_journal(uint64_t id);
  Result<> replay_frames(const std::shared_ptr<JournalIndex>& index, const JournalScan& scan,
                         std::string_view bytes);
  void note_hole(const JournalScan& scan, const ScannedFrame& scanned, std::string_view frame,
                 const std::string& name);
  Result<> replay_frame(std::string_view frame, const ScannedFrame& scanned, JournalIndex& index);
  Result<> replay_record(std::string_view bytes, const RecordHeader& header, uint64_t offset,
                         JournalIndex& index);
  Result<> replay_event(const RecordHeader& header, TopicRow* row, uint64_t offset,
                        JournalIndex& index);
  void retire_spares();
  Result<> settle_last_journal();
  Result<> copy_into_spare();
  void note(Damage damage);

  Disk& disk_;
  LogState& state_;
  RepeatWindow& repeats_;
  Random& random_;
  Logger& logger_;
  const std::function<TopicSettings(std::string_view)>& settings_for_;
  RecoveryMode mode_;
  std::vector<std::string> names_;
  std::set<uint64_t> journal_ids_;
  std::string read_;  // the journal that is being replayed
  Recovered recovered_;

  // The journal that the log goes on in, unless something lies behind it.
  struct LastJournal {
    std::shared_ptr<Journal> journal;
    FrameHeader header;  // of its last frame
    std::string frame;   // with its padding
    uint64_t end = 0;
    bool copied = false;  // the last two frames are one
    bool torn = false;
    bool whole = false;  // the file has its full size: a snapshot's copy has not
  };
  std::optional<LastJournal> last_;
  std::optional<size_t> lost_journal_;  // in state_.damages: its end is where the next frame begins
  std::optional<size_t> hole_;          // likewise the last hole, with which names may have gone
};

void Recovery::note(Damage damage) {
  logger_.error("the log is damaged", {{"file", damage.file},
                                       {"byte", std::to_string(damage.offset)},
                                       {"after", std::to_string(damage.after.value)},
                                       {"last", std::to_string(damage.last.value)}});
  note_damage(state_, std::move(damage));
}

Result<> Recovery::remove(const std::string& name) {
  return mode_ == RecoveryMode::look ? Result<>() : disk_.remove(name);
}

// What cannot be read is kept for repair, out of the log's way.
Result<> Recovery::set_aside(const std::string& name) {
  return mode_ == RecoveryMode::look ? Result<>() : disk_.rename(name, "damaged-" + name);
}

// False: there is no log yet. A log of a later format is refused before anything is touched.
Result<bool> Recovery::identify() {
  auto identity = read_identity(disk_);
  if (identity) {
    recovered_.epoch = identity->epoch;
    return true;
  }
  if (identity.error().code != Errc::not_found) return std::unexpected(identity.error());
  if (std::ranges::any_of(names_, is_log_file)) {
    return fail(Errc::corrupt,
                "the log has no identity file, but it has events; restore it from a snapshot");
  }
  recovered_.epoch = Epoch{static_cast<uint32_t>(random_.next() | 1)};
  return false;
}

// A killed process may have renamed what no sync of the directory has written: what is removed now
// must not outlive what stands in its place.
Result<> Recovery::clear_unfinished() {
  if (mode_ == RecoveryMode::look) return {};
  TRY(disk_.sync_directory());
  for (const auto& name : names_) {
    if (is_unfinished(name)) TRY(disk_.remove(name));
  }
  return {};
}

void Recovery::take_state() {
  const StoredState& stored = recovered_.state;
  recovered_.sequence = stored.sequence;
  recovered_.last = stored.last;
  recovered_.stored_at = stored.stored_at;
  state_.reserved = stored.reserved;
  for (const StoredTopic& topic : stored.topics) {
    auto settings = settings_for_(topic.name);
    settings.durability = Durability::disk;
    TopicRow& row = state_.topics.add(topic.name, settings, topic.id);
    state_.topics.set_listed(row, topic.listed);
    state_.topics.raise_mark(row, topic.mark, topic.mark_reason);
    row.last = topic.last;
  }
  for (const auto& [source, value] : stored.checkpoints) state_.checkpoints[source] = value;
  state_.damages = stored.damages;
}

// ---- segments

Result<> Recovery::open_segments() {
  for (const auto& name : names_) {
    if (const uint64_t id = Segment::id_of(name); id != 0) TRY(open_segment(id));
  }
  std::ranges::sort(state_.segments, {},
                    [](const auto& segment) { return segment->footer().first; });
  TRY(drop_replaced_segments());
  miss_segments();
  return {};
}

Result<> Recovery::open_segment(uint64_t id) {
  const StoredState& stored = recovered_.state;
  const auto name = Segment::name_of(id);
  auto segment = Segment::open(disk_, id);
  if (!segment && segment.error().code != Errc::corrupt) return std::unexpected(segment.error());
  const bool sealed = id <= stored.number;
  if (!sealed) return drop_unfinished_seal(id, segment ? "" : segment.error().detail);
  const auto listed = std::ranges::find(stored.segments, id, &StoredSegment::id);
  // Its events were removed, and then it.
  if (listed == stored.segments.end()) return remove(name);
  if (segment) {
    state_.segments.push_back(std::move(*segment));
    return {};
  }
  note({.file = name,
        .offset = 0,
        .after = Position{listed->first.value - 1},
        .last = listed->last,
        .topic = {}});
  return set_aside(name);
}

// The seal did not end, and its journals still hold the events: unless they are gone, and with them
// the state that knew of it.
Result<> Recovery::drop_unfinished_seal(uint64_t id, const std::string& why) {
  const auto name = Segment::name_of(id);
  const auto segment = Segment::open(disk_, id);
  bool journals_there = true;
  if (segment) {
    const SegmentFooter& footer = (*segment)->footer();
    for (uint64_t journal = footer.journal_first; journal <= footer.journal_last; ++journal)
      journals_there = journals_there && journal_ids_.contains(journal);
  } else {
    const auto first = journal_ids_.upper_bound(recovered_.state.sealed_until);
    journals_there = first != journal_ids_.end();
  }
  if (journals_there) return segment ? remove(name) : set_aside(name);
  return fail(
      Errc::corrupt,
      "{} is not in the log's state, and the journal it was made of is gone: the state file "
      "is missing or old; restore it, or the log from a snapshot {}",
      name, why);
}

// A merged segment stands for those whose journals it covers.
Result<> Recovery::drop_replaced_segments() {
  std::vector<std::shared_ptr<Segment>> living;
  for (const auto& segment : state_.segments) {
    const SegmentFooter& one = segment->footer();
    const bool replaced = std::ranges::any_of(state_.segments, [&](const auto& other) {
      const SegmentFooter& by = other->footer();
      const bool covers =
          by.journal_first <= one.journal_first && one.journal_last <= by.journal_last;
      return by.id != one.id && covers &&
             by.journal_last - by.journal_first > one.journal_last - one.journal_first;
    });
    if (replaced) {
      TRY(remove(Segment::name_of(one.id)));
    } else {
      living.push_back(segment);
    }
  }
  state_.segments = std::move(living);
  return {};
}

void Recovery::miss_segments() {
  for (const StoredSegment& listed : recovered_.state.segments) {
    const auto name = Segment::name_of(listed.id);
    if (std::ranges::find(names_, name) != names_.end()) continue;
    note({.file = name,
          .offset = 0,
          .after = Position{listed.first.value - 1},
          .last = listed.last,
          .topic = {}});
  }
}

// ---- repeats

Result<> Recovery::read_all_repeats() {
  std::vector<uint64_t> numbers;
  for (const auto& name : names_) {
    if (const uint64_t number = repeats_number(name); number != 0) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  for (const uint64_t number : numbers) {
    // Of a seal that did not end: its journal still has them.
    if (number > recovered_.state.number) continue;
    auto stored = read_repeats(disk_, number);
    if (!stored) {
      if (stored.error().code != Errc::corrupt) return std::unexpected(stored.error());
      // Repeats of that stretch would be stored again: said aloud, never fatal.
      logger_.error("publishes remembered for repeats are lost",
                    {{"reason", stored.error().detail}});
      recovered_.lost_repeats.push_back(stored.error());
      TRY(set_aside(repeats_name(number)));
      continue;
    }
    WallTime newest{};
    for (Repeat& repeat : *stored) {
      newest = std::max(newest, repeat.stored_at);
      repeats_.add(std::move(repeat));
    }
    recovered_.repeats.emplace_back(number, newest);
  }
  return {};
}

// ---- journals

Result<> Recovery::replay_journals() {
  const uint64_t sealed_until = recovered_.state.sealed_until;
  state_.next_journal = sealed_until + 1;
  for (const uint64_t id : journal_ids_) {
    state_.next_journal = std::max(state_.next_journal, id + 1);
    if (id > sealed_until) {
      TRY(replay_journal(id));
      continue;
    }
    // Replaced by a segment, or by what was said of its damage.
    const auto name = Journal::name_of(id);
    const auto readable = Journal::open(disk_, id);
    if (!readable && readable.error().code == Errc::conflict)
      return std::unexpected(readable.error());
    const bool lost = !readable && readable.error().code == Errc::corrupt;
    const bool damaged = std::ranges::find(state_.damages, name, &Damage::file) !=
                         state_.damages.end();  // kept for repair
    TRY(lost || damaged ? set_aside(name) : remove(name));
  }
  return settle_last_journal();
}

Result<> Recovery::replay_journal(uint64_t id) {
  auto opened = Journal::open(disk_, id);
  if (!opened) {
    if (opened.error().code != Errc::corrupt) return std::unexpected(opened.error());
    return lose_journal(id);
  }
  std::shared_ptr<Journal> journal = std::move(*opened);
  TRY(read_whole_into(read_, journal->file(), journal->bytes()));
  const std::string_view bytes = read_;
  const auto scan = scan_journal(*journal, bytes);
  if (scan.frames.empty() && !scan.torn) {
    state_.spares.push_back(std::move(journal));
    return {};
  }
  const auto index = std::make_shared<JournalIndex>(journal);
  TRY(replay_frames(index, scan, bytes));
  retire_spares();
  if (last_) last_->journal->close();
  last_.reset();
  if (scan.frames.empty()) {
    journal->close();
  } else {
    const ScannedFrame& last = scan.frames.back();
    last_ = {.journal = journal,
             .header = last.header,
             .frame = std::string(bytes.substr(last.offset, frame_stride(last.header))),
             .end = scan.end,
             .copied = scan.frames.size() > 1 &&
                       scan.frames[scan.frames.size() - 2].header.sequence == last.header.sequence,
             .torn = scan.torn,
             .whole = bytes.size() == journal->bytes()};
  }
  state_.journals.push_back(index);
  return {};
}

// Spares with a number below a journal in use would break the order: they are sealed as empty ones.
void Recovery::retire_spares() {
  for (const auto& spare : state_.spares) {
    spare->close();
    state_.journals.push_back(std::make_shared<JournalIndex>(spare));
  }
  state_.spares.clear();
}

// Without the nonce of its header no frame can be believed. Positions that it may hold are never
// given again.
Result<> Recovery::lose_journal(uint64_t id) {
  const auto name = Journal::name_of(id);
  TRY(const Position unchecked, unchecked_last_position(disk_, id));
  if (unchecked.value == 0) return remove(name);  // a spare
  const Position before = recovered_.last;
  recovered_.last = std::clamp(unchecked, before, Position{before.value + kUncheckedPositionsMax});
  note({.file = name, .offset = 0, .after = before, .last = recovered_.last, .topic = {}});
  lost_journal_ = state_.damages.size() - 1;
  retire_spares();
  if (last_) last_->journal->close();
  last_.reset();
  return {};
}

Result<> Recovery::replay_frames(const std::shared_ptr<JournalIndex>& index,
                                 const JournalScan& scan, std::string_view bytes) {
  const auto name = Journal::name_of(index->journal()->id());
  for (const ScannedFrame& scanned : scan.frames) {
    const auto frame = bytes.substr(scanned.offset, scanned.header.bytes);
    // A copy that an earlier recovery made of the frame before it.
    if (scanned.header.sequence == recovered_.sequence) continue;
    if (scanned.header.sequence != recovered_.sequence + 1) note_hole(scan, scanned, frame, name);
    TRY(replay_frame(frame, scanned, *index));
    recovered_.sequence = scanned.header.sequence;
    recovered_.last = std::max(recovered_.last, scanned.header.last);
    recovered_.stored_at = std::max(recovered_.stored_at, scanned.header.stored_at);
    index->add_frame(scanned.header.last, scanned.header.stored_at,
                     scanned.offset + frame_stride(scanned.header));
  }
  return {};
}

// The position before a frame's first event: what lay before the frame reached no further.
Position position_before_frame(const ScannedFrame& scanned, std::string_view frame) {
  auto rest = frame.substr(kFrameHeaderBytes);
  RecordHeader header;
  for (uint32_t i = 0; i < scanned.header.records && parse_record_header(rest, header); ++i) {
    if (header.kind == RecordKind::event) return Position{header.position.value - 1};
    rest.remove_prefix(padded(header.length));
  }
  return scanned.header.last;  // it holds none
}

// What lay between the last frame read and this one is gone.
void Recovery::note_hole(const JournalScan& scan, const ScannedFrame& scanned,
                         std::string_view frame, const std::string& name) {
  const Position until = position_before_frame(scanned, frame);
  if (lost_journal_) {
    Damage& lost = state_.damages[*lost_journal_];
    lost.last = std::max(lost.after, until);
    hole_ = lost_journal_;
    lost_journal_.reset();
    return;
  }
  const auto hole =
      std::ranges::find_if(scan.damage, [&](const auto& d) { return d.end == scanned.offset; });
  note({.file = name,
        .offset = hole == scan.damage.end() ? kFrameAlignment : hole->offset,
        .after = recovered_.last,
        .last = std::max(until, recovered_.last),
        .topic = {}});
  hole_ = state_.damages.size() - 1;
}

Result<> Recovery::replay_frame(std::string_view frame, const ScannedFrame& scanned,
                                JournalIndex& index) {
  size_t at = kFrameHeaderBytes;
  for (uint32_t i = 0; i < scanned.header.records; ++i) {
    RecordHeader header;
    const auto rest = frame.substr(at);
    if (!parse_record_header(rest, header)) {
      return fail(
          Errc::corrupt,
          "{} byte {}: a record in an intact frame cannot be read: this is a bug, please report it",
          Journal::name_of(index.journal()->id()), scanned.offset + at);
    }
    TRY(replay_record(rest, header, scanned.offset + at, index));
    at += padded(header.length);
  }
  return {};
}

Result<> Recovery::replay_record(std::string_view bytes, const RecordHeader& header,
                                 uint64_t offset, JournalIndex& index) {
  const auto attributes = bytes.substr(kRecordHeaderBytes, header.attribute_bytes);
  const auto data = bytes.substr(kRecordHeaderBytes + header.attribute_bytes, header.data_bytes);
  TopicRow* row = header.topic.value == 0 ? nullptr : state_.topics.find(header.topic);
  // A number whose topic's record is lost is never given to another.
  if (header.topic.value != 0 && row == nullptr) state_.topics.skip_number(header.topic);
  switch (header.kind) {
    case RecordKind::event: return replay_event(header, row, offset, index);
    case RecordKind::topic:
      if (row == nullptr) {
        auto settings = settings_for_(data);
        settings.durability = Durability::disk;
        row = &state_.topics.add(data, settings, header.topic);
      }
      state_.topics.set_listed(*row, true);
      return {};
    case RecordKind::mark:
    case RecordKind::deleted:
      if (row == nullptr) return {};
      apply_mark(state_, *row, header.position,
                 data.empty() ? MarkReason::expired : static_cast<MarkReason>(data[0]));
      if (header.kind == RecordKind::deleted) state_.topics.set_listed(*row, false);
      return {};
    case RecordKind::reservation:
      state_.reserved = std::max(state_.reserved, header.position);
      return {};
    case RecordKind::checkpoint: state_.checkpoints[std::string(attributes)] = data; return {};
    case RecordKind::repeat:
      if (auto repeat = parse_repeat_record(bytes)) repeats_.add(std::move(*repeat));
      return {};
  }
  return fail(Errc::conflict,
              "{} byte {}: a record of an unknown kind: this log was written by a later release, "
              "use that one",
              Journal::name_of(index.journal()->id()), offset);
}

Result<> Recovery::replay_event(const RecordHeader& header, TopicRow* row, uint64_t offset,
                                JournalIndex& index) {
  if (row == nullptr) {
    // Its topic's name is lost with the frame that made it: it must not appear under another.
    if (hole_) {
      Damage& hole = state_.damages[*hole_];
      hole.last = std::max(hole.last, header.position);
      return {};
    }
    note({.file = Journal::name_of(index.journal()->id()),
          .offset = offset,
          .after = Position{header.position.value - 1},
          .last = header.position,
          .topic = {}});
    return {};
  }
  row->last = std::max(row->last, header.position);
  index.add({header.position, offset, header.topic, static_cast<uint32_t>(padded(header.length))});
  return {};
}

// The log goes on where it ended: a full disk must take marks also after a restart, and a restart
// must not cost a segment.
//
// The last frame may never have reached the disk, for the process may have ended because its sync
// failed: the kernel then holds the pages for clean, and a sync says nothing. So a copy of it is
// written behind it. (Not over it: no acknowledged block is ever written again.)
Result<> Recovery::settle_last_journal() {
  if (!last_ || mode_ == RecoveryMode::look) return {};
  Journal& journal = *last_->journal;
  TRY(journal.continue_at(last_->end));
  if (!last_->whole) {
    journal.close();
    return {};
  }
  if (last_->torn) TRY(journal.clear_rest());
  if (last_->copied) return {};
  return journal.has_room_for(last_->frame.size()) ? journal.append(last_->frame)
                                                   : copy_into_spare();
}

// The last journal has no room for it: then the log goes on in a spare, which begins with it.
Result<> Recovery::copy_into_spare() {
  if (state_.spares.empty() || !state_.spares.front()->has_room_for(last_->frame.size())) {
    logger_.warn("there is no room to write the last commit once more");
    return {};
  }
  const auto spare = std::move(state_.spares.front());
  state_.spares.pop_front();
  last_->journal->close();
  std::string frame = last_->frame.substr(0, last_->header.bytes);
  FrameHeader header = last_->header;
  header.journal = spare->id();
  finish_frame(frame, header, spare->nonce());
  TRY(spare->append(frame));
  const auto index = std::make_shared<JournalIndex>(spare);
  index->add_frame(header.last, header.stored_at, spare->end());
  state_.journals.push_back(index);
  return {};
}

Result<Recovered> Recovery::run() {
  TRY(names_, disk_.list());
  TRY(const bool known, identify());
  TRY(clear_unfinished());
  if (!known) TRY(write_identity(disk_, {.epoch = recovered_.epoch}));
  for (const auto& name : names_) {
    if (const uint64_t id = Journal::id_of(name); id != 0) journal_ids_.insert(id);
  }
  TRY(recovered_.state, read_state(disk_));
  take_state();
  if (mode_ == RecoveryMode::open) TRY(remove_old_states(disk_, recovered_.state.number));
  TRY(open_segments());
  TRY(read_all_repeats());
  TRY(replay_journals());
  for (auto& damage : state_.damages) damage.last = std::min(damage.last, recovered_.last);
  // A log begins behind position 1, so that `<epoch>-0` is nobody's place but the one before
  // everything.
  recovered_.last = std::max({recovered_.last, state_.reserved, kBeforeFirstEvent});
  state_.durable_end = recovered_.last.value;
  state_.stats.damages = state_.damages.size();
  return std::move(recovered_);
}

}  // namespace

Result<Recovered> recover(Disk& disk, LogState& state, RepeatWindow& repeats, Random& random,
                          Logger& logger,
                          const std::function<TopicSettings(std::string_view)>& settings_for,
                          RecoveryMode mode) {
  return Recovery(disk, state, repeats, random, logger, settings_for, mode).run();
}

}  // namespace carillon
