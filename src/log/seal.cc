#include "log/seal.h"

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"

namespace carillon {

namespace {

// One seal under way.
class Seal {
 public:
  Seal(Disk& disk, LogState& state, const JournalIndex& index, uint64_t number, Logger& logger,
       const Pace& pace)
      : disk_(disk), state_(state), index_(index), number_(number), logger_(logger), pace_(pace) {}

  Result<Sealed> run();

 private:
  Result<> read_frames();
  std::vector<IndexEntry> living_entries();
  void gather_events();
  Result<> describe_state(StoredState& stored);

  Disk& disk_;
  LogState& state_;
  const JournalIndex& index_;
  uint64_t number_;
  Logger& logger_;
  const Pace& pace_;
  std::string bytes_;  // of the whole journal
  std::vector<Repeat> repeats_;
  FrameHeader last_frame_;
  bool any_frame_ = false;
  SealedContent content_;
  bool damaged_ = false;
};

// The repeats lie between the events; frames say where.
Result<> Seal::read_frames() {
  const Journal& journal = *index_.journal();
  TRY(bytes_, read_whole(journal.file(), journal.bytes()));
  const auto scan = scan_journal(journal, bytes_);
  damaged_ = !scan.damage.empty();
  for (const ScannedFrame& frame : scan.frames) {
    any_frame_ = true;
    last_frame_ = frame.header;
    std::string_view rest = std::string_view(bytes_).substr(frame.offset, frame.header.bytes);
    rest.remove_prefix(kFrameHeaderBytes);
    RecordHeader header;
    for (uint32_t i = 0; i < frame.header.records && parse_record_header(rest, header); ++i) {
      if (header.kind == RecordKind::repeat) {
        if (auto repeat = parse_repeat_record(rest)) repeats_.push_back(std::move(*repeat));
      }
      rest.remove_prefix(padded(header.length));
    }
  }
  if (!scan.frames.empty()) {
    content_.stored_first = scan.frames.front().header.stored_at;
    content_.stored_last = scan.frames.back().header.stored_at;
  }
  return {};
}

// What lives, and the names of its topics. (The journal is rolled: its index changes no more.)
std::vector<IndexEntry> Seal::living_entries() {
  std::vector<IndexEntry> living;
  std::unordered_set<uint32_t> seen;
  const std::scoped_lock lock(state_.mutex);
  for (const IndexEntry& entry : index_.entries()) {
    const TopicRow* row = state_.topics.find(entry.topic);
    if (row == nullptr || entry.position <= row->mark) continue;
    living.push_back(entry);
    if (seen.insert(entry.topic.value).second) content_.names.emplace_back(entry.topic, row->name);
  }
  return living;
}

// What lives and is intact, by position.
void Seal::gather_events() {
  content_.id = number_;
  content_.journal_first = content_.journal_last = index_.journal()->id();
  const auto name = Journal::name_of(index_.journal()->id());
  for (const IndexEntry& entry : living_entries()) {
    const auto record = std::string_view(bytes_).substr(entry.offset, entry.bytes);
    RecordHeader header;
    if (parse_record_header(record, header) && record_intact(record, header) &&
        header.position == entry.position && header.topic == entry.topic) {
      content_.entries.push_back({entry.position, entry.topic, entry.bytes, record.data()});
      continue;
    }
    damaged_ = true;
    logger_.error("a record is damaged", {{"file", name}, {"byte", std::to_string(entry.offset)}});
    const std::scoped_lock lock(state_.mutex);
    note_damage(state_, {.file = name,
                         .offset = entry.offset,
                         .after = Position{entry.position.value - 1},
                         .last = entry.position,
                         .topic = entry.topic});
  }
  std::unordered_set<uint32_t> left;
  for (const SealEntry& entry : content_.entries) left.insert(entry.topic.value);
  std::erase_if(content_.names, [&](const auto& one) { return !left.contains(one.first.value); });
}

Result<> Seal::describe_state(StoredState& stored) {
  stored.number = number_;
  stored.sealed_until = index_.journal()->id();
  if (any_frame_) {
    stored.sequence = last_frame_.sequence;
    stored.last = last_frame_.last;
    stored.stored_at = last_frame_.stored_at;
  } else {
    // An empty journal that a crash left between two in use: the state behind it is the one before
    // it.
    TRY(const auto before, read_state(disk_));
    stored.sequence = before.sequence;
    stored.last = before.last;
    stored.stored_at = before.stored_at;
  }
  // The last frame may have rotted since: its positions were given all the same.
  if (!index_.frames().empty()) stored.last = std::max(stored.last, index_.frames().back().first);
  take_state_now(state_, stored);
  return {};
}

Result<Sealed> Seal::run() {
  TRY(read_frames());
  gather_events();
  Sealed sealed{.damaged = damaged_};
  if (!content_.entries.empty()) {
    TRY(write_segment(disk_, std::move(content_), pace_));
    TRY(disk_.sync_directory());
    TRY(sealed.segment, Segment::open(disk_, number_));
  }
  if (!repeats_.empty()) {
    TRY(write_repeats(disk_, number_, repeats_));
    sealed.newest_repeat = std::ranges::max(repeats_, {}, &Repeat::stored_at).stored_at;
  }
  TRY(describe_state(sealed.state));
  if (sealed.segment != nullptr) {
    const SegmentFooter& footer = sealed.segment->footer();
    sealed.state.segments.push_back({footer.id, footer.first, footer.last});
  }
  TRY(write_state(disk_, sealed.state));
  return sealed;
}

}  // namespace

void take_state_now(LogState& state, StoredState& stored) {
  stored.segments.clear();
  stored.topics.clear();
  stored.checkpoints.clear();
  const std::scoped_lock lock(state.mutex);
  stored.reserved = state.reserved;
  stored.damages = state.damages;
  for (const auto& segment : state.segments) {
    const SegmentFooter& footer = segment->footer();
    stored.segments.push_back({footer.id, footer.first, footer.last});
  }
  for (const TopicRow& row : state.topics.rows()) {
    if (is_memory_topic(row.id)) continue;
    stored.topics.push_back(
        {row.id, row.name, row.listed || row.dropping, row.mark, row.mark_reason, row.last});
  }
  for (const auto& [source, value] : state.checkpoints)
    stored.checkpoints.emplace_back(source, value);
}

Result<Sealed> seal_journal(Disk& disk, LogState& state, const JournalIndex& index, uint64_t number,
                            Logger& logger, const Pace& pace) {
  return Seal(disk, state, index, number, logger, pace).run();
}

}  // namespace carillon
