#include <algorithm>

#include "log/log_reader.h"

namespace carillon {

namespace {

struct LivePlace {
  Position position;
  uint32_t bytes = 0;
  uint64_t offset = 0;  // in its segment
  WallTime stored_at{};
};

size_t blocks_of(const SegmentRun& run) { return run.sparse.size(); }
uint64_t block_start(const SegmentRun& run, size_t block) {
  return block < run.sparse.size() ? run.sparse[block].second : run.bytes;
}
uint64_t events_before(const SegmentRun& run, size_t block) {
  return std::min<uint64_t>(run.events, uint64_t{block} * kSparseEvery);
}

// The places of one block of a run, by their headers alone: as far as these are in order and add
// up. (Not the whole run: what retention asks each second must not cost the topic's size.)
Result<std::vector<LivePlace>> places_in(const Segment& segment, const SegmentRun& run,
                                         size_t block) {
  std::vector<LivePlace> places;
  const uint64_t end = block_start(run, block + 1);
  const Position below =
      block + 1 < run.sparse.size() ? run.sparse[block + 1].first : Position{run.last.value + 1};
  uint64_t at = block_start(run, block);
  Position before{run.sparse[block].first.value - 1};
  std::string head(kRecordHeaderBytes, '\0');
  while (at + kRecordHeaderBytes <= end) {
    TRY(const size_t got, segment.file().read_at(run.offset + at, head.data(), head.size()));
    RecordHeader header;
    parse_record_header(head, header);  // the record itself was not read: lengths only
    const bool right = got == head.size() && header.length >= kRecordHeaderBytes &&
                       padded(header.length) <= end - at && header.topic == run.topic &&
                       header.position > before && header.position < below;
    if (!right) break;
    places.push_back({header.position, static_cast<uint32_t>(padded(header.length)),
                      run.offset + at, header.stored_at});
    before = header.position;
    at += padded(header.length);
  }
  return places;
}

// The record at `place` is what its header says.
Result<bool> is_intact(const Segment& segment, const LivePlace& place) {
  std::string bytes(place.bytes, '\0');
  TRY(const size_t got, segment.file().read_at(place.offset, bytes.data(), bytes.size()));
  RecordHeader header;
  return got == bytes.size() && parse_record_header(bytes, header) && record_intact(bytes, header);
}

// The last of `places` before `end` that can be believed: a mark must never be raised by a flipped
// bit.
Result<std::optional<Position>> last_intact(const Segment& segment,
                                            const std::vector<LivePlace>& places, size_t end) {
  for (size_t i = end; i-- > 0;) {
    TRY(const bool intact, is_intact(segment, places[i]));
    if (intact) return places[i].position;
  }
  return std::optional<Position>();
}

struct TopicPlaces {
  Position mark;
  std::vector<std::shared_ptr<Segment>>
      segments;                  // oldest first, with a run of the topic behind the mark
  std::vector<LivePlace> young;  // of journals and memory
};

TopicPlaces look_up(LogState& state, TopicId topic) {
  TopicPlaces places;
  const std::scoped_lock lock(state.mutex);
  const TopicRow* row = state.topics.find(topic);
  if (row == nullptr) return places;
  places.mark = row->mark;
  if (is_memory_topic(topic)) {
    const auto found = state.memory.find(topic.value);
    if (found == state.memory.end()) return places;
    for (const auto& [position, record] : found->second.records()) {
      places.young.push_back({.position = position,
                              .bytes = static_cast<uint32_t>(record.size()),
                              .stored_at = EventView(record.data(), {}).stored_at()});
    }
    return places;
  }
  for (const auto& segment : state.segments) {
    const SegmentRun* run = segment->run_of(topic);
    if (run != nullptr && run->last > row->mark) places.segments.push_back(segment);
  }
  for (const auto& index : state.journals) {
    const auto& numbers = index->of_topic(topic);
    for (size_t i = index->first_behind(topic, row->mark); i < numbers.size(); ++i) {
      const IndexEntry& entry = index->entries()[numbers[i]];
      places.young.push_back({.position = entry.position, .bytes = entry.bytes});
    }
  }
  return places;
}

// The block that holds the first event at or behind `position`, or the last block.
size_t block_of(const SegmentRun& run, Position position) {
  const auto behind = std::ranges::upper_bound(run.sparse, position, {},
                                               [](const auto& sparse) { return sparse.first; });
  return behind == run.sparse.begin() ? 0 : static_cast<size_t>(behind - run.sparse.begin()) - 1;
}

}  // namespace

Result<std::optional<Position>> last_event_before(LogState& state, TopicId topic, Position before) {
  const TopicPlaces places = look_up(state, topic);
  const auto young = std::ranges::lower_bound(places.young, before, {}, &LivePlace::position);
  if (young != places.young.begin()) return std::prev(young)->position;
  for (auto segment = places.segments.rbegin(); segment != places.segments.rend(); ++segment) {
    const SegmentRun& run = *(*segment)->run_of(topic);
    if (run.first >= before) continue;
    if (run.last < before) return run.last;
    TRY(const auto sealed, places_in(**segment, run, block_of(run, Position{before.value - 1})));
    const auto end = std::ranges::lower_bound(sealed, before, {}, &LivePlace::position);
    TRY(const auto found,
        last_intact(**segment, sealed, static_cast<size_t>(end - sealed.begin())));
    if (found && *found > places.mark) return found;
    break;
  }
  return std::optional<Position>();
}

Result<std::optional<Position>> last_event_stored_before(const Segment& segment,
                                                         const SegmentRun& run, WallTime time) {
  if (run.stored_last < time) return run.last;
  if (run.stored_first >= time) return std::optional<Position>();
  // The last block whose first event is old enough: times never fall along a run.
  size_t low = 0;
  size_t high = blocks_of(run);
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    TRY(const auto places, places_in(segment, run, middle));
    const bool old = !places.empty() && places.front().stored_at < time;
    (old ? low : high) = middle;
  }
  TRY(const auto places, places_in(segment, run, low));
  const auto end = std::ranges::find_if(places, [&](const auto& p) { return p.stored_at >= time; });
  return last_intact(segment, places, static_cast<size_t>(end - places.begin()));
}

