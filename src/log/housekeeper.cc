#include "log/housekeeper.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

namespace {

constexpr std::chrono::seconds kRetentionEvery{1};
constexpr std::chrono::hours kDoubtedFor{1};
// Holes are given back in whole blocks of the file system.
constexpr uint64_t kBlockBytes = 4 * kKiB;
// A cause of failure that lasts is told again after this; so many are told apart.
constexpr std::chrono::minutes kTellAgain{1};
constexpr size_t kToldMax = 64;

Result<> unless_gone(Result<> removed) {
  if (removed || removed.error().code == Errc::not_found) return {};
  return removed;
}

}  // namespace

Housekeeper::Housekeeper(Disk& disk, LogState& state, Committer& committer, const Clock& clock,
                         Random& random, Logger& logger, Options options, Found found)
    : disk_(disk),
      state_(state),
      committer_(committer),
      clock_(clock),
      random_(random),
      logger_(logger),
      options_(std::move(options)),
      pace_([this](uint64_t bytes) {
        {
          const std::scoped_lock lock(state_.mutex);
          if (state_.is_housekeeping_urgent()) return;
        }
        keep_pace(options_.pace, bytes);
      }),
      retainer_(state, committer, clock, {options_.journal_bytes, options_.log_bytes_max}),
      sealed_state_(std::move(found.state)),
      repeats_(std::move(found.repeats)) {}

void Housekeeper::note_error(std::string_view what, const Error& error) {
  // Once a cause, not once a second; said again when it lasts.
  const auto now = clock_.monotonic_now();
  const auto told = told_.find(error.detail);
  if (told != told_.end() && now - told->second < kTellAgain) return;
  logger_.warn(what, {{"reason", error.detail}});
  if (told_.size() >= kToldMax) told_.clear();
  told_[error.detail] = now;
}

void Housekeeper::note_failure(std::string_view what, const Result<>& result) {
  if (!result) note_error(what, result.error());
}

void Housekeeper::doubt_clock() {
  doubted_until_ = clock_.monotonic_now() + kDoubtedFor;
  retainer_.doubt_clock(doubted_until_);
  committer_.doubt_clock(doubted_until_);
}

void Housekeeper::step() {
  keep_journals();
  note_failure("a journal cannot be removed", drop_surplus());
  retain_when_due();
}

void Housekeeper::retain_when_due() {
  if (clock_.monotonic_now() - retained_ < kRetentionEvery) return;
  retained_ = clock_.monotonic_now();
  retainer_.step();
  if (reclaim_held_) return;
  reclaim();
  note_failure("remembered publishes cannot be removed", forget_repeats());
}

Result<> Housekeeper::drop_odd_spares() {
  const std::scoped_lock lock(state_.mutex);
  std::vector<std::shared_ptr<Journal>> odd;
  for (const auto& spare : state_.spares) {
    if (spare->bytes() != options_.journal_bytes) odd.push_back(spare);
  }
  for (const auto& spare : odd) {
    TRY(disk_.remove(Journal::name_of(spare->id())));
    std::erase(state_.spares, spare);
  }
  return {};
}

Result<> Housekeeper::fill_one() {
  // A sealed journal whose last reader has gone gives its blocks, which are written already.
  const auto found = std::ranges::find_if(sealed_, [&](const auto& journal) {
    return journal.use_count() == 1 && journal->bytes() == options_.journal_bytes;
  });
  std::shared_ptr<Journal> idle;
  if (found != sealed_.end()) {
    idle = std::move(*found);
    sealed_.erase(found);
  }
  uint64_t id = 0;
  uint64_t unsealed = 0;
  {
    const std::scoped_lock lock(state_.mutex);
    id = state_.next_journal++;
    unsealed = std::max<uint64_t>(state_.journals.size(), 1);
    if (state_.space == SpaceState::fine && state_.spares.empty())
      state_.space = SpaceState::filling;
  }
  const auto fill = [&]() -> Result<std::unique_ptr<Journal>> {
    if (idle != nullptr) return Journal::recycle(disk_, *idle, id, random_.next(), pace_);
    TRY(const uint64_t free_bytes, disk_.free_bytes());
    // Each journal that is not sealed yet needs room for its segment, and the new one for itself:
    // sealing gives space back and must never wait for it.
    const uint64_t wanted = (unsealed + 1) * options_.journal_bytes;
    if (free_bytes < wanted) {
      return fail(Errc::full, "{} bytes are free, a new journal wants {}", free_bytes, wanted);
    }
    return Journal::fill(disk_, id, options_.journal_bytes, random_.next(), pace_);
  };
  auto filled = fill();
  if (!filled) {
    // What is half done takes space and is nothing: a sealed journal that could not be recycled,
    // too.
    (void)disk_.remove("filling");
    if (idle != nullptr) (void)disk_.remove(Journal::name_of(idle->id()));
  }
  const std::scoped_lock lock(state_.mutex);
  if (!filled) {
    --state_.next_journal;
    state_.space = filled.error().code == Errc::full ? SpaceState::full : SpaceState::filling;
    return std::unexpected(std::move(filled).error());
  }
  state_.spares.push_back(std::move(*filled));
  state_.space = SpaceState::fine;
  return {};
}

