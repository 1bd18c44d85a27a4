#include "wire/sse_parser.h"

#include "base/check.h"
#include "base/text.h"
#include "testing/pieces.h"
#include "testing/stored_event.h"
#include "wire/sse.h"

namespace carillon {
namespace {

// The stream means the same however it is cut.
void check_cuts(std::string_view stream) {
  SseParser whole_parser;
  std::vector<SseEvent> whole;
  CHECK(whole_parser.feed(stream, whole).has_value());
  SseParser cut_parser;
  std::vector<SseEvent> cut;
  Pieces pieces(stream);
  while (const auto piece = pieces.next()) CHECK(cut_parser.feed(*piece, cut).has_value());

  CHECK(cut == whole);
  CHECK(cut_parser.last_event_id() == whole_parser.last_event_id());
  CHECK(cut_parser.retry() == whole_parser.retry());
  for (const auto& event : whole) CHECK(is_utf8(event.data) && is_utf8(event.type));
}

// Any payload is exactly one event (RELIABILITY F4).
void check_payload(std::string_view data) {
  const Event event{.id = "1",
                    .data_content_type = "text/plain",
                    .data = std::string(data),
                    .form = is_utf8(data) ? DataForm::text : DataForm::binary};
  const StoredEvent stored(event, "news", Position{1042}, WallTime());
  std::string stream;
  append_sse_event(stream, stored.view(), Epoch{36}, SseForm::data);
  SseParser parser;
  std::vector<SseEvent> events;
  CHECK(parser.feed(stream, events).has_value());
  CHECK(events.size() == 1);
  CHECK(events[0].last_event_id == "10-1042");
  const bool plain = event.form == DataForm::text;
  CHECK(events[0].type == (plain ? "message" : "carillon.event"));
  if (plain && data.find('\r') == std::string_view::npos) CHECK(events[0].data == data);
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  check_cuts(text);
  check_payload(text);
  return 0;
}
