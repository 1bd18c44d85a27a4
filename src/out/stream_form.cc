#include "out/stream_form.h"

#include <fmt/format.h>

#include <array>
#include <memory>

#include "base/text.h"
#include "wire/event_json.h"
#include "wire/sse.h"
#include "wire/websocket.h"
#include "wire/websocket_deflate.h"

namespace carillon {

namespace {

bool is_sse(StreamForm form) {
  switch (form.kind) {
    case StreamKind::sse:
    case StreamKind::sse_cloudevents:
    case StreamKind::sse_base64: return true;
    case StreamKind::json_lines:
    case StreamKind::json_lines_base64:
    case StreamKind::raw_lines:
    case StreamKind::websocket_data:
    case StreamKind::websocket_cloudevents:
    case StreamKind::websocket_session: return false;
  }
  return false;
}

// An event of the hub's own: of its type, with the cursor where it has one.
void append_own_event(std::string& out, std::string_view type, std::optional<Cursor> cursor,
                      std::string_view data) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"specversion":"1.0","id":"{}","source":"/hub","type":"{}")",
                 cursor ? cursor->text() : std::string(type), type);
  if (cursor) fmt::format_to(std::back_inserter(out), R"(,"cursor":"{}")", cursor->text());
  if (!data.empty()) {
    out += R"(,"datacontenttype":"application/json","data":)";
    append_json_on_one_line(out, data);
  }
  out += '}';
}

// An op of a session: `{"op":"gap","sub":17` and what `members` says, which may be nothing.
void append_op(std::string& out, std::string_view op, StreamForm form, std::string_view members) {
  fmt::format_to(std::back_inserter(out), R"({{"op":"{}","sub":{}{}{}}})", op, form.sub,
                 members.empty() ? "" : ",", members);
}

// Its state of 256 KiB is empty between two messages, and a class has none of its own.
Deflater& deflater_of(uint8_t bits) {
  thread_local std::array<std::unique_ptr<Deflater>, kDeflateBitsMax + 1> deflaters;
  auto& found = deflaters[bits];
  if (found == nullptr) found = std::make_unique<Deflater>(bits);
  return *found;
}

template <typename Write>
void append_websocket(std::string& out, StreamForm form, WebSocketOpcode opcode, Write write) {
  const size_t from = open_websocket_frame(out);
  if (form.deflate_bits == 0) {
    write(out);
    return close_websocket_frame(out, from, opcode);
  }
  std::string plain;
  write(plain);
  deflater_of(form.deflate_bits).append(out, plain);
  close_websocket_frame(out, from, opcode, Compressed::yes);
}

void append_websocket_event(std::string& out, StreamForm form, const EventView& event,
                            Epoch epoch) {
  const bool data_alone = form.kind == StreamKind::websocket_data;
  const bool binary = data_alone && event.form() == DataForm::binary;
  append_websocket(
      out, form, binary ? WebSocketOpcode::binary : WebSocketOpcode::text, [&](std::string& to) {
        if (data_alone) {
          to += event.data();
        } else if (form.kind == StreamKind::websocket_cloudevents) {
          append_event_json(to, event, epoch, DataAs::natural);
        } else {
          fmt::format_to(std::back_inserter(to), R"({{"op":"event","sub":{},"event":)", form.sub);
          append_event_json(to, event, epoch, DataAs::natural);
          to += '}';
        }
      });
}

// Wraps what `write` appends as one frame.
template <typename Write>
void append_frame(std::string& out, StreamForm form, Write write) {
  const size_t from = open_stream_frame(out, form.framing);
  write();
  close_stream_frame(out, from, form.framing);
}

}  // namespace

bool is_websocket(StreamKind kind) {
  return kind == StreamKind::websocket_data || kind == StreamKind::websocket_cloudevents ||
         kind == StreamKind::websocket_session;
}

bool can_tell_gap(StreamKind kind) {
  return kind != StreamKind::raw_lines && kind != StreamKind::websocket_data;
}

void append_websocket_text(std::string& out, StreamForm form, std::string_view text) {
  append_websocket(out, form, WebSocketOpcode::text, [&](std::string& to) { to += text; });
}

void append_event_frame(std::string& out, StreamForm form, const EventView& event, Epoch epoch) {
  if (is_websocket(form.kind)) return append_websocket_event(out, form, event, epoch);
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
      case StreamKind::websocket_data:
      case StreamKind::websocket_cloudevents:
      case StreamKind::websocket_session: break;
    }
    out += '\n';
  });
}

void append_cursor_frame(std::string& out, StreamForm form, Cursor cursor) {
  if (!can_tell_gap(form.kind)) return;
  if (is_websocket(form.kind)) {
    std::string text;
    if (form.kind == StreamKind::websocket_session) {
      append_op(text, "cursor", form, fmt::format(R"("cursor":"{}")", cursor.text()));
    } else {
      append_own_event(text, "carillon.cursor", cursor, "");
    }
    return append_websocket_text(out, form, text);
  }
  append_frame(out, form, [&] {
    if (is_sse(form)) return append_sse_cursor(out, cursor);
    append_own_event(out, "carillon.cursor", cursor, "");
    out += '\n';
  });
}

void append_gap_frame(std::string& out, StreamForm form, Cursor resumed, std::string_view json) {
  if (!can_tell_gap(form.kind)) return;
  if (is_websocket(form.kind)) {
    std::string text;
    if (form.kind == StreamKind::websocket_session) {
      append_op(text, "gap", form, json.substr(1, json.size() - 2));
    } else {
      append_own_event(text, "carillon.gap", resumed, json);
    }
    return append_websocket_text(out, form, text);
  }
  append_frame(out, form, [&] {
    if (is_sse(form)) return append_sse_named(out, "carillon.gap", resumed, json);
    append_own_event(out, "carillon.gap", resumed, json);
    out += '\n';
  });
}

void append_bye_frame(std::string& out, StreamForm form, std::chrono::milliseconds retry) {
  // (A session says its own, once for all of its readers.)
  if (!can_tell_gap(form.kind) || form.kind == StreamKind::websocket_session) return;
  const auto json = fmt::format(R"({{"retry_ms":{}}})", retry.count());
  if (form.kind == StreamKind::websocket_cloudevents) {
    std::string text;
    append_own_event(text, "carillon.bye", {}, json);
    return append_websocket_text(out, form, text);
  }
  append_frame(out, form, [&] {
    if (!is_sse(form)) {
      append_own_event(out, "carillon.bye", {}, json);
      out += '\n';
      return;
    }
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
  if (is_sse(form)) return "text/event-stream";
  return form.kind == StreamKind::raw_lines ? "text/plain; charset=utf-8" : "application/x-ndjson";
}

std::string_view protocol_name_of(StreamForm form) {
  if (is_websocket(form.kind)) return "websocket";
  return is_sse(form) ? "sse" : "tail";
}

}  // namespace carillon
