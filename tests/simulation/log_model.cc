#include "log_model.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

namespace {

// What every log must take: a quarter of the simulated journal (DESIGN 7), less attributes and names.
constexpr size_t kLargestAlwaysTaken = 56 * kKiB;

}  // namespace

bool LogModel::expect(bool holds, std::string_view what) {
  if (!holds && violation_.empty()) violation_ = what;
  return holds;
}

std::string LogModel::name_of_key(const Attempt& attempt) const {
  if (!attempt.key.empty()) return fmt::format("{} key {}", attempt.items[0].topic, attempt.key);
  if (attempt.items.size() != 1 || attempt.items[0].id.empty()) return {};
  return fmt::format("{} id {}", attempt.items[0].topic, attempt.items[0].id);
}

std::string LogModel::body_of(const Attempt& attempt) {
  std::string body;
  for (const TriedItem& item : attempt.items) body += item.data + "\n";
  return body;
}

Position LogModel::mark_of(const std::string& topic) const {
  const auto found = marks_.find(topic);
  return found == marks_.end() ? Position() : found->second;
}

bool LogModel::removed(Position position, const std::string& topic) const {
  return position <= mark_of(topic);
}

void LogModel::answered(Attempt& attempt, const Result<Appended>& answer) {
  if (answer && answer->repeat) {
    attempt.outcome = Attempt::Outcome::repeat;
    check_repeat(attempt, *answer);
    return;
  }
  if (answer) {
    attempt.outcome = Attempt::Outcome::stored;
    expect(answer->stored + answer->repeated == attempt.items.size(),
           "an append's items are neither stored nor repeats");
    acknowledged_.push_back({&attempt, *answer});
    return;
  }
  switch (answer.error().code) {
    case Errc::io: attempt.outcome = Attempt::Outcome::unknown; return;
    case Errc::conflict: check_conflict(attempt); break;
    case Errc::full: ++seen_.refused_full; break;
    case Errc::too_large:
      expect(body_of(attempt).size() > kLargestAlwaysTaken,
             "an append of bearable size is refused");
      break;
    case Errc::unavailable: ++seen_.refused_unavailable; break;
    default: expect(false, "an append was answered with " + answer.error().detail);
  }
  attempt.outcome = Attempt::Outcome::refused;
}

void LogModel::check_repeat(const Attempt& attempt, const Appended& appended) {
  ++seen_.repeats;
  const auto name = name_of_key(attempt);
  // Of one that was stored a moment ago, perhaps since what was known had expired.
  if (stored_in_turn(attempt)) return;
  const auto found = known_.find(name);
  if (found != known_.end()) {
    expect(found->second.body == body_of(attempt), name + ": a repeat of other data was taken");
    expect(found->second.first == appended.first && found->second.last == appended.last,
           name + ": a repeat was answered with another place");
    return;
  }
  expect(false, name + ": called a repeat of what was never stored");
}

// Its key or ids were used by an append that was answered earlier in this turn.
bool LogModel::stored_in_turn(const Attempt& attempt) const {
  const auto shares = [&](const Attempt& other) {
    if (!attempt.key.empty())
      return attempt.key == other.key && attempt.items[0].topic == other.items[0].topic;
    return std::ranges::any_of(attempt.items, [&](const TriedItem& item) {
      return !item.id.empty() && std::ranges::any_of(other.items, [&](const TriedItem& one) {
        return one.id == item.id && one.topic == item.topic;
      });
    });
  };
  return std::ranges::any_of(acknowledged_,
                             [&](const Acknowledged& one) { return shares(*one.attempt); });
}

void LogModel::check_conflict(const Attempt& attempt) {
  ++seen_.conflicts;
  const auto differs = [&](const std::string& name, const std::string& body) {
    const auto found = known_.find(name);
    return found != known_.end() && found->second.body != body;
  };
  const auto name = name_of_key(attempt);
  bool holds = attempt.given || stored_in_turn(attempt) ||
               (!name.empty() && differs(name, body_of(attempt)));
  for (const TriedItem& item : attempt.items) {
    if (item.id.empty()) continue;
    holds = holds || differs(fmt::format("{} id {}", item.topic, item.id), item.data + "\n");
  }
  expect(holds, name + ": a conflict with nothing");
}

