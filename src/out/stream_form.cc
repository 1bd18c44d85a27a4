#include "out/stream_form.h"

#include <fmt/format.h>

#include "base/text.h"
#include "wire/event_json.h"
#include "wire/sse.h"

namespace carillon {

namespace {

bool is_sse(StreamForm form) {
  switch (form.kind) {
    case StreamKind::sse:
    case StreamKind::sse_cloudevents:
    case StreamKind::sse_base64: return true;
    case StreamKind::json_lines:
    case StreamKind::json_lines_base64:
    case StreamKind::raw_lines: return false;
  }
  return false;
}

// A line of the hub's own in NDJSON: an event of its type, with the cursor where it has one.
void append_own_line(std::string& out, std::string_view type, std::optional<Cursor> cursor,
                     std::string_view data) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"specversion":"1.0","id":"{}","source":"/hub","type":"{}")",
                 cursor ? cursor->text() : std::string(type), type);
  if (cursor) fmt::format_to(std::back_inserter(out), R"(,"cursor":"{}")", cursor->text());
  if (!data.empty()) {
    out += R"(,"datacontenttype":"application/json","data":)";
    append_json_on_one_line(out, data);
  }
  out += "}\n";
}

// Wraps what `write` appends as one frame.
template <typename Write>
void append_frame(std::string& out, StreamForm form, Write write) {
  const size_t from = open_stream_frame(out, form.framing);
  write();
  close_stream_frame(out, from, form.framing);
}

}  // namespace

void append_event_frame(std::string& out, StreamForm form, const EventView& event, Epoch epoch) {
  append_frame(out, form, [&] {
    switch (form.kind) {
      case StreamKind::sse: append_sse_event(out, event, epoch, SseForm::data); return;
      case StreamKind::sse_cloudevents:
        append_sse_event(out, event, epoch, SseForm::cloudevents);
        return;
      case StreamKind::sse_base64: append_sse_event(out, event, epoch, SseForm::base64); return;
      case StreamKind::json_lines: append_event_json(out, event, epoch, DataAs::natural); break;
      case StreamKind::json_lines_base64:
        append_event_json(out, event, epoch, DataAs::base64);
        break;
      case StreamKind::raw_lines: out += event.data(); break;
    }
    out += '\n';
  });
}

void append_cursor_frame(std::string& out, StreamForm form, Cursor cursor) {
  if (form.kind == StreamKind::raw_lines) return;
  append_frame(out, form, [&] {
    if (is_sse(form)) return append_sse_cursor(out, cursor);
    append_own_line(out, "carillon.cursor", cursor, "");
  });
}

void append_gap_frame(std::string& out, StreamForm form, Cursor resumed, std::string_view json) {
  if (form.kind == StreamKind::raw_lines) return;
  append_frame(out, form, [&] {
    if (is_sse(form)) return append_sse_named(out, "carillon.gap", resumed, json);
    append_own_line(out, "carillon.gap", resumed, json);
  });
}

void append_bye_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry) {
  if (form.kind == StreamKind::raw_lines) return;
  const auto json = fmt::format(R"({{"retry_ms":{}}})", retry.count());
  append_frame(out, form, [&] {
    if (!is_sse(form)) return append_own_line(out, "carillon.bye", {}, json);
    // In one block, so that a client that takes the event has the hint.
    fmt::format_to(std::back_inserter(out), "retry: {}\n", retry.count());
    append_sse_named(out, "carillon.bye", {}, json);
  });
}

void append_retry_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry) {
  if (!is_sse(form)) return;
  append_frame(out, form, [&] { append_sse_retry(out, retry); });
}

std::string_view content_type_of(StreamForm form) {
  switch (form.kind) {
    case StreamKind::sse:
    case StreamKind::sse_cloudevents:
    case StreamKind::sse_base64: return "text/event-stream";
    case StreamKind::json_lines:
    case StreamKind::json_lines_base64: return "application/x-ndjson";
    case StreamKind::raw_lines: return "text/plain; charset=utf-8";
  }
  return "text/event-stream";
}

std::string_view protocol_name_of(StreamForm form) { return is_sse(form) ? "sse" : "tail"; }

}  // namespace carillon
