#include "log/embedded_log.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "log/log_reader.h"
#include "log/recovery.h"
#include "log/snapshot.h"

namespace carillon {

namespace {

constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr uint64_t kLogBytesMaxDefault = 10 * kGigabyte;
constexpr std::chrono::seconds kHousekeepingEvery{1};
// A clock this far ahead of the last frame is doubted before anything expires by it.
constexpr std::chrono::hours kClockJumpDoubted{24};

// What housekeeping writes while nothing is urgent: an eighth of what a laptop's disk does.
constexpr uint64_t kHousekeepingBytesASecond = 256 * kMiB;

}  // namespace

std::string_view name_of(Durability durability) {
  switch (durability) {
    case Durability::disk: return "disk";
    case Durability::memory: return "memory";
  }
  return "disk";
}

EmbeddedLog::EmbeddedLog(Disk& disk, const Clock& clock, Random& random, Logger& logger,
                         Options options)
    : disk_(disk), clock_(clock), random_(random), logger_(logger), options_(std::move(options)) {}

Result<std::unique_ptr<EmbeddedLog>> EmbeddedLog::open(Disk& disk, const Clock& clock,
                                                       Random& random, Logger& logger,
                                                       Options options) {
  std::unique_ptr<EmbeddedLog> log;
  // tidy: allow new: private constructor
  log.reset(new EmbeddedLog(disk, clock, random, logger, std::move(options)));
  TRY(log->start());
  return log;
}

// Once chosen a size stays: the newest journal tells it.
uint64_t EmbeddedLog::choose_journal_bytes(uint64_t free_bytes,
                                           const std::vector<std::string>& names) {
  uint64_t newest = 0;
  for (const auto& name : names) newest = std::max(newest, Journal::id_of(name));
  if (newest != 0) {
    if (const auto journal = Journal::open(disk_, newest)) return (*journal)->bytes();
  }
  const uint64_t share = free_bytes / 16;
  return std::clamp<uint64_t>(share, kJournalBytesMin, kJournalBytesDefault) / kFrameAlignment *
         kFrameAlignment;
}

Result<> EmbeddedLog::start() {
  if (options_.journal_bytes == 0) {
    TRY(const uint64_t free_bytes, disk_.free_bytes());
    TRY(const auto names, disk_.list());
    options_.journal_bytes = choose_journal_bytes(free_bytes, names);
  }
  if (options_.log_bytes_max == 0) {
    TRY(const uint64_t total, disk_.total_bytes());
    options_.log_bytes_max = std::min(kLogBytesMaxDefault, total / 5 * 4);
  }
  committer_ = std::make_unique<Committer>(
      state_, clock_, logger_,
      Committer::Options{options_.settings_for, options_.journal_bytes, options_.on_failed});
  TRY(auto recovered, recover(disk_, state_, committer_->repeats(), random_, logger_,
                              options_.settings_for, RecoveryMode::open));
  epoch_ = recovered.epoch;
  first_of_this_start_ = Position{recovered.last.value + 1};
  committer_->continue_from(recovered.sequence, recovered.last, recovered.stored_at);
  housekeeper_ = std::make_unique<Housekeeper>(
      disk_, state_, *committer_, clock_, random_, logger_,
      Housekeeper::Options{.journal_bytes = options_.journal_bytes,
                           .log_bytes_max = options_.log_bytes_max,
                           .pace = options_.threads == Threads::own
                                       ? Pace([this](uint64_t bytes) { pace(bytes); })
                                       : Pace()},
      Housekeeper::Found{std::move(recovered.state), std::move(recovered.repeats)});
  TRY(housekeeper_->drop_odd_spares());
  const bool new_log = recovered.sequence == 0;
  if (!new_log && clock_.wall_now() > recovered.stored_at + kClockJumpDoubted) {
    logger_.warn(
        "the clock is more than a day ahead of the last event; nothing expires for an hour");
    housekeeper_->doubt_clock();
  }
  if (state_.spares.empty()) {
    // The only one before listening. A full disk still reads.
    if (auto filled = housekeeper_->fill_one(); !filled && filled.error().code != Errc::full) {
      return std::unexpected(filled.error());
    }
  }
  if (options_.threads == Threads::none) return {};
  committing_ = std::thread([this] {
    while (committer_->wait()) committer_->commit_waiting();
  });
  housekeeping_ = std::thread([this] { run_housekeeping(); });
  return {};
}

void EmbeddedLog::run_housekeeping() {
  while (!stopping_) {
    {
      const std::scoped_lock pause(housekeeping_pause_);
      housekeeper_->step();
    }
    std::unique_lock lock(state_.mutex);
    state_.housekeeping.wait_for(lock, kHousekeepingEvery,
                                 [&] { return state_.housekeeping_wanted || stopping_; });
    state_.housekeeping_wanted = false;
  }
}

// Waits for as long as the bytes may take, unless there is no time for that or the log is closed.
void EmbeddedLog::pace(uint64_t bytes) {
  const std::chrono::microseconds due(bytes * 1'000'000 / kHousekeepingBytesASecond);
  std::unique_lock lock(state_.mutex);
  state_.housekeeping.wait_for(lock, due,
                               [&] { return stopping_ || state_.is_housekeeping_urgent(); });
}

void EmbeddedLog::stop_threads() {
  committer_->stop();
  if (committing_.joinable()) committing_.join();
  {
    const std::scoped_lock lock(state_.mutex);
    stopping_ = true;
  }
  state_.housekeeping.notify_all();
  if (housekeeping_.joinable()) housekeeping_.join();
}

EmbeddedLog::~EmbeddedLog() {
  if (committer_ != nullptr) stop_threads();
}

Capabilities EmbeddedLog::capabilities() const {
  return {.memory = true,
          .disk = true,
          .quorum = false,
          .atomic_batches = true,
          .given_positions = true};
}

void EmbeddedLog::append(std::vector<Append> appends) { committer_->submit(std::move(appends)); }

std::shared_ptr<TopicSelection> EmbeddedLog::select(std::vector<TopicPattern> patterns) {
  return std::make_shared<TopicSelection>(std::move(patterns));
}

Result<ReadResult> EmbeddedLog::read(const ReadRequest& request) {
  return read_log(state_, request);
}

Position EmbeddedLog::look_back(TopicSelection& topics, uint64_t of_topic, uint64_t of_log) {
  return carillon::look_back(state_, topics, of_topic, of_log);
}

Position EmbeddedLog::position_before(WallTime time) {
  return carillon::position_before(state_, time);
}

std::vector<NewTopic> EmbeddedLog::watch(Watcher& watcher) {
  committer_->watch(watcher);
  std::vector<NewTopic> topics;
  const std::scoped_lock lock(state_.mutex);
  for (const TopicRow& row : state_.topics.rows())
    topics.push_back({row.id, row.name, row.settings.durability});
  return topics;
}

void EmbeddedLog::unwatch(Watcher& watcher) { committer_->unwatch(watcher); }

TopicBounds EmbeddedLog::bounds_of(TopicRow& row) {
  TopicBounds bounds{.topic = row.name, .durability = row.settings.durability};
  if (const auto content = content_of(state_, row.id)) {
    bounds.oldest = content->oldest;
    bounds.newest = content->newest;
    bounds.events = content->events;
    bounds.bytes = content->bytes;
  }
  return bounds;
}

std::optional<TopicBounds> EmbeddedLog::bounds(std::string_view topic) {
  TopicRow* row = nullptr;
  {
    const std::scoped_lock lock(state_.mutex);
    row = state_.topics.find(topic);
    if (row == nullptr || !row->listed) return std::nullopt;
  }
  return bounds_of(*row);
}

std::vector<TopicBounds> EmbeddedLog::list(const TopicPattern& pattern, std::string_view after_name,
                                           size_t limit) {
  std::vector<TopicRow*> rows;
  {
    const std::scoped_lock lock(state_.mutex);
    const auto& by_name = state_.topics.by_name();
    for (auto i = by_name.upper_bound(after_name); i != by_name.end() && rows.size() < limit; ++i) {
      if (i->second->listed && pattern.matches(i->first)) rows.push_back(i->second);
    }
  }
  std::vector<TopicBounds> all;
  all.reserve(rows.size());
  for (TopicRow* row : rows) all.push_back(bounds_of(*row));
  return all;
}

void EmbeddedLog::trim(std::string topic, Position before,
                       std::move_only_function<void(Result<>)> done) {
  TopicId id;
  {
    const std::scoped_lock lock(state_.mutex);
    const TopicRow* row = state_.topics.find(topic);
    if (row != nullptr && row->listed) id = row->id;
  }
  if (id.value == 0) return done(fail(Errc::not_found, "there is no topic '{}'", topic));
  const auto last = last_event_before(state_, id, before);
  if (!last) return done(std::unexpected(last.error()));
  if (!*last) return done({});  // nothing lies before it
  committer_->submit(MarkRequest{.topic = std::move(topic),
                                 .mark = **last,
                                 .reason = MarkReason::expired,
                                 .drop = false,
                                 .done = std::move(done)});
}

void EmbeddedLog::drop(std::string topic, std::move_only_function<void(Result<>)> done) {
  committer_->submit(MarkRequest{.topic = std::move(topic),
                                 .mark = {},
                                 .reason = MarkReason::deleted,
                                 .drop = true,
                                 .done = std::move(done)});
}

Result<> EmbeddedLog::snapshot(const std::string& to) {
  const std::unique_lock alone(snapshot_, std::try_to_lock);
  if (!alone) return fail(Errc::busy, "another snapshot is being made; try again when it is done");
  TRY(const auto target, PosixDisk::make_vacant(to));
  const auto hold = [this](bool held) {
    const std::scoped_lock pause(housekeeping_pause_);
    housekeeper_->hold_reclaim(held);
    return held ? Snapshot::gather(disk_, state_) : Result<Snapshot>();
  };
  const auto gathered = hold(true);
  const auto copied =
      gathered ? gathered->copy(*target) : Result<>(std::unexpected(gathered.error()));
  (void)hold(false);
  return copied;
}

LogStats EmbeddedLog::stats() {
  const std::scoped_lock lock(state_.mutex);
  LogStats stats = state_.stats;
  stats.topics = state_.topics.listed();
  stats.segments = state_.segments.size();
  stats.journals = state_.journals.size();
  stats.spares = state_.spares.size();
  stats.damages = state_.damages.size();
  stats.durable_end = Position{state_.durable_end};
  stats.failed = state_.failed;
  stats.accepting = !state_.failed && state_.space != SpaceState::full;
  return stats;
}

uint64_t EmbeddedLog::mark_number() {
  const std::scoped_lock lock(state_.mutex);
  return state_.topics.mark_number();
}

std::vector<Damage> EmbeddedLog::damages() {
  const std::scoped_lock lock(state_.mutex);
  return state_.damages;
}

std::optional<std::string> EmbeddedLog::checkpoint(const std::string& source) {
  const std::scoped_lock lock(state_.mutex);
  const auto found = state_.checkpoints.find(source);
  return found == state_.checkpoints.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace carillon