// Its events lie in the commit from `from` on, in order. Where the next append's begin.
size_t LogModel::check_stored(const Acknowledged& acknowledged, const Commit& commit, size_t from) {
  const auto& [attempt, appended] = acknowledged;
  std::vector<Position> positions;
  std::map<std::string, Position> places;  // by data
  for (const TriedItem& item : attempt->items) {
    const bool is_next = positions.size() < appended.stored && from < commit.events.size() &&
                         commit.events[from].data() == item.data &&
                         commit.events[from].topic() == item.topic;
    if (!is_next) {
      const auto known = known_.find(fmt::format("{} id {}", item.topic, item.id));
      expect(!item.id.empty() && known != known_.end() && known->second.body == item.data + "\n",
             item.data.substr(0, 12) + ": left out, though it is no repeat");
      continue;
    }
    positions.push_back(commit.events[from++].position());
    places[item.data] = positions.back();
  }
  expect(positions.size() == appended.stored, "an append was acknowledged and is not in its frame");
  if (positions.empty()) return from;
  expect(positions.front() == appended.first && positions.back() == appended.last,
         "an append was answered with other positions than its events have");
  remember_items(*attempt, places, appended.stored_at);
  remember(*attempt, positions, appended.stored_at);
  return from;
}

void LogModel::remember(const Attempt& attempt, const std::vector<Position>& positions,
                        WallTime stored_at) {
  const auto name = name_of_key(attempt);
  if (name.empty()) return;
  const auto before = known_.find(name);
  if (before != known_.end()) {
    const bool expired = stored_at - before->second.stored_at > kIdempotencyWindow;
    expect(expired, name + ": stored twice within the window");
    seen_.repeats_expired += expired ? 1 : 0;
  }
  known_[name] = {.body = body_of(attempt),
                  .first = positions.front(),
                  .last = positions.back(),
                  .stored_at = stored_at,
                  .memory = is_memory_(attempt.items[0].topic)};
}

void LogModel::checkpointed(const std::string& value, bool acknowledged) {
  checkpoints_possible_.insert(value);
  if (!acknowledged) return;
  checkpoint_ = value;
  checkpoints_possible_.clear();
}

void LogModel::on_turn(std::shared_ptr<const Commit> commit) {
  const auto acknowledged = std::exchange(acknowledged_, {});
  if (commit == nullptr) {
    const bool nothing = std::ranges::none_of(
        acknowledged, [](const Acknowledged& one) { return one.appended.stored > 0; });
    expect(nothing, "an append was acknowledged, and nothing became visible");
    return;
  }
  for (const EventView& event : commit->events) {
    expect(event.position() > shown_,
           fmt::format("position {} was given before", event.position().value));
    shown_ = std::max(shown_, event.position());
    visible_[event.position()] = {std::string(event.topic()), std::string(event.data()),
                                  event.stored_at()};
    ++seen_.stored;
  }
  size_t at = 0;
  for (const Acknowledged& one : acknowledged) at = check_stored(one, *commit, at);
  expect(at == commit->events.size(), "an event became visible that nobody was answered for");
  expect(commit->durable_end >= shown_, "the durable end lies below a visible event");
  for (const RaisedMark& raised : commit->marks) {
    Position& mark = marks_[std::string(raised.name)];
    mark = std::max(mark, raised.mark);
  }
}

void LogModel::life_ended(std::deque<Attempt>& attempts) {
  acknowledged_.clear();
  for (Attempt& attempt : attempts) {
    if (attempt.outcome == Attempt::Outcome::waiting) attempt.outcome = Attempt::Outcome::refused;
  }
  seen_.memory_gone +=
      std::erase_if(visible_, [&](const auto& entry) { return is_memory_(entry.second.topic); });
  std::erase_if(marks_, [&](const auto& entry) { return is_memory_(entry.first); });
  std::erase_if(known_, [](const auto& entry) { return entry.second.memory; });
}

