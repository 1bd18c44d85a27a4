// CloudEvents 1.0 as publishers give them: the JSON format, structured and batched.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/event.h"

namespace carillon {

inline constexpr std::string_view kStructuredContentType = "application/cloudevents+json";
inline constexpr std::string_view kBatchContentType = "application/cloudevents-batch+json";

// By prefix and without regard to case, the batch first (HTTP binding section 3). A format other
// than JSON is also "structured" to the standard but not to us: see is_unknown_cloudevents_format.
bool is_cloudevents_structured(std::string_view content_type);
bool is_cloudevents_batch(std::string_view content_type);
// `application/cloudevents…` in a format that we do not read: 415.
bool is_unknown_cloudevents_format(std::string_view content_type);

// An event as it came, before the hub fills in what was not given.
struct GivenEvent {
  Event event;
  bool id_given = false;
  bool source_given = false;
  std::optional<std::string> topic;  // the extension attribute, which must agree with the URL
};

// Sets `form` from the content type and the bytes: JSON of a JSON type, else UTF-8 of a text type,
// else binary. JSON that is broken is binary: as text it would be read as a JSON string.
void set_data_form(Event& event);

// One structured event. Every attribute is checked (check_attributes included). `data` is kept as
// its exact bytes. A `cursor` is dropped: it is ours to give.
Result<GivenEvent> parse_structured_event(std::string_view json);

// What is given of an event where no envelope is asked for: `names` are the members that count, all
// attributes or data. `json` is an object that check_json has accepted.
Result<GivenEvent> parse_event_members(std::string_view json,
                                       std::span<const std::string_view> names);

// An array of them; the error names the bad item by its index, from 0. An empty one is legal.
Result<std::vector<GivenEvent>> parse_event_batch(std::string_view json);

// What parsers of other forms share: one attribute by its CloudEvents name into its place. Not
// `data`, `datacontenttype` or `specversion`, which each form carries in its own way.
Result<> set_attribute(GivenEvent& given, std::string_view name, std::string value);
// id, source, type and a specversion of 1.0 were given (core specification, "Required Attributes").
Result<> check_required(const GivenEvent& given, std::string_view spec_version);

}  // namespace carillon
