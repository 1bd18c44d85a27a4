// The forms of an endless answer: Server-Sent Events and lines, and how each writes events, marks,
// gaps and the end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "event/cursor.h"
#include "event/record.h"
#include "net/exchange.h"

namespace carillon {

enum class StreamKind {
  sse,              // the data itself
  sse_cloudevents,  // the JSON event
  sse_base64,       // the same, its data always in base64
  json_lines,       // NDJSON: structured events
  json_lines_base64,
  raw_lines,  // payloads and newlines only
};

// A value: with the topics and the filter it makes a subscription class.
struct StreamForm {
  StreamKind kind = StreamKind::sse;
  StreamFraming framing = StreamFraming::chunked;
  friend auto operator<=>(const StreamForm&, const StreamForm&) = default;
};

// Each appends one whole frame, wrapped for the HTTP version.
void append_event_frame(std::string& out, StreamForm form, const EventView& event, Epoch epoch);
// How far the hub has looked, so that a quiet reader's cursor moves. Nothing in raw lines.
void append_cursor_frame(std::string& out, StreamForm form, Cursor cursor);
// `json` is the gap as DESIGN 4 has it; `resumed` the cursor it names. Raw lines cannot say it:
// they end.
void append_gap_frame(std::string& out, StreamForm form, Cursor resumed, std::string_view json);
// The hub is about to close: come back after `retry`.
void append_bye_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry);
// What an SSE stream begins with.
void append_retry_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry);

std::string_view content_type_of(StreamForm form);
std::string_view protocol_name_of(StreamForm form);

}  // namespace carillon
