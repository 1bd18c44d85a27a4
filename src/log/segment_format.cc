#include "log/segment_format.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"

namespace carillon {

namespace {

constexpr uint32_t kHeaderMagic = 0x53524143;   // "CARS"
constexpr uint32_t kTrailerMagic = 0x54524143;  // "CART"

void append_crc(std::string& out) { ByteWriter(out).put(crc32c(out)); }

// The bytes before the checksum at the end; nothing when it is wrong.
std::optional<std::string_view> without_crc(std::string_view bytes) {
  if (bytes.size() < sizeof(uint32_t)) return std::nullopt;
  const auto body = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  if (load_little_endian<uint32_t>(bytes.data() + body.size()) != crc32c(body)) return std::nullopt;
  return body;
}

int64_t microseconds_of(WallTime time) { return time.time_since_epoch().count(); }
WallTime time_of(int64_t microseconds) { return WallTime(std::chrono::microseconds(microseconds)); }

void put_run(ByteWriter& writer, const SegmentRun& run) {
  writer.put(run.topic.value);
  writer.put(run.events);
  writer.put(run.offset);
  writer.put(run.bytes);
  writer.put(run.first.value);
  writer.put(run.last.value);
  writer.put(microseconds_of(run.stored_first));
  writer.put(microseconds_of(run.stored_last));
  writer.put(static_cast<uint32_t>(run.sparse.size()));
  for (const auto& [position, at] : run.sparse) {
    writer.put(position.value);
    writer.put(at);
  }
}

SegmentRun take_run(ByteReader& reader) {
  SegmentRun run;
  run.topic = TopicId{reader.take<uint32_t>()};
  run.events = reader.take<uint32_t>();
  run.offset = reader.take<uint64_t>();
  run.bytes = reader.take<uint64_t>();
  run.first = Position{reader.take<uint64_t>()};
  run.last = Position{reader.take<uint64_t>()};
  run.stored_first = time_of(reader.take<int64_t>());
  run.stored_last = time_of(reader.take<int64_t>());
  const auto sparse = reader.take<uint32_t>();
  for (uint32_t i = 0; i < sparse && reader.ok(); ++i) {
    const Position position{reader.take<uint64_t>()};
    run.sparse.emplace_back(position, reader.take<uint32_t>());
  }
  return run;
}

}  // namespace

std::string encode_segment_header(uint64_t id) {
  std::string out;
  ByteWriter writer(out);
  writer.put(kHeaderMagic);
  writer.put(kSegmentVersion);
  writer.put(id);
  append_crc(out);
  out.resize(kSegmentHeaderBytes, '\0');
  return out;
}

bool segment_header_intact(std::string_view bytes, uint64_t id) {
  return bytes.substr(0, kSegmentHeaderBytes) == encode_segment_header(id);
}

std::string encode_order_block(const std::vector<OrderEntry>& entries, size_t from, size_t count) {
  std::string out;
  ByteWriter writer(out);
  for (size_t i = from; i < from + count; ++i) {
    const OrderEntry& entry = entries[i];
    writer.put(entry.position.value);
    writer.put(static_cast<uint32_t>(entry.offset / kRecordAlignment));
    writer.put(entry.bytes);
    writer.put(entry.topic.value);
  }
  append_crc(out);
  return out;
}

std::optional<std::vector<OrderEntry>> decode_order_block(std::string_view bytes) {
  const auto body = without_crc(bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  std::vector<OrderEntry> entries;
  entries.reserve(body->size() / kOrderEntryBytes);
  while (!reader.empty()) {
    OrderEntry entry;
    entry.position = Position{reader.take<uint64_t>()};
    entry.offset = uint64_t{reader.take<uint32_t>()} * kRecordAlignment;
    entry.bytes = reader.take<uint32_t>();
    entry.topic = TopicId{reader.take<uint32_t>()};
    entries.push_back(entry);
  }
  if (!reader.ok()) return std::nullopt;
  return entries;
}

std::string encode_segment_footer(const SegmentFooter& footer) {
  std::string out;
  ByteWriter writer(out);
  writer.put(footer.id);
  writer.put(footer.journal_first);
  writer.put(footer.journal_last);
  writer.put(footer.first.value);
  writer.put(footer.last.value);
  writer.put(microseconds_of(footer.stored_first));
  writer.put(microseconds_of(footer.stored_last));
  writer.put(footer.order_offset);
  writer.put(footer.order_entries);
  writer.put(static_cast<uint32_t>(footer.order_starts.size()));
  for (const Position start : footer.order_starts) writer.put(start.value);
  writer.put(static_cast<uint32_t>(footer.runs.size()));
  for (const SegmentRun& run : footer.runs) put_run(writer, run);
  writer.put(static_cast<uint32_t>(footer.names.size()));
  for (const auto& [topic, name] : footer.names) {
    writer.put(topic.value);
    writer.put_string(name);
  }
  append_crc(out);
  return out;
}

std::optional<SegmentFooter> decode_segment_footer(std::string_view bytes) {
  const auto body = without_crc(bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  SegmentFooter footer;
  footer.id = reader.take<uint64_t>();
  footer.journal_first = reader.take<uint64_t>();
  footer.journal_last = reader.take<uint64_t>();
  footer.first = Position{reader.take<uint64_t>()};
  footer.last = Position{reader.take<uint64_t>()};
  footer.stored_first = time_of(reader.take<int64_t>());
  footer.stored_last = time_of(reader.take<int64_t>());
  footer.order_offset = reader.take<uint64_t>();
  footer.order_entries = reader.take<uint64_t>();
  const auto starts = reader.take<uint32_t>();
  for (uint32_t i = 0; i < starts && reader.ok(); ++i)
    footer.order_starts.push_back(Position{reader.take<uint64_t>()});
  const auto runs = reader.take<uint32_t>();
  for (uint32_t i = 0; i < runs && reader.ok(); ++i) footer.runs.push_back(take_run(reader));
  const auto names = reader.take<uint32_t>();
  for (uint32_t i = 0; i < names && reader.ok(); ++i) {
    const TopicId topic{reader.take<uint32_t>()};
    footer.names.emplace_back(topic, reader.take_string());
  }
  if (!reader.ok() || !reader.empty()) return std::nullopt;
  return footer;
}

std::string encode_segment_trailer(FooterPlace place) {
  std::string out;
  ByteWriter writer(out);
  writer.put(kTrailerMagic);
  writer.put(kSegmentVersion);
  writer.put(place.offset);
  writer.put(place.bytes);
  out.resize(kSegmentTrailerBytes - sizeof(uint32_t), '\0');
  append_crc(out);
  return out;
}

std::optional<FooterPlace> decode_segment_trailer(std::string_view bytes, uint32_t& version) {
  const auto body = without_crc(bytes);
  if (!body || bytes.size() != kSegmentTrailerBytes) return std::nullopt;
  ByteReader reader(*body);
  if (reader.take<uint32_t>() != kTrailerMagic) return std::nullopt;
  version = reader.take<uint32_t>();
  FooterPlace place;
  place.offset = reader.take<uint64_t>();
  place.bytes = reader.take<uint64_t>();
  return place;
}

}  // namespace carillon
