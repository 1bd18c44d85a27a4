// A stored event as bytes: the same in a journal, a segment and a tail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "event/cursor.h"
#include "event/event.h"

namespace carillon {

// A topic's number in one log. Given once, never used again.
struct TopicId {
  uint32_t value = 0;
  friend auto operator<=>(TopicId, TopicId) = default;
};

// What a record of the log is. The values are the format (docs/reference/log-format.md).
enum class RecordKind : uint8_t {
  event = 1,
  topic = 2,        // a topic is made: its number and name
  mark = 3,         // a low-water mark rises
  deleted = 4,      // a topic is deleted
  reservation = 5,  // positions up to here may have been shown
  checkpoint = 6,   // how far a source was read
  repeat = 7,       // a publish that a repeat is to be recognised by
};

// Every record begins with these 40 bytes, little-endian, and is padded with zeros to 8 bytes.
struct RecordHeader {
  uint32_t crc = 0;     // CRC-32C of bytes [4, length)
  uint32_t length = 0;  // bytes of the record without padding
  Position position;
  WallTime stored_at{};
  TopicId topic;
  uint32_t data_bytes = 0;
  uint32_t attribute_bytes = 0;
  RecordKind kind = RecordKind::event;
  uint8_t flags = 0;
};

inline constexpr size_t kRecordHeaderBytes = 40;
inline constexpr size_t kRecordAlignment = 8;

constexpr size_t padded(size_t bytes) {
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// Appends a whole record of any kind: header, attributes, data, checksum, padding. `header`'s
// lengths and crc are filled in.
void append_record(std::string& out, RecordHeader header, std::string_view attributes,
                   std::string_view data);

// Reads the header at the front of `bytes`; false when there is no whole record or its lengths
// contradict each other. Does not look at the checksum.
bool parse_record_header(std::string_view bytes, RecordHeader& header);
// The checksum of the record at the front of `bytes`, whose header was parsed, is right.
bool record_intact(std::string_view bytes, const RecordHeader& header);

// Sets position and time of storing of a record made by append_record, and its checksum anew.
void place_record(char* record, Position position, WallTime stored_at, TopicId topic);

// The attributes of an event that differ from their defaults, encoded.
std::string encode_attributes(const Event& event, std::string_view topic);

// An event in stored bytes that somebody else keeps alive. A value of pointers; cheap to copy.
class EventView {
 public:
  EventView() = default;
  // `record` is one whole intact event record.
  EventView(const char* record, std::string_view topic) : record_(record), topic_(topic) {}

  // The same event under `topic`, which somebody keeps alive.
  EventView with_topic(std::string_view topic) const { return {record_, topic}; }
  const char* record() const { return record_; }

  Position position() const;
  WallTime stored_at() const;
  TopicId topic_id() const;
  std::string_view topic() const { return topic_; }
  std::string_view data() const;
  DataForm form() const;
  // The data holds CR or LF: what line-based protocols must split.
  bool has_line_breaks() const;
  size_t record_bytes() const;

  struct Attributes {
    std::string_view id;
    std::string_view source;  // empty: default_source(topic)
    std::string_view type = kDefaultType;
    std::string_view subject;
    std::string_view data_content_type;
    std::string_view data_schema;
    std::string_view time;  // empty: the time of storing
    std::string_view key;
  };
  Attributes attributes() const;

  // Calls visit(name, value, kind) for each extension attribute but `key`.
  template <typename Visit>
  void for_each_extension(Visit visit) const {
    std::string_view rest = attribute_bytes();
    Tagged tagged;
    while (take(rest, tagged)) {
      if (tagged.tag < kExtensionTag) continue;
      visit(tagged.name, tagged.value, static_cast<ExtensionKind>(tagged.tag - kExtensionTag));
    }
  }

 private:
  static constexpr uint8_t kExtensionTag = 9;
  struct Tagged {
    uint8_t tag = 0;
    std::string_view name;
    std::string_view value;
  };
  static bool take(std::string_view& rest, Tagged& tagged);
  std::string_view attribute_bytes() const;

  const char* record_ = nullptr;
  std::string_view topic_;
};

// Appends the record of `event`; position 0 until place_record.
void append_event_record(std::string& out, const Event& event, TopicId topic,
                         std::string_view topic_name);

}  // namespace carillon
