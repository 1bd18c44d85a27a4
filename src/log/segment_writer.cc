#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "log/segment.h"
#include "log/segment_format.h"

namespace carillon {

namespace {

constexpr size_t kWriteBytes = 1 * kMiB;
// In pieces, so that no commit's sync waits behind a whole segment.
constexpr uint64_t kSyncEveryBytes = 4 * kMiB;
constexpr const char* kSealingName = "sealing";

// Gathers small writes into large ones at a growing offset.
class SequentialWriter {
 public:
  SequentialWriter(File& file, const Pace& pace) : file_(file), pace_(pace) {
    pending_.reserve(kWriteBytes + kWriteBytes / 4);
  }

  uint64_t offset() const { return flushed_ + pending_.size(); }
  Result<> append(std::string_view bytes) {
    pending_ += bytes;
    return pending_.size() >= kWriteBytes ? flush() : Result<>();
  }
  Result<> flush() {
    TRY(file_.write_at(flushed_, pending_));
    flushed_ += pending_.size();
    unsynced_ += pending_.size();
    if (unsynced_ >= kSyncEveryBytes) {
      TRY(file_.sync());
      unsynced_ = 0;
    }
    keep_pace(pace_, pending_.size());
    pending_.clear();
    return {};
  }

 private:
  File& file_;
  const Pace& pace_;
  std::string pending_;
  uint64_t flushed_ = 0;
  uint64_t unsynced_ = 0;
};

void add_to_run(SegmentFooter& footer, const SealEntry& entry, uint64_t offset) {
  const WallTime stored_at = EventView(entry.record, {}).stored_at();
  if (footer.runs.empty() || footer.runs.back().topic != entry.topic) {
    footer.runs.push_back({.topic = entry.topic,
                           .offset = offset,
                           .first = entry.position,
                           .stored_first = stored_at});
  }
  SegmentRun& run = footer.runs.back();
  if (run.events % kSparseEvery == 0) {
    run.sparse.emplace_back(entry.position, static_cast<uint32_t>(offset - run.offset));
  }
  ++run.events;
  run.bytes += entry.bytes;
  run.last = entry.position;
  run.stored_last = stored_at;
}

Result<> append_order(SequentialWriter& out, std::vector<OrderEntry> order, SegmentFooter& footer) {
  std::ranges::sort(order, {}, &OrderEntry::position);
  footer.order_offset = out.offset();
  footer.order_entries = order.size();
  for (size_t from = 0; from < order.size(); from += kOrderBlockEntries) {
    footer.order_starts.push_back(order[from].position);
    TRY(out.append(
        encode_order_block(order, from, std::min(kOrderBlockEntries, order.size() - from))));
  }
  return {};
}

// Writes and syncs the whole file under its passing name.
Result<> write_file(Disk& disk, SealedContent& content, const Pace& pace) {
  SegmentFooter footer{.id = content.id,
                       .journal_first = content.journal_first,
                       .journal_last = content.journal_last,
                       .first = content.entries.front().position,
                       .last = content.entries.back().position,
                       .stored_first = content.stored_first,
                       .stored_last = content.stored_last,
                       .names = std::move(content.names)};
  std::ranges::sort(content.entries, {},
                    [](const SealEntry& entry) { return std::pair(entry.topic, entry.position); });
  TRY(auto file, disk.open(kSealingName, OpenMode::create));
  SequentialWriter out(*file, pace);
  TRY(out.append(encode_segment_header(content.id)));
  std::vector<OrderEntry> order;
  order.reserve(content.entries.size());
  for (const SealEntry& entry : content.entries) {
    add_to_run(footer, entry, out.offset());
    order.push_back({entry.position, out.offset(), entry.bytes, entry.topic});
    TRY(out.append({entry.record, entry.bytes}));
  }
  TRY(append_order(out, std::move(order), footer));
  const auto encoded = encode_segment_footer(footer);
  const FooterPlace place{out.offset(), encoded.size()};
  TRY(out.append(encoded));
  TRY(out.append(encode_segment_trailer(place)));
  TRY(out.flush());
  return file->sync();
}

}  // namespace

Result<> write_segment(Disk& disk, SealedContent content, const Pace& pace) {
  CHECK(!content.entries.empty());
  if (auto written = write_file(disk, content, pace); !written) {
    (void)disk.remove(kSealingName);  // on a full disk its bytes are needed elsewhere
    return written;
  }
  return disk.rename(kSealingName, Segment::name_of(content.id));
}

}  // namespace carillon
