#include "event/event.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"

namespace carillon {

namespace {

constexpr size_t kExtensionNameBytesMax = 20;
// Names with a meaning of their own: never extensions.
constexpr std::array<std::string_view, 13> kReserved = {
    "id",   "source",      "specversion", "type",  "subject", "time", "datacontenttype",
    "data", "data_base64", "dataschema",  "topic", "cursor",  "key"};

// `type/subtype` in lower case, without parameters.
std::string essence(std::string_view content_type) {
  return to_lower(trim(content_type.substr(0, content_type.find(';'))));
}

Result<> check_attribute(std::string_view name, std::string_view value) {
  if (value.size() > kAttributeBytesMax) {
    return fail(Errc::bad_input,
                "the attribute '{}' has {} bytes; at most {} are allowed, put more into the data",
                name, value.size(), kAttributeBytesMax);
  }
  if (!is_utf8(value)) return fail(Errc::bad_input, "the attribute '{}' is not valid UTF-8", name);
  // A line break in an id or type would forge fields in every text protocol (RELIABILITY 1b, SSE).
  const auto control = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(value, control)) {
    return fail(Errc::bad_input, "the attribute '{}' holds a control character; remove it", name);
  }
  return {};
}

}  // namespace

std::string default_source(std::string_view topic) { return "/t/" + std::string(topic); }

bool is_extension_name(std::string_view name) {
  if (name.empty() || name.size() > kExtensionNameBytesMax) return false;
  if (std::ranges::find(kReserved, name) != kReserved.end()) return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

Result<> check_attributes(const Event& event) {
  TRY(check_attribute("id", event.id));
  TRY(check_attribute("source", event.source));
  TRY(check_attribute("type", event.type));
  TRY(check_attribute("subject", event.subject));
  TRY(check_attribute("datacontenttype", event.data_content_type));
  TRY(check_attribute("dataschema", event.data_schema));
  TRY(check_attribute("key", event.key));
  if (event.extensions.size() > kExtensionsMax) {
    return fail(Errc::bad_input, "the event has {} extension attributes; at most {} are allowed",
                event.extensions.size(), kExtensionsMax);
  }
  for (const auto& [name, value, kind] : event.extensions) {
    if (!is_extension_name(name)) {
      return fail(Errc::bad_input,
                  "'{}' is not allowed as an extension attribute: 1 to 20 lower-case letters and "
                  "digits, and not a "
                  "name of the CloudEvents core",
                  name);
    }
    TRY(check_attribute(name, value));
  }
  return {};
}

bool is_json_content_type(std::string_view content_type) {
  const auto type = essence(content_type);
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

bool is_text_content_type(std::string_view content_type) {
  if (is_json_content_type(content_type)) return true;
  const auto type = essence(content_type);
  return type.starts_with("text/") || type == "application/xml" || type.ends_with("+xml") ||
         type == "application/x-www-form-urlencoded";
}

}  // namespace carillon
