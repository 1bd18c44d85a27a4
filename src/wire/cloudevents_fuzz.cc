#include "wire/cloudevents.h"

#include "base/check.h"
#include "testing/pieces.h"
#include "testing/stored_event.h"
#include "wire/event_json.h"

namespace carillon {
namespace {

constexpr Epoch kEpoch{36};

std::string printed(const Event& event) {
  const StoredEvent stored(event, "news", Position{1}, WallTime());
  std::string out;
  append_event_json(out, stored.view(), kEpoch, DataAs::natural);
  return out;
}

// Print, parse and print again give the same bytes on one line.
void check_stable(const GivenEvent& given) {
  CHECK(check_attributes(given.event).has_value());
  const auto first = printed(given.event);
  CHECK(first.find_first_of("\r\n") == std::string::npos);
  const auto again = parse_structured_event(first);
  CHECK(again.has_value());
  CHECK(again->topic == "news");
  CHECK(again->event.extensions == given.event.extensions);
  CHECK(again->event.form == given.event.form);
  if (given.event.form != DataForm::json) CHECK(again->event.data == given.event.data);
  CHECK(printed(again->event) == first);
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  if (const auto given = parse_structured_event(text)) check_stable(*given);
  if (const auto batch = parse_event_batch(text)) {
    for (const auto& given : *batch) check_stable(given);
  }
  return 0;
}
