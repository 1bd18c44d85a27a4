// A sealed segment: events of former journals, sorted by topic, never changed but for holes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "event/record.h"
#include "log/disk.h"
#include "log/log.h"
#include "log/pace.h"

namespace carillon {

// One topic's records in a segment, contiguous and in position order.
struct SegmentRun {
  TopicId topic;
  uint32_t events = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Position first;
  Position last;
  WallTime stored_first{};
  WallTime stored_last{};
  // Every kSparseEvery-th record's place in the run: a read starts at most that many records early.
  std::vector<std::pair<Position, uint32_t>> sparse;
};

inline constexpr uint32_t kSparseEvery = 64;
inline constexpr size_t kOrderBlockEntries = 2048;

// A record's place, as the order section holds it: all records of the segment by position.
struct OrderEntry {
  Position position;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  TopicId topic;
};

struct SegmentFooter {
  uint64_t id = 0;
  uint64_t journal_first = 0;  // the journals that it replaces
  uint64_t journal_last = 0;
  Position first;
  Position last;
  WallTime stored_first{};
  WallTime stored_last{};
  uint64_t order_offset = 0;
  uint64_t order_entries = 0;
  std::vector<SegmentRun> runs;        // by topic number
  std::vector<Position> order_starts;  // first position of each order block
  std::vector<std::pair<TopicId, std::string>> names;
};

// Shared by the log's state and the reads under way; a segment taken out of the state lives until
// the last read of it has ended. Reads are thread-safe.
class Segment {
 public:
  static std::string name_of(uint64_t id);
  static uint64_t id_of(std::string_view name);
  static Result<std::shared_ptr<Segment>> open(Disk& disk, uint64_t id);

  const SegmentFooter& footer() const { return footer_; }
  uint64_t id() const { return footer_.id; }
  uint64_t file_bytes() const { return file_bytes_; }
  File& file() const { return *file_; }
  const SegmentRun* run_of(TopicId topic) const;
  // The header and every order block are as they were written: what `carillon log verify` asks.
  Result<> check_index() const;
  // Housekeeping alone: notes that these bytes are given back; false when they were already.
  bool mark_punched(uint64_t offset, uint64_t bytes);

  // The order entries behind `after` of the block that holds the next of them (at most
  // kOrderBlockEntries), without regard to topics; empty at the end. A damaged block is made again
  // from the records.
  Result<std::vector<OrderEntry>> order_behind(Position after) const;

 private:
  Segment(SegmentFooter footer, std::unique_ptr<File> file, uint64_t file_bytes);
  Result<std::vector<OrderEntry>> order_block(size_t block) const;
  Result<std::vector<OrderEntry>> rebuilt_order_block(size_t block) const;

  SegmentFooter footer_;
  std::unique_ptr<File> file_;
  uint64_t file_bytes_;
  std::unordered_map<uint32_t, size_t> run_index_;
  std::unordered_map<uint64_t, uint64_t> punched_;  // by offset
};

// One record to be sealed, and where it lies in the source.
struct SealEntry {
  Position position;
  TopicId topic;
  uint32_t bytes = 0;
  const char* record = nullptr;
};

struct SealedContent {
  uint64_t id = 0;
  uint64_t journal_first = 0;
  uint64_t journal_last = 0;
  WallTime stored_first{};
  WallTime stored_last{};
  std::vector<SealEntry> entries;  // by position
  std::vector<std::pair<TopicId, std::string>> names;
};

// Writes and syncs the segment under its name (by way of another); the directory is not synced yet.
Result<> write_segment(Disk& disk, SealedContent content, const Pace& pace);

}  // namespace carillon
