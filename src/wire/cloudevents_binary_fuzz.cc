#include "wire/cloudevents_binary.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "testing/pieces.h"
#include "testing/stored_event.h"

namespace carillon {
namespace {

constexpr Epoch kEpoch{36};

// `name: value` lines up to an empty one, then the body.
std::vector<HeaderField> take_fields(std::string_view& text) {
  std::vector<HeaderField> fields;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) break;
    const size_t colon = std::min(line.find(':'), line.size());
    fields.push_back({.name = to_lower(line.substr(0, colon)),
                      .value = std::string(trim(line.substr(std::min(colon + 1, line.size()))))});
  }
  return fields;
}

// What is written as fields is read back as the same event.
void check_round_trip(Event event) {
  // The hub fills these in before it stores anything.
  if (event.id.empty()) event.id = "1";
  if (event.source.empty()) event.source = "/s";
  if (event.type.empty()) event.type = kDefaultType;
  const StoredEvent stored(event, "news", Position{1}, WallTime());
  std::vector<HeaderField> fields;
  append_binary_headers(fields, stored.view(), kEpoch);
  const auto again = event_from_binary(fields, event.data);
  CHECK(again.has_value());
  CHECK(again->event.id == event.id && again->event.source == event.source);
  CHECK(again->event.type == event.type && again->event.subject == event.subject);
  CHECK(again->event.key == event.key && again->topic == "news");
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  auto text = fuzzed_text(data, size);
  const auto fields = take_fields(text);
  if (auto given = event_from_binary(fields, std::string(text))) {
    CHECK(check_attributes(given->event).has_value());
    check_round_trip(std::move(given->event));
  }
  for (const auto& field : fields) {
    const auto decoded = decode_ce_value(field.value);
    if (decoded) CHECK(decode_ce_value(encode_ce_value(*decoded)).value() == *decoded);
  }
  return 0;
}
