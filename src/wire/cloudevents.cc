#include "wire/cloudevents.h"

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <utility>

#include "base/limits.h"
#include "base/logger.h"
#include "base/text.h"
#include "wire/json_check.h"
#include "wire/json_walk.h"

namespace carillon {

namespace {

constexpr std::string_view kAnyCloudEvents = "application/cloudevents";
// More members than extensions and the core's own names are an attack on the search for repeats.
constexpr size_t kMembersMax = kExtensionsMax + 16;
// Names and types that a publisher chose appear in errors no longer than this.
constexpr size_t kShownBytesMax = 80;
// Attributes whose type is not for the publisher to choose.
constexpr std::array<std::string_view, 8> kStrings = {
    "id", "source", "specversion", "type", "subject", "time", "datacontenttype", "dataschema"};

// `type/subtype` without parameters.
std::string_view essence(std::string_view content_type) {
  return trim(content_type.substr(0, content_type.find(';')));
}

Result<> check_uri(std::string_view name, std::string_view value) {
  const bool valid = name == "source" ? boost::urls::parse_uri_reference(value).has_value()
                                      : boost::urls::parse_uri(value).has_value();
  if (valid) return {};
  return fail(Errc::bad_input, "the attribute '{}' is not a {}; percent-encode what no URI holds",
              name, name == "source" ? "URI-reference" : "URI with a scheme");
}

// A core attribute of type String that must not be empty.
Result<> set_text(std::string& place, std::string_view name, std::string value) {
  if (value.empty()) {
    return fail(Errc::bad_input, "the attribute '{}' is empty; leave it out or give it a value",
                name);
  }
  place = std::move(value);
  return {};
}

Result<> set_time(Event& event, std::string value) {
  event.time = parse_rfc3339(value);
  if (!event.time) {
    return fail(Errc::bad_input,
                "the attribute 'time' is no RFC 3339 time; write it as 2026-01-31T09:30:00Z");
  }
  event.time_text = std::move(value);
  return {};
}

bool is_integer(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

// An attribute's value as text: of the JSON types only those that CloudEvents has a type for.
// (An extension keeps which one it was; in binary mode all of them are text.)
Result<std::string> attribute_text(std::string_view name, std::string_view value) {
  if (std::ranges::find(kStrings, name) != kStrings.end() && json_kind(value) != JsonKind::string) {
    return fail(Errc::bad_input, "the attribute '{}' must be a string", name);
  }
  switch (json_kind(value)) {
    case JsonKind::string: return json_text(value);
    case JsonKind::boolean: return std::string(value);
    case JsonKind::number:
      if (is_integer(value)) return std::string(value);
      break;
    case JsonKind::null:
    case JsonKind::array:
    case JsonKind::object: break;
  }
  return fail(Errc::bad_input, "the attribute '{}' must be a string, an integer or a boolean",
              printable(name, kShownBytesMax));
}

ExtensionKind extension_kind(std::string_view value) {
  switch (json_kind(value)) {
    case JsonKind::number: return ExtensionKind::integer;
    case JsonKind::boolean: return ExtensionKind::boolean;
    case JsonKind::string:
    case JsonKind::null:
    case JsonKind::array:
    case JsonKind::object: break;
  }
  return ExtensionKind::text;
}

// The parts of a JSON event that are not attributes like any other.
struct Parts {
  std::string spec_version;
  std::optional<std::string> content_type;
  std::optional<std::string_view> data;         // as JSON
  std::optional<std::string_view> data_base64;  // as JSON
};

Result<> take_member(GivenEvent& given, Parts& parts, const JsonMembers::Member& member) {
  if (member.name == "data") {
    parts.data = member.value;
    return {};
  }
  // An unset attribute may be written as null (JSON format section 2.2).
  if (json_kind(member.value) == JsonKind::null) return {};
  if (member.name == "data_base64") {
    parts.data_base64 = member.value;
    return {};
  }
  TRY(auto text, attribute_text(member.name, member.value));
  if (member.name == "specversion") {
    parts.spec_version = std::move(text);
  } else if (member.name == "datacontenttype") {
    parts.content_type = std::move(text);
  } else {
    TRY(set_attribute(given, member.name, std::move(text)));
    // In JSON a number stays a number.
    const bool extension = is_extension_name(member.name);
    if (extension) given.event.extensions.back().kind = extension_kind(member.value);
  }
  return {};
}

Result<> set_base64_data(Event& event, std::string_view value) {
  auto bytes = json_kind(value) == JsonKind::string ? from_base64(json_text(value)) : std::nullopt;
  if (!bytes) {
    return fail(Errc::bad_input, "'data_base64' is not a string of padded base64");
  }
  event.data = std::move(*bytes);
  set_data_form(event);
  return {};
}

// `value` is JSON: the data itself for a JSON type, else a string that holds it (JSON format
// section 3.1).
Result<> set_json_data(Event& event, std::string_view value) {
  if (event.data_content_type.empty()) event.data_content_type = "application/json";
  if (is_json_content_type(event.data_content_type)) {
    event.data = value;
    event.form = DataForm::json;
    return {};
  }
  if (json_kind(value) == JsonKind::null) return {};
  if (json_kind(value) != JsonKind::string) {
    return fail(Errc::bad_input,
                "'data' is not a string though its 'datacontenttype' is {}; give a string, "
                "'data_base64' or a JSON content type",
                printable(event.data_content_type, kShownBytesMax));
  }
  event.data = json_text(value);
  set_data_form(event);
  return {};
}

Result<> set_data(Event& event, Parts& parts) {
  if (parts.content_type) {
    TRY(set_text(event.data_content_type, "datacontenttype", std::move(*parts.content_type)));
  }
  if (parts.data_base64) {
    if (parts.data && json_kind(*parts.data) != JsonKind::null) {
      return fail(Errc::bad_input, "the event has both 'data' and 'data_base64'; give one");
    }
    return set_base64_data(event, *parts.data_base64);
  }
  if (parts.data) return set_json_data(event, *parts.data);
  return {};
}

// `json` is one value that check_json has accepted.
Result<GivenEvent> parse_event(std::string_view json) {
  if (json_kind(json) != JsonKind::object) {
    return fail(Errc::bad_input,
                "a CloudEvent is a JSON object with id, source, specversion, type");
  }
  GivenEvent given;
  Parts parts;
  std::vector<std::string> names;
  JsonMembers members(json);
  while (auto member = members.next()) {
    if (std::ranges::find(names, member->name) != names.end()) {
      return fail(Errc::bad_input, "the event has '{}' twice; give it once",
                  printable(member->name, kShownBytesMax));
    }
    if (names.size() == kMembersMax) {
      return fail(Errc::bad_input, "the event has more than {} attributes", kMembersMax);
    }
    TRY(take_member(given, parts, *member));
    names.push_back(std::move(member->name));
  }
  TRY(check_required(given, parts.spec_version));
  TRY(set_data(given.event, parts));
  TRY(check_attributes(given.event));
  return given;
}

}  // namespace

bool is_cloudevents_structured(std::string_view content_type) {
  return equals_ignoring_case(essence(content_type), kStructuredContentType);
}

bool is_cloudevents_batch(std::string_view content_type) {
  return equals_ignoring_case(essence(content_type), kBatchContentType);
}

bool is_unknown_cloudevents_format(std::string_view content_type) {
  const auto front = content_type.substr(0, kAnyCloudEvents.size());
  return equals_ignoring_case(front, kAnyCloudEvents) && !is_cloudevents_structured(content_type) &&
         !is_cloudevents_batch(content_type);
}

void set_data_form(Event& event) {
  event.form = DataForm::binary;
  if (is_json_content_type(event.data_content_type)) {
    if (check_json(event.data)) event.form = DataForm::json;
  } else if (is_text_content_type(event.data_content_type) && is_utf8(event.data)) {
    event.form = DataForm::text;
  }
}

Result<> set_attribute(GivenEvent& given, std::string_view name, std::string value) {
  Event& event = given.event;
  if (name == "id") {
    given.id_given = true;
    return set_text(event.id, name, std::move(value));
  }
  if (name == "source") {
    TRY(check_uri(name, value));
    given.source_given = true;
    return set_text(event.source, name, std::move(value));
  }
  if (name == "type") return set_text(event.type, name, std::move(value));
  if (name == "subject") return set_text(event.subject, name, std::move(value));
  if (name == "time") return set_time(event, std::move(value));
  if (name == "dataschema") {
    TRY(check_uri(name, value));
    return set_text(event.data_schema, name, std::move(value));
  }
  if (name == "cursor") return {};
  if (name == "key") {
    event.key = std::move(value);
  } else if (name == "topic") {
    given.topic = std::move(value);
  } else if (is_extension_name(name)) {
    event.extensions.push_back({std::string(name), std::move(value)});
  } else {
    return fail(Errc::bad_input,
                "'{}' is no attribute name: 1 to 20 lower-case letters and digits, and none of the "
                "core's other names",
                printable(name, kShownBytesMax));
  }
  return {};
}

Result<> check_required(const GivenEvent& given, std::string_view spec_version) {
  if (spec_version.empty() || !given.id_given || !given.source_given || given.event.type.empty()) {
    return fail(Errc::bad_input,
                "the event lacks '{}'; CloudEvents demands id, source, specversion and type",
                spec_version.empty()  ? "specversion"
                : !given.id_given     ? "id"
                : !given.source_given ? "source"
                                      : "type");
  }
  if (spec_version != "1.0") {
    return fail(Errc::bad_input, "'specversion' is not 1.0, the only one that is understood here");
  }
  return {};
}

Result<GivenEvent> parse_structured_event(std::string_view json) {
  TRY(check_json(json));
  return parse_event(json);
}

Result<GivenEvent> parse_event_members(std::string_view json,
                                       std::span<const std::string_view> names) {
  GivenEvent given;
  Parts parts;
  JsonMembers members(json);
  while (auto member = members.next()) {
    if (std::ranges::find(names, member->name) != names.end())
      TRY(take_member(given, parts, *member));
  }
  TRY(set_data(given.event, parts));
  TRY(check_attributes(given.event));
  return given;
}

Result<std::vector<GivenEvent>> parse_event_batch(std::string_view json) {
  TRY(check_json(json));
  if (json_kind(json) != JsonKind::array) {
    return fail(Errc::bad_input, "a batch is a JSON array of CloudEvents");
  }
  std::vector<GivenEvent> events;
  JsonItems items(json);
  while (const auto item = items.next()) {
    if (events.size() == kBatchEventsMax) {
      return fail(Errc::too_large, "the batch has more than {} events; send several batches",
                  kBatchEventsMax);
    }
    auto event = parse_event(*item);
    if (!event)
      return fail(event.error().code, "event {}: {}", events.size(), event.error().detail);
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace carillon
