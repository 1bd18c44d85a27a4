#include "simulated_log.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

namespace {

// A quarter of the least that the hub takes: journals roll, and images are made, four times as
// fast.
constexpr uint64_t kJournalBytes = 256 * kKiB;
constexpr uint64_t kLogBytesMax = 1 * kMiB;
constexpr uint64_t kCapacity = 1ULL << 30;
constexpr uint64_t kKeys = 6;
constexpr uint64_t kLarge = 60 * kKiB;  // the most that is taken, nearly: three fit a journal

const std::vector<std::string> kDiskTopics = {"a", "b", "c.x", "c.y", "aged", "counted", "sized"};
const std::vector<std::string> kMemoryTopics = {"m.x", "m.y"};

bool is_memory(std::string_view topic) { return topic.starts_with("m."); }

TopicSettings settings_of(std::string_view topic) {
  TopicSettings settings;
  if (topic == "aged") settings.retention.age = std::chrono::hours(1);
  if (topic == "counted") settings.retention.count = 5;
  if (topic == "sized") settings.retention.bytes = 6 * kKiB;
  if (is_memory(topic)) {
    settings.durability = Durability::memory;
    settings.retention.count = 6;
  }
  return settings;
}

}  // namespace

const std::vector<SimulatedLog::Choice>& SimulatedLog::choices() {
  using S = SimulatedLog;
  static const std::vector<Choice> kChoices = {
      {"publish", 16, &S::publish_some},
      {"publish memory", 6, &S::publish_memory},
      {"publish batch", 6, &S::publish_batch},
      {"publish with key", 6, &S::publish_with_key},
      {"publish with id", 6, &S::publish_with_id},
      {"publish in a rush", 1, &S::publish_in_a_rush},
      {"publish at given position", 2, &S::publish_given},
      {"publish with checkpoint", 2, &S::publish_checkpoint},
      {"commit", 26, &S::commit},
      {"housekeeping", 8, &S::keep_house},
      {"trim", 3, &S::trim},
      {"drop", 1, &S::drop},
      {"time passes", 4, &S::pass_time},
      {"wall clock steps", 1, &S::step_wall_clock},
      {"reader begins", 4, &S::begin_reader},
      {"read", 24, &S::read},
      {"look", 3, &S::look},
      {"disk fills", 2, &S::fill_disk},
      {"disk heals", 3, &S::heal_disk},
      {"failing commit", 1, &S::fail_commit},
      {"failing housekeeping", 2, &S::fail_housekeeping},
      {"failing read", 2, &S::fail_read},
      {"crash", 1, &S::crash},
      {"crash in housekeeping", 1, &S::crash_in_housekeeping},
      {"crash in recovery", 1, &S::crash_in_recovery},
      {"restart", 1, &S::restart},
  };
  return kChoices;
}

std::vector<std::string> SimulatedLog::names() {
  std::vector<std::string> names;
  for (const Choice& choice : choices()) names.emplace_back(choice.name);
  for (const char* outcome :
       {"- stored", "- repeat answered", "- repeat expired", "- conflict", "- refused: full",
        "- refused: unavailable", "- unknown, kept", "- unknown, lost", "- gap told",
        "- memory gone", "- failed sync or write", "- failed call of housekeeping",
        "- failed call of a read", "- failed call of recovery", "- sealed", "- punched"}) {
    names.emplace_back(outcome);
  }
  return names;
}

SimulatedLog::SimulatedLog(uint64_t seed, Trace trace)
    : random_(seed), log_random_(~seed), model_(is_memory), tracing_(trace) {
  open(false);
}

EmbeddedLog::Options SimulatedLog::options() const {
  return {.settings_for = settings_of,
          .journal_bytes = kJournalBytes,
          .log_bytes_max = kLogBytesMax,
          .threads = EmbeddedLog::Threads::none};
}

