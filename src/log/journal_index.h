// What one unsealed journal holds, in memory: where each event lies, in position order and by
// topic.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "event/record.h"
#include "log/journal.h"

namespace carillon {

struct IndexEntry {
  Position position;
  uint64_t offset = 0;  // of the record in the journal
  TopicId topic;
  uint32_t bytes = 0;  // of the record with padding
};

// Guarded by the mutex of the log's state. Entries are only ever added.
class JournalIndex {
 public:
  explicit JournalIndex(std::shared_ptr<Journal> journal) : journal_(std::move(journal)) {}

  const std::shared_ptr<Journal>& journal() const { return journal_; }
  void add(const IndexEntry& entry);
  // A frame with positions up to `last`, stored at `time`, that ends at byte `end`.
  void add_frame(Position last, WallTime time, uint64_t end) {
    frames_.emplace_back(last, time);
    end_ = end;
  }
  // Where the last frame that readers may see ends in the journal.
  uint64_t end() const { return end_; }

  bool empty() const { return entries_.empty(); }
  Position last() const { return entries_.empty() ? Position() : entries_.back().position; }
  const std::vector<IndexEntry>& entries() const { return entries_; }
  // Indexes into entries() of the topic's events, ascending.
  const std::vector<uint32_t>& of_topic(TopicId topic) const;
  // The first entry behind `after`.
  size_t first_behind(Position after) const;
  // The first in of_topic(topic) behind `after`.
  size_t first_behind(TopicId topic, Position after) const;
  const std::vector<std::pair<Position, WallTime>>& frames() const { return frames_; }

 private:
  std::shared_ptr<Journal> journal_;
  std::vector<IndexEntry> entries_;
  std::vector<std::vector<uint32_t>> by_topic_;  // by topic number
  std::vector<std::pair<Position, WallTime>> frames_;
  uint64_t end_ = 0;
};

}  // namespace carillon