namespace {

// What may stay of a topic, counted from its newest event.
struct Allowance {
  uint64_t events = UINT64_MAX;
  uint64_t bytes = UINT64_MAX;

  bool has_room_for(uint64_t count, uint64_t size) const {
    return count <= events && size <= bytes;
  }
  // Takes `count` events of `size` bytes in all off; false when they are too much.
  bool take(uint64_t count, uint64_t size) {
    if (!has_room_for(count, size)) return false;
    events -= count;
    bytes -= size;
    return true;
  }
};

// How many of `places`, from the first, are too much.
size_t too_many(const std::vector<LivePlace>& places, Allowance& allowance) {
  size_t left = places.size();
  while (left > 0 && allowance.take(1, places[left - 1].bytes)) --left;
  return left;
}

// The newest event of the run that is too much; nothing when all of it may stay, or none can be
// believed.
Result<std::optional<Position>> newest_too_much(const Segment& segment, const SegmentRun& run,
                                                Allowance& allowance) {
  size_t block = blocks_of(run);
  while (block > 0 && allowance.take(events_before(run, block) - events_before(run, block - 1),
                                     block_start(run, block) - block_start(run, block - 1))) {
    --block;
  }
  if (block == 0) return std::optional<Position>();
  TRY(const auto places, places_in(segment, run, block - 1));
  const size_t count = too_many(places, allowance);
  if (count > 0) return last_intact(segment, places, count);
  // Too much by the block, but not one by one: some of it cannot be read.
  return std::optional<Position>();
}

Result<std::optional<Position>> newest_too_much(LogState& state, TopicId topic,
                                                Allowance allowance) {
  const TopicPlaces places = look_up(state, topic);
  if (const size_t count = too_many(places.young, allowance); count > 0)
    return places.young[count - 1].position;
  for (auto segment = places.segments.rbegin(); segment != places.segments.rend(); ++segment) {
    const SegmentRun& run = *(*segment)->run_of(topic);
    TRY(const auto found, newest_too_much(**segment, run, allowance));
    if (found) return *found > places.mark ? found : std::nullopt;
  }
  return std::optional<Position>();
}

}  // namespace

Result<std::optional<Position>> event_from_end(LogState& state, TopicId topic, uint64_t count) {
  return newest_too_much(state, topic, {.events = count});
}

Result<std::optional<Position>> event_beyond_bytes(LogState& state, TopicId topic, uint64_t bytes) {
  return newest_too_much(state, topic, {.bytes = bytes});
}