void SimulatedLog::note(std::string line) {
  for (const char c : line)
    report_.trace_hash = (report_.trace_hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
  if (tracing_ == Trace::kept) report_.trace += line + "\n";
}

// ---- a life and its end

bool SimulatedLog::open(bool may_fail) {
  auto opened = EmbeddedLog::open(disk_, clock_, log_random_, logger_, options());
  if (!opened) {
    note("open fails: " + opened.error().detail);
    if (!may_fail) model_.expect(false, "the log cannot be opened: " + opened.error().detail);
    return false;
  }
  log_ = std::move(*opened);
  if (epoch_) model_.expect(log_->epoch() == *epoch_, "the epoch has changed");
  epoch_ = log_->epoch();
  disk_.fail_call(0, Errc::io);
  model_.recovered(*log_, attempts_);
  log_->watch(model_);
  for (ModelReader& reader : readers_) {
    reader.told = 0;
    reader.told_marks.clear();
  }
  note(fmt::format("open at {}", log_->durable_end().value));
  return true;
}

void SimulatedLog::end_life() {
  report_.taken["- sealed"] += log_ == nullptr ? 0 : log_->stats().segments;
  log_.reset();
  model_.life_ended(attempts_);
}

void SimulatedLog::lose_power() {
  const auto order =
      random_.below(4) == 0 ? FakeDisk::Directory::any : FakeDisk::Directory::ordered;
  FakeDisk image = disk_.crash(random_, order);
  end_life();
  disk_ = std::move(image);
}

// A log that failed takes nothing more: its process ends, now and then with the power.
void SimulatedLog::die() {
  count("- failed sync or write");
  model_.controls_unknown();
  random_.below(2) == 0 ? lose_power() : end_life();
  open(false);
}

void SimulatedLog::crash() {
  lose_power();
  open(false);
}

void SimulatedLog::restart() {
  end_life();
  open(false);
}

void SimulatedLog::crash_in_housekeeping() {
  clock_.advance(std::chrono::seconds(2));
  disk_.fail_call(1 + random_.below(24), Errc::io);
  log_->keep_house();
  lose_power();
  open(false);
}

void SimulatedLog::crash_in_recovery() {
  lose_power();
  disk_.fail_call(1 + random_.below(40), Errc::io);
  if (open(true)) return;
  count("- failed call of recovery");
  if (random_.below(2) == 0) disk_ = disk_.crash(random_);
  disk_.fail_call(0, Errc::io);
  open(false);
}

// ---- publishing

std::string SimulatedLog::any_disk_topic() {
  return kDiskTopics[random_.below(kDiskTopics.size())];
}

std::string SimulatedLog::any_topic() {
  return random_.below(4) == 0 ? kMemoryTopics[random_.below(kMemoryTopics.size())]
                               : any_disk_topic();
}

Position SimulatedLog::any_position() {
  const uint64_t end = log_->durable_end().value;
  const uint64_t near = std::min<uint64_t>(end, 30);
  return Position{random_.below(4) == 0 ? random_.below(end + 1) : end - random_.below(near + 1)};
}

TriedItem SimulatedLog::item_of(std::string topic, std::string id) {
  const uint64_t size = random_.below(6) == 0 ? random_.below(24 * kKiB) : random_.below(600);
  return {.topic = std::move(topic),
          .data = fmt::format("{}-{}", ++number_, std::string(size, '.')),
          .id = std::move(id)};
}

void SimulatedLog::submit(Attempt attempt, std::string_view event_key, Position given,
                          std::string checkpoint) {
  const auto digest = [](std::string_view topic, std::string_view kind, std::string_view name) {
    return Digester().add(topic).add(kind).add(name).finish();
  };
  Append append;
  std::string whole;
  for (const TriedItem& item : attempt.items) {
    const Event event{.id = item.id.empty() ? "made" : item.id,
                      .data_content_type = "text/plain",
                      .key = std::string(event_key),
                      .data = item.data,
                      .form = DataForm::text};
    AppendItem one{.topic = item.topic,
                   .offset = static_cast<uint32_t>(append.records.size()),
                   .given = given};
    if (!item.id.empty())
      one.repeat = RepeatKey{digest(item.topic, "id", item.id), digest("", "body", item.data)};
    append.items.push_back(std::move(one));
    append_event_record(append.records, event, TopicId(), item.topic);
    whole += item.data;
  }
  if (!attempt.key.empty()) {
    append.repeat =
        RepeatKey{digest(attempt.items[0].topic, "key", attempt.key), digest("", "body", whole)};
  }
  if (!checkpoint.empty()) append.checkpoint = Checkpoint{"source", checkpoint};
  Attempt& kept = attempts_.emplace_back(std::move(attempt));
  append.done = [this, &kept, checkpoint](const Result<Appended>& answer) {
    model_.answered(kept, answer);
    const bool stored = answer && !answer->repeat;
    const bool unknown = !answer && answer.error().code == Errc::io;
    if (!checkpoint.empty() && (stored || unknown)) model_.checkpointed(checkpoint, stored);
    note(fmt::format(
        "  {} {}", kept.items[0].data.substr(0, 12),
        answer ? fmt::format("at {}{}", answer->last.value, answer->repeat ? " before" : "")
               : answer.error().detail));
  };
  std::vector<Append> appends;
  appends.push_back(std::move(append));
  log_->append(std::move(appends));
}

void SimulatedLog::publish_some() {
  for (uint64_t i = 1 + random_.below(3); i > 0; --i) submit(item_of(any_disk_topic(), ""));
}

// More than the spares hold, before anybody fills new ones.
void SimulatedLog::publish_in_a_rush() {
  for (int i = 0; i < 16 && !log_->stats().failed; ++i) {
    submit({.topic = "b",
            .data = fmt::format("{}-{}", ++number_, std::string(kLarge, '.')),
            .id = {}});
    log_->commit_waiting();
  }
  if (log_->stats().failed) die();
}

void SimulatedLog::publish_memory() {
  for (uint64_t i = 1 + random_.below(4); i > 0; --i) {
    const auto& topic = kMemoryTopics[random_.below(kMemoryTopics.size())];
    const std::string key = random_.below(2) == 0 ? "" : fmt::format("k{}", random_.below(3));
    submit({.items = {item_of(topic, "")}, .key = {}}, key, {}, "");
  }
}

void SimulatedLog::publish_batch() {
  Attempt attempt;
  const auto topic = any_topic();
  const bool with_key = random_.below(4) == 0;
  const uint64_t first_id = random_.below(20);
  const uint64_t count = 2 + random_.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const bool with_id = !with_key && random_.below(3) == 0;
    const auto id = with_id ? fmt::format("b{}", first_id + i) : std::string();
    attempt.items.push_back(item_of(topic, id));
    // The same event again whenever the same id comes again.
    if (with_id) attempt.items.back().data = fmt::format("{}-{}-of-a-batch", topic, id);
  }
  if (with_key) attempt.key = fmt::format("batch{}", number_);
  submit(std::move(attempt), "", {}, "");
}

