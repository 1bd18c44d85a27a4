// Server-Sent Events, the reading side (WHATWG HTML sections 9.2.5 and 9.2.6).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace carillon {

// A line, and all data of one event. An event of 1 MiB whose every byte JSON writes as six.
inline constexpr size_t kSseEventBytesMax = 8 * kMiB;

struct SseEvent {
  std::string last_event_id;  // as it was when the event was dispatched
  std::string type;           // `message` when none was given
  std::string data;
  friend bool operator==(const SseEvent&, const SseEvent&) = default;
};

// Takes a stream in pieces of any size, however they cut lines, line ends and characters. A value.
class SseParser {
 public:
  explicit SseParser(size_t event_bytes_max = kSseEventBytesMax)
      : event_bytes_max_(event_bytes_max) {}

  // Appends the events that `bytes` complete. Fails with too_large when a line or an event exceeds
  // its bound; the connection is then to be dropped.
  Result<> feed(std::string_view bytes, std::vector<SseEvent>& events);

  // What to send as `Last-Event-ID`; empty for none.
  const std::string& last_event_id() const { return last_event_id_; }
  // The latest `retry:`.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  Result<> take_line(std::string_view line, std::vector<SseEvent>& events);
  Result<> take_field(std::string_view name, std::string_view value);
  void dispatch(std::vector<SseEvent>& events);

  size_t event_bytes_max_;
  std::string line_;  // the part of a line that came with an earlier feed
  bool first_line_ = true;
  bool after_cr_ = false;  // an LF at the front belongs to the line end before it
  std::string data_;
  std::string type_;
  std::string last_event_id_;
  std::string id_;  // becomes last_event_id_ at the end of the block
  std::optional<std::chrono::milliseconds> retry_;
};

// `text/event-stream`, whatever its case and parameters. Anything else must fail the connection.
bool is_event_stream(std::string_view content_type);

}  // namespace carillon
