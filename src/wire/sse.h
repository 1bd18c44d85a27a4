// Server-Sent Events, the writing side (WHATWG HTML section 9.2).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "event/cursor.h"
#include "event/record.h"

namespace carillon {

enum class SseForm {
  data,         // the data itself; a binary payload as its JSON event under `event: carillon.event`
  cloudevents,  // the JSON event
  base64,       // the JSON event, its data always in base64
};

// Each appends whole blocks, so a stream may be cut behind any of them. Line ends are LF.

// How long a client waits before it connects again.
void append_sse_retry(std::string& out, std::chrono::milliseconds delay);

// `id: C` and the event. Line ends of the data (CRLF, LF and CR) become line breaks of `data:`.
void append_sse_event(std::string& out, const EventView& event, Epoch epoch, SseForm form);

// How far the hub has looked: a named event with an empty `data:` line, since some clients forget
// an id that comes without data, and `onmessage` does not see named events.
void append_sse_cursor(std::string& out, const Cursor& cursor);

// `carillon.gap`, `carillon.bye`. `json` may hold line breaks.
void append_sse_named(std::string& out, std::string_view type, const std::optional<Cursor>& cursor,
                      std::string_view json);

}  // namespace carillon