void SimulatedLog::publish_with_key() {
  const auto topic = any_topic();
  const auto key = fmt::format("k{}", random_.below(kKeys));
  // Now and then the same key for other data.
  const uint64_t variant = random_.below(8) == 0 ? 1 : 0;
  TriedItem item{.topic = topic, .data = fmt::format("{}-{}-{}", topic, key, variant), .id = {}};
  submit({.items = {std::move(item)}, .key = key}, "", {}, "");
}

void SimulatedLog::publish_with_id() {
  const auto topic = any_topic();
  const auto id = fmt::format("i{}", random_.below(kKeys));
  const uint64_t variant = random_.below(8) == 0 ? 1 : 0;
  submit({.topic = topic, .data = fmt::format("{}-{}-{}", topic, id, variant), .id = id});
}

void SimulatedLog::publish_given() {
  const Position given{log_->durable_end().value + 1 + random_.below(8)};
  submit({.items = {item_of(any_disk_topic(), "")}, .key = {}, .given = true}, "", given, "");
}

void SimulatedLog::publish_checkpoint() {
  submit({.items = {item_of(any_disk_topic(), "")}, .key = {}}, "", {},
         fmt::format("checkpoint {}", number_));
}

// ---- the log's own threads

void SimulatedLog::commit() {
  log_->commit_waiting();
  if (log_->stats().failed) die();
}

void SimulatedLog::keep_house() {
  if (random_.below(2) == 0) clock_.advance(std::chrono::seconds(2));
  log_->keep_house();
}

void SimulatedLog::trim() {
  log_->trim(any_topic(), any_position(), [](const Result<>&) {});
}

void SimulatedLog::drop() {
  log_->drop(any_topic(), [](const Result<>&) {});
}

void SimulatedLog::pass_time() {
  const bool long_time = random_.below(6) == 0;
  clock_.advance(std::chrono::seconds(random_.below(long_time ? 100'000 : 1'800)));
}

void SimulatedLog::step_wall_clock() {
  constexpr int64_t kDay = 86'400;
  clock_.step_wall(std::chrono::seconds(static_cast<int64_t>(random_.below(4 * kDay)) - 2 * kDay));
}

// ---- readers

void SimulatedLog::begin_reader() {
  static const std::vector<std::vector<std::string>> kWanted = {
      {"a"}, {"counted"}, {"m.x"}, {"a", "b", "m.y"}, {"c.*"}, {"*", "c.x"}, {"**"}};
  ModelReader reader;
  for (const auto& text : kWanted[random_.below(kWanted.size())])
    reader.patterns.push_back(*TopicPattern::parse(text));
  const uint64_t start = random_.below(3);
  if (start == 0) reader.cursor = any_position();
  if (start == 1) reader.cursor = log_->durable_end();
  if (start > 0) {
    // From the first, or from now on: what is gone already is no gap.
    reader.told = log_->mark_number();
    reader.told_marks = model_.marks();
  }
  note(fmt::format("  from {}", reader.cursor.value));
  if (readers_.size() < 8) {
    readers_.push_back(std::move(reader));
  } else {
    readers_[random_.below(readers_.size())] = std::move(reader);
  }
}

