#include "event/record.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/text.h"

namespace carillon {

namespace {

// Where each field of the header lies.
constexpr size_t kCrcAt = 0;
constexpr size_t kLengthAt = 4;
constexpr size_t kPositionAt = 8;
constexpr size_t kStoredAt = 16;
constexpr size_t kTopicAt = 24;
constexpr size_t kDataBytesAt = 28;
constexpr size_t kAttributeBytesAt = 32;
constexpr size_t kKindAt = 36;
constexpr size_t kFlagsAt = 37;

constexpr uint8_t kFormMask = 0x03;
constexpr uint8_t kLineBreaksFlag = 0x04;

enum Tag : uint8_t {
  kId = 1,
  kSource = 2,
  kType = 3,
  kSubject = 4,
  kDataContentType = 5,
  kDataSchema = 6,
  kTime = 7,
  kKey = 8,
  kExtension = 9,  // 10: an integer, 11: a boolean
};

void put_attribute(ByteWriter& out, Tag tag, std::string_view value) {
  if (value.empty()) return;
  out.put(static_cast<uint8_t>(tag));
  out.put(static_cast<uint16_t>(value.size()));
  out.put_bytes(value);
}

uint32_t checksum(const char* record, size_t length) {
  return crc32c(std::string_view(record + kLengthAt, length - kLengthAt));
}

uint8_t flags_of(const Event& event) {
  const bool breaks = event.data.find_first_of("\r\n") != std::string::npos;
  return static_cast<uint8_t>(static_cast<uint8_t>(event.form) | (breaks ? kLineBreaksFlag : 0));
}

}  // namespace

void append_record(std::string& out, RecordHeader header, std::string_view attributes,
                   std::string_view data) {
  const size_t at = out.size();
  const size_t length = kRecordHeaderBytes + attributes.size() + data.size();
  CHECK(length <= UINT32_MAX);
  out.resize(at + padded(length));
  char* record = out.data() + at;
  store_little_endian(record + kLengthAt, static_cast<uint32_t>(length));
  store_little_endian(record + kPositionAt, header.position.value);
  store_little_endian(record + kStoredAt,
                      static_cast<int64_t>(header.stored_at.time_since_epoch().count()));
  store_little_endian(record + kTopicAt, header.topic.value);
  store_little_endian(record + kDataBytesAt, static_cast<uint32_t>(data.size()));
  store_little_endian(record + kAttributeBytesAt, static_cast<uint32_t>(attributes.size()));
  store_little_endian(record + kKindAt, static_cast<uint8_t>(header.kind));
  store_little_endian(record + kFlagsAt, header.flags);
  std::ranges::copy(attributes, record + kRecordHeaderBytes);
  std::ranges::copy(data, record + kRecordHeaderBytes + attributes.size());
  store_little_endian(record + kCrcAt, checksum(record, length));
}

bool parse_record_header(std::string_view bytes, RecordHeader& header) {
  if (bytes.size() < kRecordHeaderBytes) return false;
  const char* at = bytes.data();
  header.crc = load_little_endian<uint32_t>(at + kCrcAt);
  header.length = load_little_endian<uint32_t>(at + kLengthAt);
  header.position = Position{load_little_endian<uint64_t>(at + kPositionAt)};
  header.stored_at =
      WallTime(std::chrono::microseconds(load_little_endian<int64_t>(at + kStoredAt)));
  header.topic = TopicId{load_little_endian<uint32_t>(at + kTopicAt)};
  header.data_bytes = load_little_endian<uint32_t>(at + kDataBytesAt);
  header.attribute_bytes = load_little_endian<uint32_t>(at + kAttributeBytesAt);
  header.kind = static_cast<RecordKind>(load_little_endian<uint8_t>(at + kKindAt));
  header.flags = load_little_endian<uint8_t>(at + kFlagsAt);
  const uint64_t length = kRecordHeaderBytes + uint64_t{header.attribute_bytes} + header.data_bytes;
  return header.length == length && padded(length) <= bytes.size();
}

bool record_intact(std::string_view bytes, const RecordHeader& header) {
  if (header.length < kRecordHeaderBytes || header.length > bytes.size()) return false;
  return checksum(bytes.data(), header.length) == header.crc;
}

void place_record(char* record, Position position, WallTime stored_at, TopicId topic) {
  store_little_endian(record + kPositionAt, position.value);
  store_little_endian(record + kStoredAt,
                      static_cast<int64_t>(stored_at.time_since_epoch().count()));
  store_little_endian(record + kTopicAt, topic.value);
  store_little_endian(record + kCrcAt,
                      checksum(record, load_little_endian<uint32_t>(record + kLengthAt)));
}

std::string encode_attributes(const Event& event, std::string_view topic) {
  std::string out;
  ByteWriter writer(out);
  put_attribute(writer, kId, event.id);
  if (event.source != default_source(topic)) put_attribute(writer, kSource, event.source);
  if (event.type != kDefaultType) put_attribute(writer, kType, event.type);
  put_attribute(writer, kSubject, event.subject);
  put_attribute(writer, kDataContentType, event.data_content_type);
  put_attribute(writer, kDataSchema, event.data_schema);
  if (event.time)
    put_attribute(writer, kTime,
                  event.time_text.empty() ? to_rfc3339(*event.time) : event.time_text);
  put_attribute(writer, kKey, event.key);
  for (const auto& [name, value, kind] : event.extensions) {
    writer.put(static_cast<uint8_t>(kExtension + static_cast<uint8_t>(kind)));
    writer.put(static_cast<uint8_t>(name.size()));
    writer.put_bytes(name);
    writer.put(static_cast<uint16_t>(value.size()));
    writer.put_bytes(value);
  }
  return out;
}

void append_event_record(std::string& out, const Event& event, TopicId topic,
                         std::string_view topic_name) {
  const RecordHeader header{.topic = topic, .kind = RecordKind::event, .flags = flags_of(event)};
  append_record(out, header, encode_attributes(event, topic_name), event.data);
}

bool EventView::take(std::string_view& rest, Tagged& tagged) {
  if (rest.empty()) return false;
  ByteReader reader(rest);
  tagged.tag = reader.take<uint8_t>();
  tagged.name =
      tagged.tag >= kExtension ? reader.take_bytes(reader.take<uint8_t>()) : std::string_view();
  tagged.value = reader.take_bytes(reader.take<uint16_t>());
  if (!reader.ok()) return false;
  rest = rest.substr(rest.size() - reader.left());
  return true;
}

std::string_view EventView::attribute_bytes() const {
  return {record_ + kRecordHeaderBytes, load_little_endian<uint32_t>(record_ + kAttributeBytesAt)};
}

Position EventView::position() const {
  return Position{load_little_endian<uint64_t>(record_ + kPositionAt)};
}

WallTime EventView::stored_at() const {
  return WallTime(std::chrono::microseconds(load_little_endian<int64_t>(record_ + kStoredAt)));
}

TopicId EventView::topic_id() const {
  return TopicId{load_little_endian<uint32_t>(record_ + kTopicAt)};
}

std::string_view EventView::data() const {
  return {record_ + kRecordHeaderBytes + load_little_endian<uint32_t>(record_ + kAttributeBytesAt),
          load_little_endian<uint32_t>(record_ + kDataBytesAt)};
}

DataForm EventView::form() const {
  return static_cast<DataForm>(load_little_endian<uint8_t>(record_ + kFlagsAt) & kFormMask);
}

bool EventView::has_line_breaks() const {
  return (load_little_endian<uint8_t>(record_ + kFlagsAt) & kLineBreaksFlag) != 0;
}

size_t EventView::record_bytes() const {
  return padded(load_little_endian<uint32_t>(record_ + kLengthAt));
}

EventView::Attributes EventView::attributes() const {
  Attributes attributes;
  std::string_view rest = attribute_bytes();
  Tagged tagged;
  while (take(rest, tagged)) {
    switch (tagged.tag) {
      case kId: attributes.id = tagged.value; break;
      case kSource: attributes.source = tagged.value; break;
      case kType: attributes.type = tagged.value; break;
      case kSubject: attributes.subject = tagged.value; break;
      case kDataContentType: attributes.data_content_type = tagged.value; break;
      case kDataSchema: attributes.data_schema = tagged.value; break;
      case kTime: attributes.time = tagged.value; break;
      case kKey: attributes.key = tagged.value; break;
      default: break;
    }
  }
  return attributes;
}

}  // namespace carillon