std::map<Position, LogModel::Visible> LogModel::everything_in(EmbeddedLog& log) {
  std::map<Position, Visible> found;
  ReadRequest request{.topics = log.select({*TopicPattern::parse("**")}),
                      .after = {},
                      .bytes_max = kReadBytesMax,
                      .events_max = kCommitEventsMax,
                      .told_marks = UINT64_MAX};
  while (request.after < log.durable_end()) {
    const auto read = log.read(request);
    if (!expect(read.has_value(), "a healthy log cannot be read")) break;
    if (!expect(read->looked > request.after, "a read does not come on")) break;
    expect(read->damage.empty(), "a loss of power is called damage");
    for (const EventView& event : read->events) {
      const bool behind = found.empty() || event.position() > found.rbegin()->first;
      expect(behind, "a read is not in order");
      found[event.position()] = {std::string(event.topic()), std::string(event.data()),
                                 event.stored_at()};
    }
    request.after = read->looked;
  }
  return found;
}

// The marks as a reader from the beginning is told of them.
void LogModel::take_marks_of(EmbeddedLog& log) {
  const auto read = log.read({.topics = log.select({*TopicPattern::parse("**")}),
                              .after = {},
                              .bytes_max = 1,
                              .events_max = 1,
                              .told_marks = 0});
  if (!expect(read.has_value(), "a healthy log cannot be read")) return;
  std::map<std::string, Position> marks;
  for (const RaisedMark& raised : read->gaps) marks[std::string(raised.name)] = raised.mark;
  for (const auto& [topic, mark] : marks_) {
    expect(marks[topic] >= mark, topic + ": a mark that was raised has fallen");
  }
  for (const auto& [topic, mark] : marks) {
    if (mark == mark_of(topic)) continue;
    expect(controls_unknown_, topic + ": a mark has risen that nobody was told of");
    marks_[topic] = mark;
  }
}

void LogModel::check_nothing_lost(const std::map<Position, Visible>& found) {
  for (const auto& [position, event] : visible_) {
    const auto there = found.find(position);
    if (removed(position, event.topic)) {
      expect(there == found.end(),
             fmt::format("position {} was removed and is back", position.value));
      continue;
    }
    if (!expect(there != found.end(), fmt::format("position {} of {} was shown and is lost",
                                                  position.value, event.topic)))
      continue;
    expect(there->second.data == event.data && there->second.topic == event.topic,
           fmt::format("position {} is another event now", position.value));
  }
}

// What was in flight is there as a whole or not at all, and stays so.
void LogModel::settle_one(Attempt& attempt, const std::map<std::string, Position>& fresh,
                          const std::map<Position, Visible>& found) {
  std::vector<Position> positions;
  size_t wanted = 0;
  for (const TriedItem& item : attempt.items) {
    const auto there = fresh.find(item.data);
    // A repeat was left out; what a mark covers is gone already.
    const bool may_lack =
        (!item.id.empty() && known_.contains(fmt::format("{} id {}", item.topic, item.id))) ||
        mark_of(item.topic) > shown_;
    wanted += there != fresh.end() || !may_lack ? 1 : 0;
    if (there == fresh.end()) continue;
    positions.push_back(there->second);
    expect(!is_memory_(item.topic), item.topic + ": a memory event outlived its process");
  }
  attempt.outcome = positions.empty() ? Attempt::Outcome::refused : Attempt::Outcome::stored;
  ++(positions.empty() ? seen_.unknown_lost : seen_.unknown_kept);
  if (positions.empty()) return;
  expect(positions.size() == wanted, "half of an append outlived a crash");
  const WallTime stored_at = found.at(positions.front()).stored_at;
  remember_items(attempt, fresh, stored_at);
  const auto known = known_.find(name_of_key(attempt));
  const bool same = known != known_.end() && known->second.first == positions.front();
  if (!same) remember(attempt, positions, stored_at);
}

// Each of a batch by its own id.
void LogModel::remember_items(const Attempt& attempt, const std::map<std::string, Position>& places,
                              WallTime stored_at) {
  if (attempt.items.size() < 2) return;
  for (const TriedItem& item : attempt.items) {
    const auto place = places.find(item.data);
    if (item.id.empty() || place == places.end()) continue;
    const auto known = known_.find(fmt::format("{} id {}", item.topic, item.id));
    if (known != known_.end() && known->second.first == place->second) continue;
    remember({.items = {item}, .key = {}}, {place->second}, stored_at);
  }
}

