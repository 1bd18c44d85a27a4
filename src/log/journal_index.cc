#include "log/journal_index.h"

#include <algorithm>

#include "base/check.h"

namespace carillon {

void JournalIndex::add(const IndexEntry& entry) {
  CHECK(entry.position > last());
  if (by_topic_.size() <= entry.topic.value) by_topic_.resize(entry.topic.value + 1);
  by_topic_[entry.topic.value].push_back(static_cast<uint32_t>(entries_.size()));
  entries_.push_back(entry);
}

const std::vector<uint32_t>& JournalIndex::of_topic(TopicId topic) const {
  static const std::vector<uint32_t> kNone;
  return topic.value < by_topic_.size() ? by_topic_[topic.value] : kNone;
}

size_t JournalIndex::first_behind(Position after) const {
  const auto found = std::ranges::upper_bound(entries_, after, {}, &IndexEntry::position);
  return static_cast<size_t>(found - entries_.begin());
}

size_t JournalIndex::first_behind(TopicId topic, Position after) const {
  const auto& numbers = of_topic(topic);
  const auto found = std::ranges::upper_bound(numbers, after, {},
                                              [&](uint32_t i) { return entries_[i].position; });
  return static_cast<size_t>(found - numbers.begin());
}

}  // namespace carillon
