// The forms of an endless answer: Server-Sent Events, lines and WebSocket frames, and how each
// writes events, marks, gaps and the end.
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
  raw_lines,              // payloads and newlines only
  websocket_data,         // payloads as text or binary frames
  websocket_cloudevents,  // structured events as text frames
  websocket_session,      // the same within ops of a session
};

// A value: with the topics and the filter it makes a subscription class.
struct StreamForm {
  StreamKind kind = StreamKind::sse;
  StreamFraming framing = StreamFraming::chunked;
  uint8_t deflate_bits = 0;  // of WebSocket frames; 0: they are not compressed
  uint64_t sub = 0;          // of a session's frames: the number of the class
  friend auto operator<=>(const StreamForm&, const StreamForm&) = default;
};

bool is_websocket(StreamKind kind);
// Payloads alone have no word for a gap: such a stream ends there.
bool can_tell_gap(StreamKind kind);

// Each appends one whole frame, wrapped for the HTTP version or as WebSocket frames are.
void append_event_frame(std::string& out, StreamForm form, const EventView& event, Epoch epoch);
// How far the hub has looked, so that a quiet reader's cursor moves. Nothing where there are
// payloads alone.
void append_cursor_frame(std::string& out, StreamForm form, Cursor cursor);
// `json` is the gap as DESIGN 4 has it; `resumed` the cursor it names.
void append_gap_frame(std::string& out, StreamForm form, Cursor resumed, std::string_view json);
// What a WebSocket's hub says in words of its own.
void append_websocket_text(std::string& out, StreamForm form, std::string_view text);
// The hub is about to close: come back after `retry`.
void append_bye_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry);
// What an SSE stream begins with.
void append_retry_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry);

std::string_view content_type_of(StreamForm form);
std::string_view protocol_name_of(StreamForm form);

}  // namespace carillon
