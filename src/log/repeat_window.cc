#include "log/repeat_window.h"

#include <algorithm>

#include "base/bytes.h"
#include "event/record.h"

namespace carillon {

namespace {

std::string as_bytes(const Digest& digest) { return {digest.bytes.begin(), digest.bytes.end()}; }

Digest take_digest(ByteReader& reader) {
  Digest digest;
  const auto bytes = reader.take_bytes(digest.bytes.size());
  std::ranges::copy(bytes, digest.bytes.begin());
  return digest;
}

}  // namespace

const Repeat* RepeatWindow::find(const Digest& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &found->second;
}

void RepeatWindow::add(Repeat repeat) {
  in_order_.emplace_back(repeat.stored_at, repeat.key);
  const Digest key = repeat.key;
  by_key_.insert_or_assign(key, std::move(repeat));
  while (in_order_.size() > kIdempotencyEntriesMax) remove_oldest();
}

void RepeatWindow::expire(WallTime now) {
  while (!in_order_.empty() && in_order_.front().first < now - kIdempotencyWindow) remove_oldest();
}

void RepeatWindow::remove_oldest() {
  const auto found = by_key_.find(in_order_.front().second);
  // A key that was stored again later has a younger entry, which stays.
  if (found != by_key_.end() && found->second.stored_at == in_order_.front().first)
    by_key_.erase(found);
  in_order_.pop_front();
}

void append_repeat_record(std::string& out, const Repeat& repeat) {
  std::string data;
  ByteWriter writer(data);
  writer.put_bytes(as_bytes(repeat.key));
  writer.put_bytes(as_bytes(repeat.body));
  writer.put(repeat.first.value);
  writer.put(repeat.count);
  writer.put_string(repeat.made_id);
  const RecordHeader header{
      .position = repeat.last, .stored_at = repeat.stored_at, .kind = RecordKind::repeat};
  append_record(out, header, {}, data);
}

std::optional<Repeat> parse_repeat_record(std::string_view record) {
  RecordHeader header;
  if (!parse_record_header(record, header) || header.kind != RecordKind::repeat)
    return std::nullopt;
  ByteReader reader(record.substr(kRecordHeaderBytes, header.data_bytes));
  Repeat repeat;
  repeat.key = take_digest(reader);
  repeat.body = take_digest(reader);
  repeat.first = Position{reader.take<uint64_t>()};
  repeat.count = reader.take<uint32_t>();
  repeat.made_id = reader.take_string();
  repeat.last = header.position;
  repeat.stored_at = header.stored_at;
  if (!reader.ok()) return std::nullopt;
  return repeat;
}

}  // namespace carillon