Result<TopicContent> content_of(LogState& state, TopicId topic) {
  const TopicPlaces places = look_up(state, topic);
  TopicContent content;
  const auto add = [&](Position first, Position last, uint64_t events, uint64_t bytes) {
    if (events == 0) return;
    if (content.events == 0) content.oldest = first;
    content.newest = last;
    content.events += events;
    content.bytes += bytes;
  };
  for (const auto& segment : places.segments) {
    const SegmentRun& run = *segment->run_of(topic);
    if (run.first > places.mark) {
      add(run.first, run.last, run.events, run.bytes);
      continue;
    }
    const size_t block = block_of(run, places.mark);
    TRY(const auto sealed, places_in(*segment, run, block));
    for (const LivePlace& place : sealed) {
      if (place.position > places.mark) add(place.position, place.position, 1, place.bytes);
    }
    if (block + 1 < blocks_of(run)) {
      add(run.sparse[block + 1].first, run.last, run.events - events_before(run, block + 1),
          run.bytes - block_start(run, block + 1));
    }
  }
  for (const LivePlace& place : places.young) add(place.position, place.position, 1, place.bytes);
  return content;
}

namespace {

Position before(Position position) { return Position{position.value - 1}; }

Position look_back_in(const LogState& state, const TopicRow& row, uint64_t events) {
  if (is_memory_topic(row.id)) {
    // The last of a key may live below the mark.
    const auto found = state.memory.find(row.id.value);
    if (found == state.memory.end() || found->second.records().size() <= events) return {};
    const auto end = found->second.records().end();
    return before(std::prev(end, static_cast<std::ptrdiff_t>(events))->first);
  }
  for (auto index = state.journals.rbegin(); index != state.journals.rend(); ++index) {
    const auto& numbers = (*index)->of_topic(row.id);
    const size_t living = numbers.size() - (*index)->first_behind(row.id, row.mark);
    if (living >= events)
      return before((*index)->entries()[numbers[numbers.size() - events]].position);
    events -= living;
  }
  for (auto segment = state.segments.rbegin(); segment != state.segments.rend(); ++segment) {
    const SegmentRun* run = (*segment)->run_of(row.id);
    if (run == nullptr) continue;
    if (run->last <= row.mark) break;
    if (run->events >= events) {
      const size_t block = (run->events - events) / kSparseEvery;
      return std::max(row.mark, before(run->sparse[block].first));
    }
    events -= run->events;
  }
  return row.mark;
}

Position look_back_in(const LogState& state, uint64_t events) {
  for (auto index = state.journals.rbegin(); index != state.journals.rend(); ++index) {
    const auto& entries = (*index)->entries();
    if (entries.size() >= events) return before(entries[entries.size() - events].position);
    events -= entries.size();
  }
  for (auto segment = state.segments.rbegin(); segment != state.segments.rend(); ++segment) {
    const SegmentFooter& footer = (*segment)->footer();
    if (footer.order_entries >= events)
      return before(footer.order_starts[(footer.order_entries - events) / kOrderBlockEntries]);
    events -= footer.order_entries;
  }
  return {};
}

}  // namespace

Position look_back(LogState& state, TopicSelection& topics, uint64_t of_topic, uint64_t of_log) {
  const std::scoped_lock lock(state.mutex);
  topics.refresh(state.topics);
  if (topics.rows().empty()) return Position{state.durable_end};
  return topics.single() != nullptr ? look_back_in(state, *topics.rows().front(), of_topic)
                                    : look_back_in(state, of_log);
}

// Within a segment the time of a position is not known more closely than its ends: the read that
// follows starts at most one segment early, and drops by time of storing what is too old.
Position position_before(LogState& state, WallTime time) {
  const std::scoped_lock lock(state.mutex);
  Position before;
  for (const auto& segment : state.segments) {
    if (segment->footer().stored_last < time) before = segment->footer().last;
  }
  for (const auto& index : state.journals) {
    // Times never fall, so the last frame before `time` is found by halving.
    const auto& frames = index->frames();
    const auto end = std::ranges::lower_bound(
        frames, time, {}, [](const std::pair<Position, WallTime>& frame) { return frame.second; });
    if (end != frames.begin()) before = std::max(before, std::prev(end)->first);
  }
  return before;
}

}  // namespace carillon