void LogModel::settle_unknown(const std::map<Position, Visible>& found,
                              std::deque<Attempt>& attempts) {
  std::map<std::string, Position> fresh;  // by data
  for (const auto& [position, event] : found) {
    if (!visible_.contains(position)) fresh[event.data] = position;
  }
  std::set<std::string> explained;
  for (Attempt& attempt : attempts) {
    if (attempt.outcome != Attempt::Outcome::unknown) continue;
    for (const TriedItem& item : attempt.items) explained.insert(item.data);
    settle_one(attempt, fresh, found);
  }
  for (const auto& [data, position] : fresh) {
    expect(explained.contains(data), fmt::format("position {} was refused and is there: {}",
                                                 position.value, data.substr(0, 12)));
    visible_[position] = found.at(position);
  }
}

void LogModel::recovered(EmbeddedLog& log, std::deque<Attempt>& attempts) {
  expect(log.durable_end() >= shown_, "positions that were shown could be given again");
  expect(log.damages().empty(), "a loss of power is called damage");
  take_marks_of(log);
  const auto found = everything_in(log);
  check_nothing_lost(found);
  settle_unknown(found, attempts);
  const auto checkpoint = log.checkpoint("source");
  expect(checkpoint == checkpoint_ || (checkpoint && checkpoints_possible_.contains(*checkpoint)),
         "a checkpoint is neither the acknowledged one nor a later one");
  checkpoint_ = checkpoint;
  checkpoints_possible_.clear();
  controls_unknown_ = false;
  shown_ = std::max(shown_, found.empty() ? Position() : found.rbegin()->first);
}

void LogModel::check_read(ModelReader& reader, const ReadResult& result, Position durable_end) {
  const Position after = reader.cursor;
  expect(result.looked >= after && result.looked <= std::max(durable_end, after),
         "a read looked where nothing is");
  expect(result.looked > after || after >= durable_end, "a read does not come on");
  expect(result.damage.empty(), "a read met damage that nobody did");
  for (const RaisedMark& raised : result.gaps) {
    const std::string topic(raised.name);
    ++seen_.gaps;
    expect(raised.mark == mark_of(topic) && raised.mark > after, topic + ": a gap that is none");
    reader.told_marks[topic] = raised.mark;
  }
  std::set<Position> given;
  Position last = after;
  for (const EventView& event : result.events) {
    const auto place = fmt::format("position {}", event.position().value);
    expect(event.position() > last && event.position() <= result.looked,
           place + " is out of order");
    last = event.position();
    given.insert(last);
    const auto there = visible_.find(last);
    if (!expect(there != visible_.end(), place + " was given and never announced")) continue;
    expect(there->second.data == event.data() && there->second.topic == event.topic(),
           place + " is another event than was announced");
    expect(any_matches(reader.patterns, event.topic()), place + " was not asked for");
    expect(is_memory_(event.topic()) || !removed(last, there->second.topic),
           place + " was removed and is given");
  }
  for (auto i = visible_.upper_bound(after); i != visible_.end() && i->first <= result.looked;
       ++i) {
    const auto& [position, event] = *i;
    if (given.contains(position) || !any_matches(reader.patterns, event.topic)) continue;
    expect(removed(position, event.topic),
           fmt::format("position {} of {} was left out", position.value, event.topic));
    expect(reader.told_marks[event.topic] >= position,
           fmt::format("position {} of {} is gone without a gap", position.value, event.topic));
  }
  reader.cursor = result.looked;
  reader.told = result.told_marks;
}

void LogModel::check_bounds(EmbeddedLog& log, const std::string& topic) {
  const auto bounds = log.bounds(topic);
  Position oldest;
  Position newest;
  uint64_t events = 0;
  for (const auto& [position, event] : visible_) {
    if (event.topic != topic || removed(position, topic)) continue;
    if (events++ == 0) oldest = position;
    newest = position;
  }
  if (!bounds) return void(expect(events == 0, topic + ": it holds events and is not there"));
  if (is_memory_(topic)) return;
  expect(bounds->events == events && bounds->oldest == oldest && bounds->newest == newest,
         topic + ": its bounds are not what it holds");
}

void LogModel::check_position_before(EmbeddedLog& log, WallTime time) {
  const Position before = log.position_before(time);
  for (const auto& [position, event] : visible_) {
    if (position > before) return;
    if (is_memory_(event.topic) || removed(position, event.topic)) continue;
    expect(event.stored_at < time,
           fmt::format("position {} was stored at or behind the time asked for", position.value));
  }
}

}  // namespace carillon
