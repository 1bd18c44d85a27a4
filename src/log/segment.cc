#include "log/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "log/segment_format.h"

namespace carillon {

namespace {

constexpr std::string_view kPrefix = "segment-";

Result<SegmentFooter> read_footer(const File& file, uint64_t file_bytes, const std::string& name) {
  if (file_bytes < kSegmentHeaderBytes + kSegmentTrailerBytes) {
    return fail(Errc::corrupt, "{} byte {}: the segment ends too early", name, file_bytes);
  }
  TRY(const std::string trailer,
      read_exactly(file, file_bytes - kSegmentTrailerBytes, kSegmentTrailerBytes));
  uint32_t version = kSegmentVersion;
  const auto place = decode_segment_trailer(trailer, version);
  if (version != kSegmentVersion) {
    return fail(Errc::conflict,
                "{} has format version {}; this release reads {}: use the release that wrote it",
                name, version, kSegmentVersion);
  }
  if (!place || place->offset + place->bytes + kSegmentTrailerBytes != file_bytes) {
    return fail(Errc::corrupt, "{} byte {}: the segment's trailer is damaged", name,
                file_bytes - kSegmentTrailerBytes);
  }
  TRY(const std::string bytes, read_exactly(file, place->offset, place->bytes));
  auto footer = decode_segment_footer(bytes);
  if (!footer)
    return fail(Errc::corrupt, "{} byte {}: the segment's footer is damaged", name, place->offset);
  return std::move(*footer);
}

}  // namespace

std::string Segment::name_of(uint64_t id) { return fmt::format("{}{:010}", kPrefix, id); }

uint64_t Segment::id_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

Segment::Segment(SegmentFooter footer, std::unique_ptr<File> file, uint64_t file_bytes)
    : footer_(std::move(footer)), file_(std::move(file)), file_bytes_(file_bytes) {
  for (size_t i = 0; i < footer_.runs.size(); ++i)
    run_index_.emplace(footer_.runs[i].topic.value, i);
}

Result<std::shared_ptr<Segment>> Segment::open(Disk& disk, uint64_t id) {
  const auto name = name_of(id);
  TRY(auto file, disk.open(name, OpenMode::write));
  TRY(const uint64_t bytes, file->size());
  TRY(auto footer, read_footer(*file, bytes, name));
  if (footer.id != id) return fail(Errc::corrupt, "{}: the file holds segment {}", name, footer.id);
  std::shared_ptr<Segment> made;
  // tidy: allow new: private constructor
  made.reset(new Segment(std::move(footer), std::move(file), bytes));
  return made;
}

const SegmentRun* Segment::run_of(TopicId topic) const {
  const auto found = run_index_.find(topic.value);
  return found == run_index_.end() ? nullptr : &footer_.runs[found->second];
}

Result<> Segment::check_index() const {
  const auto name = name_of(id());
  TRY(const std::string head, read_exactly(*file_, 0, kSegmentHeaderBytes));
  if (!segment_header_intact(head, id()))
    return fail(Errc::corrupt, "{} byte 0: the segment's header is damaged", name);
  for (size_t block = 0; block < footer_.order_starts.size(); ++block) {
    const uint64_t offset = footer_.order_offset + block * kOrderBlockBytes;
    const size_t count =
        std::min<uint64_t>(kOrderBlockEntries, footer_.order_entries - block * kOrderBlockEntries);
    TRY(const std::string bytes,
        read_exactly(*file_, offset, count * kOrderEntryBytes + sizeof(uint32_t)));
    if (!decode_order_block(bytes))
      return fail(Errc::corrupt, "{} byte {}: an order block is damaged", name, offset);
  }
  return {};
}

bool Segment::mark_punched(uint64_t offset, uint64_t bytes) {
  uint64_t& punched = punched_[offset];
  if (punched == bytes) return false;
  punched = bytes;
  return true;
}

Result<std::vector<OrderEntry>> Segment::order_behind(Position after) const {
  // The last block that starts at or before the first position behind `after`.
  const auto& starts = footer_.order_starts;
  auto block = static_cast<size_t>(std::ranges::upper_bound(starts, Position{after.value + 1}) -
                                   starts.begin());
  block = block == 0 ? 0 : block - 1;
  for (; block < starts.size(); ++block) {
    TRY(auto entries, order_block(block));
    const auto first = std::ranges::upper_bound(entries, after, {}, &OrderEntry::position);
    if (first == entries.end()) continue;
    entries.erase(entries.begin(), first);
    return entries;
  }
  return std::vector<OrderEntry>();
}

Result<std::vector<OrderEntry>> Segment::order_block(size_t block) const {
  const uint64_t first_entry = block * kOrderBlockEntries;
  const size_t count = std::min<uint64_t>(kOrderBlockEntries, footer_.order_entries - first_entry);
  const uint64_t offset = footer_.order_offset + block * kOrderBlockBytes;
  TRY(const std::string bytes,
      read_exactly(*file_, offset, count * kOrderEntryBytes + sizeof(uint32_t)));
  auto entries = decode_order_block(bytes);
  if (entries) return std::move(*entries);
  return rebuilt_order_block(block);
}

namespace {

// Every record of a run by what the records say of themselves. Where one says nonsense, the stretch
// up to the next sparse entry becomes one entry that cannot be read, so that its loss is noticed.
std::vector<OrderEntry> entries_of(const SegmentRun& run, std::string_view bytes) {
  std::vector<OrderEntry> entries;
  Position before{run.first.value - 1};
  for (size_t at = 0; at < bytes.size();) {
    RecordHeader header;
    const auto record = bytes.substr(at);
    const bool right = parse_record_header(record, header) && header.topic == run.topic &&
                       header.position > before && header.position <= run.last;
    uint64_t next = at + padded(header.length);
    before = right ? header.position : Position{before.value + 1};
    if (!right) {
      const auto sparse =
          std::ranges::upper_bound(run.sparse, at, {}, &std::pair<Position, uint32_t>::second);
      next = sparse == run.sparse.end() ? bytes.size() : sparse->second;
    }
    entries.push_back({before, run.offset + at, static_cast<uint32_t>(next - at), run.topic});
    at = next;
  }
  return entries;
}

}  // namespace

// The order is only an index: the runs still say where every record lies.
Result<std::vector<OrderEntry>> Segment::rebuilt_order_block(size_t block) const {
  std::vector<OrderEntry> entries;
  const Position from = footer_.order_starts[block];
  const bool is_last = block + 1 == footer_.order_starts.size();
  const Position to = is_last ? Position{UINT64_MAX} : footer_.order_starts[block + 1];
  for (const SegmentRun& run : footer_.runs) {
    if (run.last < from || run.first >= to) continue;
    TRY(const std::string bytes, read_exactly(*file_, run.offset, run.bytes));
    for (const OrderEntry& entry : entries_of(run, bytes)) {
      if (entry.position >= from && entry.position < to) entries.push_back(entry);
    }
  }
  std::ranges::sort(entries, {}, &OrderEntry::position);
  return entries;
}

}  // namespace carillon