// Spares are filled and rolled journals sealed in turns, so that neither waits for the other for as
// long as a load lasts. What fails is left for the next step.
void Housekeeper::keep_journals() {
  bool can_fill = true;
  bool can_seal = true;
  for (;;) {
    std::shared_ptr<JournalIndex> oldest;
    size_t rolled = 0;
    size_t spares = 0;
    {
      const std::scoped_lock lock(state_.mutex);
      oldest = state_.journals.empty() ? nullptr : state_.journals.front();
      rolled = state_.journals.empty() ? 0 : state_.journals.size() - 1;
      spares = state_.spares.size();
    }
    // The last spare but one is worth more than a seal, until a start would have much to read.
    const size_t spares_first = rolled > kRolledWanted ? 1 : kSparesWanted - 1;
    const bool seals = can_seal && rolled > 0;
    const bool fills = can_fill && spares < (seals ? spares_first : kSparesWanted);
    if (fills) {
      const auto filled = fill_one();
      note_failure("no spare journal can be filled", filled);
      can_fill = filled.has_value();
    } else if (seals) {
      const auto sealed = seal(oldest);
      note_failure("a journal cannot be sealed", sealed);
      can_seal = sealed.has_value();
      can_fill = can_fill || can_seal;  // a seal gives space back
    } else {
      return;
    }
    retain_when_due();
  }
}

// More than enough spares: what is left over goes, once nobody reads it.
Result<> Housekeeper::drop_surplus() {
  for (size_t i = sealed_.size(); i-- > 0;) {
    if (sealed_[i].use_count() > 1) continue;
    TRY(unless_gone(disk_.remove(Journal::name_of(sealed_[i]->id()))));
    sealed_.erase(sealed_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

Result<> Housekeeper::seal(const std::shared_ptr<JournalIndex>& index) {
  const uint64_t number = sealed_state_.number + 1;
  TRY(auto sealed, seal_journal(disk_, state_, *index, number, logger_, pace_));
  sealed_state_ = std::move(sealed.state);
  if (sealed.newest_repeat) repeats_.emplace_back(number, *sealed.newest_repeat);
  {
    const std::scoped_lock lock(state_.mutex);
    if (sealed.segment) state_.segments.push_back(sealed.segment);
    state_.journals.pop_front();
  }
  if (sealed.damaged) {
    // Kept for repair: the segment lacks what could not be read.
    const auto name = Journal::name_of(index->journal()->id());
    TRY(disk_.rename(name, "damaged-" + name));
  } else {
    sealed_.push_back(index->journal());
  }
  return remove_old_states(disk_, number);
}

// Space of what the marks cover: whole segments are unlinked, runs in others punched.
void Housekeeper::reclaim() {
  std::vector<std::shared_ptr<Segment>> dead;
  std::vector<std::shared_ptr<Segment>> living;
  {
    const std::scoped_lock lock(state_.mutex);
    const auto removed = [&](const SegmentRun& run) {
      const TopicRow* row = state_.topics.find(run.topic);
      return row != nullptr && run.last <= row->mark;
    };
    for (const auto& segment : state_.segments) {
      const bool all = std::ranges::all_of(segment->footer().runs, removed);
      (all ? dead : living).push_back(segment);
    }
    prune_damages(state_);
  }
  note_failure("a segment cannot be removed", unlink(dead));
  for (const auto& segment : living) {
    if (punching_) punch(segment);
  }
}

// A segment that is gone is missed at the next start, so the state says first that it may be. Reads
// under way keep the open file; the space comes back with the last of them.
Result<> Housekeeper::unlink(const std::vector<std::shared_ptr<Segment>>& dead) {
  if (dead.empty()) return {};
  take_state_now(state_, sealed_state_);
  std::erase_if(sealed_state_.segments, [&](const StoredSegment& listed) {
    return std::ranges::any_of(dead, [&](const auto& one) { return one->id() == listed.id; });
  });
  TRY(write_state(disk_, sealed_state_));
  // A seal that failed at its very end may have left a younger one, which lists them still.
  TRY(remove_younger_states(disk_, sealed_state_.number));
  for (const auto& segment : dead) {
    TRY(unless_gone(disk_.remove(Segment::name_of(segment->id()))));
    const std::scoped_lock lock(state_.mutex);
    std::erase(state_.segments, segment);
  }
  return {};
}

void Housekeeper::punch(const std::shared_ptr<Segment>& segment) {
  std::vector<std::pair<uint64_t, uint64_t>> dead;  // offset, bytes
  {
    const std::scoped_lock lock(state_.mutex);
    for (const SegmentRun& run : segment->footer().runs) {
      const TopicRow* row = state_.topics.find(run.topic);
      if (row == nullptr || run.last > row->mark) continue;
      if (!dead.empty() && dead.back().first + dead.back().second == run.offset) {
        dead.back().second += run.bytes;
      } else {
        dead.emplace_back(run.offset, run.bytes);
      }
    }
  }
  // A read of a dead run under way finds zeros, then the mark, and calls it removed (log_reader.h).
  for (const auto& [offset, bytes] : dead) {
    const uint64_t from = (offset + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    const uint64_t to = (offset + bytes) / kBlockBytes * kBlockBytes;
    if (to <= from || !segment->mark_punched(offset, bytes)) continue;
    const auto punched = segment->file().punch(from, to - from);
    if (punched) continue;
    // Where the file system cannot, space comes back by unlinking alone.
    if (punched.error().code == Errc::unavailable) punching_ = false;
    return note_error("holes cannot be punched here", punched.error());
  }
}

// Files of publishes that nobody needs to remember any more.
Result<> Housekeeper::forget_repeats() {
  if (clock_doubted()) return {};
  const WallTime before = committer_.storing_clock() - kIdempotencyWindow;
  for (size_t i = repeats_.size(); i-- > 0;) {
    if (repeats_[i].second >= before) continue;
    TRY(unless_gone(disk_.remove(repeats_name(repeats_[i].first))));
    repeats_.erase(repeats_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

}  // namespace carillon