void SimulatedLog::read_with(ModelReader& reader, bool may_fail) {
  const auto result = log_->read({.topics = log_->select(reader.patterns),
                                  .after = reader.cursor,
                                  .bytes_max = 1 + random_.below(16 * kKiB),
                                  .events_max = 1 + random_.below(12),
                                  .told_marks = reader.told});
  if (!result) {
    note("  read fails");  // which file was asked first lies with the allocator
    if (may_fail) return count("- failed call of a read");
    model_.expect(false, "a healthy log cannot be read: " + result.error().detail);
    return;
  }
  model_.check_read(reader, *result, log_->durable_end());
  note(fmt::format("  {} events, at {}", result->events.size(), reader.cursor.value));
}

void SimulatedLog::read() {
  if (readers_.empty()) return begin_reader();
  read_with(readers_[random_.below(readers_.size())], false);
}

void SimulatedLog::look() {
  model_.check_bounds(*log_, any_topic());
  model_.check_position_before(*log_,
                               clock_.wall_now() - std::chrono::seconds(random_.below(10'000)));
}

// ---- faults

void SimulatedLog::fill_disk() {
  disk_.set_capacity(disk_.used_bytes() + random_.below(300 * kKiB));
}

void SimulatedLog::heal_disk() { disk_.set_capacity(kCapacity); }

void SimulatedLog::fail_commit() {
  publish_some();
  disk_.fail_call(1 + random_.below(2), Errc::io);
  log_->commit_waiting();
  disk_.fail_call(0, Errc::io);
  if (log_->stats().failed) die();
}

void SimulatedLog::fail_housekeeping() {
  const uint64_t number = 1 + random_.below(24);
  disk_.forget_calls();
  disk_.fail_call(number, random_.below(3) == 0 ? Errc::full : Errc::io);
  clock_.advance(std::chrono::seconds(2));
  log_->keep_house();
  disk_.fail_call(0, Errc::io);
  if (disk_.count() >= number) count("- failed call of housekeeping");
}

void SimulatedLog::fail_read() {
  if (readers_.empty()) begin_reader();
  disk_.fail_call(1 + random_.below(2), Errc::io);
  read_with(readers_[random_.below(readers_.size())], true);
  disk_.fail_call(0, Errc::io);
}

// ---- the whole

// The disk is well again: the log must take events, and every reader must come to its end.
void SimulatedLog::finish() {
  note("finish");
  heal_disk();
  for (int round = 0; round < 4; ++round) {
    clock_.advance(std::chrono::seconds(2));
    log_->keep_house();
    for (int turn = 0; turn < 8; ++turn) log_->commit_waiting();
  }
  // More than what was prepared before: journals must be filled, sealed and used again.
  for (int round = 0; round < 16; ++round) {
    submit({.topic = "a",
            .data = fmt::format("{}-{}", ++number_, std::string(kLarge, '.')),
            .id = {}});
    log_->commit_waiting();
    model_.expect(attempts_.back().outcome == Attempt::Outcome::stored,
                  "the disk is well, and still publishes are refused");
    log_->keep_house();
  }
  readers_.push_back({.patterns = {*TopicPattern::parse("**")}});
  for (ModelReader& reader : readers_) {
    for (int i = 0; i < 10'000 && reader.cursor < log_->durable_end(); ++i)
      read_with(reader, false);
    model_.expect(reader.cursor == log_->durable_end(), "a reader does not come to the end");
  }
  for (const auto& topic : kDiskTopics) model_.check_bounds(*log_, topic);
  restart();
}

SimulationReport SimulatedLog::run(uint64_t steps) {
  uint64_t whole = 0;
  for (const Choice& choice : choices()) whole += choice.weight;
  for (uint64_t i = 0; i < steps && log_ != nullptr && model_.violation().empty(); ++i) {
    uint64_t at = random_.below(whole);
    const Choice* chosen = choices().data();
    while (at >= chosen->weight) at -= (chosen++)->weight;
    note(fmt::format("{} {}", i, chosen->name));
    count(chosen->name);
    disk_.forget_calls();
    (this->*chosen->step)();
    report_.taken["- punched"] += disk_.count(DiskCall::punch);
  }
  if (log_ != nullptr && model_.violation().empty()) finish();
  if (log_ != nullptr) end_life();
  const LogModel::Seen& seen = model_.seen();
  report_.taken["- stored"] = seen.stored;
  report_.taken["- repeat answered"] = seen.repeats;
  report_.taken["- repeat expired"] = seen.repeats_expired;
  report_.taken["- conflict"] = seen.conflicts;
  report_.taken["- refused: full"] = seen.refused_full;
  report_.taken["- refused: unavailable"] = seen.refused_unavailable;
  report_.taken["- unknown, kept"] = seen.unknown_kept;
  report_.taken["- unknown, lost"] = seen.unknown_lost;
  report_.taken["- gap told"] = seen.gaps;
  report_.taken["- memory gone"] = seen.memory_gone;
  report_.violation = model_.violation();
  return std::move(report_);
}

}  // namespace carillon
