#include "wire/sse.h"

#include <charconv>

#include "base/check.h"
#include "wire/event_json.h"

namespace carillon {

namespace {

constexpr std::string_view kLineEnds = "\r\n";

// One `data:` line for each line of `text`, at least one, and the blank line that ends the block.
void append_split_data(std::string& out, std::string_view text) {
  for (;;) {
    size_t end = 0;
    while (end < text.size() && text[end] != '\r' && text[end] != '\n') ++end;
    out += "data: ";
    out += text.substr(0, end);
    out += '\n';
    if (end == text.size()) break;
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with(kLineEnds) ? 2 : 1);
  }
  out += '\n';
}

// The same for text without line ends, which is what most events are.
void append_data_line(std::string& out, std::string_view text) {
  out += "data: ";
  out += text;
  out += "\n\n";
}

void append_id(std::string& out, const Cursor& cursor) {
  out += "id: ";
  cursor.append_to(out);
  out += '\n';
}

}  // namespace

void append_sse_retry(std::string& out, std::chrono::milliseconds delay) {
  CHECK(delay.count() >= 0);
  char digits[20];
  const auto written = std::to_chars(digits, digits + sizeof digits, delay.count());
  out += "retry: ";
  out.append(digits, static_cast<size_t>(written.ptr - digits));
  out += "\n\n";
}

void append_sse_event(std::string& out, const EventView& event, Epoch epoch, SseForm form) {
  append_id(out, Cursor{epoch, event.position()});
  const bool binary = event.form() == DataForm::binary;
  if (binary || form != SseForm::data) {
    if (form == SseForm::data) out += "event: carillon.event\n";
    out += "data: ";
    append_event_json(out, event, epoch,
                      form == SseForm::base64 ? DataAs::base64 : DataAs::natural);
    out += "\n\n";
  } else if (event.has_line_breaks()) {
    append_split_data(out, event.data());
  } else {
    append_data_line(out, event.data());
  }
}

void append_sse_cursor(std::string& out, const Cursor& cursor) {
  out += "event: carillon.cursor\n";
  append_id(out, cursor);
  out += "data:\n\n";
}

void append_sse_named(std::string& out, std::string_view type, const std::optional<Cursor>& cursor,
                      std::string_view json) {
  // A line end in a type forges fields (CVE-2026-44214); ours have none.
  CHECK(type.find_first_of(kLineEnds) == std::string_view::npos);
  out += "event: ";
  out += type;
  out += '\n';
  if (cursor) append_id(out, *cursor);
  append_split_data(out, json);
}

}  // namespace carillon
