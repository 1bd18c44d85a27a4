// An event as a publisher gives it: a CloudEvents 1.0 event (core specification, "Context
// Attributes").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace carillon {

inline constexpr std::string_view kDefaultType = "carillon.event";

// What the bytes of `data` are, as every protocol shows them.
enum class DataForm {
  binary,  // data_base64, binary frame, `event: carillon.event`
  text,    // valid UTF-8 of a text type
  json,    // valid JSON of a JSON type
};

// The CloudEvents type of an extension's value, as JSON shows it (core specification, "Type
// System").
enum class ExtensionKind : uint8_t { text, integer, boolean };

struct Extension {
  std::string name;
  std::string value;
  ExtensionKind kind = ExtensionKind::text;
  friend bool operator==(const Extension&, const Extension&) = default;
};

// A value. Attributes that are absent are empty; `type` and `source` are filled in from the topic
// when empty.
struct Event {
  std::string id;
  std::string source;
  std::string type;
  std::string subject;
  std::string data_content_type;
  std::string data_schema;
  std::optional<WallTime> time;  // absent: the time of storing
  std::string time_text;         // as the publisher wrote it, when it wrote one
  std::string key;               // extension attribute `key`: ordering and conflation
  std::vector<Extension> extensions;
  std::string data;
  DataForm form = DataForm::binary;
};

// The source of a raw publish: `/t/{topic}`.
std::string default_source(std::string_view topic);

// [a-z0-9]+, at most 20 characters, and none of the names the core or the hub gives a meaning
// (CloudEvents core, "Naming Conventions").
bool is_extension_name(std::string_view name);

// Checks lengths, names and the absence of control characters in every attribute.
Result<> check_attributes(const Event& event);

// A JSON media type: application/json, text/json or +json, parameters and case ignored.
bool is_json_content_type(std::string_view content_type);
// JSON, text/*, XML, +xml or a form: what is shown as text when its bytes are UTF-8.
bool is_text_content_type(std::string_view content_type);

}  // namespace carillon
