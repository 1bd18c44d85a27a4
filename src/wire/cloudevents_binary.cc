#include "wire/cloudevents_binary.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "wire/event_json.h"
#include "wire/json_check.h"
#include "wire/target.h"

namespace carillon {

namespace {

constexpr std::string_view kPrefix = "ce-";
// A field's name appears in errors no longer than this.
constexpr size_t kShownBytesMax = 80;
// What `curl -d` sends without being asked. With parameters it was meant.
constexpr std::string_view kCurlDefault = "application/x-www-form-urlencoded";

std::string_view shown(std::string_view name) { return name.substr(0, kShownBytesMax); }

// Undoes `"…"` with backslash escapes (RFC 9110 section 5.6.4).
Result<std::string> unquote(std::string_view value) {
  std::string out;
  for (size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '"') {
      if (i + 1 == value.size()) return out;
      break;
    }
    if (value[i] == '\\' && ++i == value.size()) break;
    out += value[i];
  }
  return fail(Errc::bad_input,
              "it begins with a quote that does not end it; close it, or write %22");
}

bool given_before(const std::vector<HeaderField>& fields, const HeaderField& field) {
  const auto* const first = fields.data();
  return std::any_of(first, &field,
                     [&](const HeaderField& other) { return other.name == field.name; });
}

// The attribute that one `ce-*` field carries.
Result<> take_field(GivenEvent& given, std::string& spec_version, const HeaderField& field) {
  const auto name = std::string_view(field.name).substr(kPrefix.size());
  if (name == "datacontenttype") {
    return fail(Errc::bad_input,
                "ce-datacontenttype has no place in binary mode; Content-Type says it");
  }
  auto value = decode_ce_value(field.value);
  if (!value) {
    return fail(Errc::bad_input, "the field '{}': {}", shown(field.name), value.error().detail);
  }
  if (name == "specversion") {
    if (value->empty()) return fail(Errc::bad_input, "ce-specversion is empty; it must be 1.0");
    spec_version = std::move(*value);
    return {};
  }
  return set_attribute(given, name, std::move(*value));
}

// The content type of a body that came with none, or with curl's.
std::string_view guessed_content_type(std::string_view body) {
  return is_utf8(body) ? "text/plain" : "application/octet-stream";
}

Result<> set_body(Event& event, std::string body) {
  event.data = std::move(body);
  if (!is_json_content_type(event.data_content_type)) {
    set_data_form(event);
    return {};
  }
  TRY(check_json(event.data));
  event.form = DataForm::json;
  return {};
}

void put(std::vector<HeaderField>& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.push_back({.name = std::string(kPrefix).append(name), .value = encode_ce_value(value)});
}

}  // namespace

std::string encode_ce_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = c > 0x20 && c < 0x7f && c != '"' && c != '%';
    if (plain) {
      out += c;
    } else {
      append_percent_encoded(out, {&c, 1});
    }
  }
  return out;
}

Result<std::string> decode_ce_value(std::string_view value) {
  std::string unquoted;
  if (value.starts_with('"')) {
    TRY(unquoted, unquote(value));
    value = unquoted;
  }
  TRY(auto decoded, percent_decode(value, Plus::literal));
  if (!is_utf8(decoded)) {
    return fail(Errc::bad_input, "it is not UTF-8 once it is decoded; encode text as UTF-8");
  }
  return decoded;
}

Result<GivenEvent> event_from_binary(const std::vector<HeaderField>& fields, std::string body) {
  GivenEvent given;
  std::string spec_version;
  for (const auto& field : fields) {
    const bool content_type = field.name == "content-type";
    if (!content_type && !field.name.starts_with(kPrefix)) continue;
    if (given_before(fields, field)) {
      return fail(Errc::bad_input, "the field '{}' is given twice; give it once",
                  shown(field.name));
    }
    if (content_type) {
      given.event.data_content_type = field.value;
    } else {
      TRY(take_field(given, spec_version, field));
    }
  }
  const bool cloudevent = !spec_version.empty();
  if (cloudevent) TRY(check_required(given, spec_version));
  std::string& content_type = given.event.data_content_type;
  // A CloudEvent without data has no content type either.
  const bool absent = content_type.empty() && !(cloudevent && body.empty());
  if (absent || equals_ignoring_case(content_type, kCurlDefault)) {
    content_type = guessed_content_type(body);
  }
  TRY(set_body(given.event, std::move(body)));
  TRY(check_attributes(given.event));
  return given;
}

void append_binary_headers(std::vector<HeaderField>& out, const EventView& event, Epoch epoch) {
  const auto attributes = event.attributes();
  put(out, "specversion", "1.0");
  put(out, "id", attributes.id);
  put(out, "source", attributes.source.empty() ? default_source(event.topic()) : attributes.source);
  put(out, "type", attributes.type);
  put(out, "subject", attributes.subject);
  std::string time(attributes.time);
  if (time.empty()) append_rfc3339(time, event.stored_at());
  put(out, "time", time);
  put(out, "dataschema", attributes.data_schema);
  put(out, "topic", event.topic());
  put(out, "cursor", Cursor{epoch, event.position()}.text());
  put(out, "key", attributes.key);
  event.for_each_extension(
      [&](std::string_view name, std::string_view value, ExtensionKind) { put(out, name, value); });
  if (!attributes.data_content_type.empty()) {
    out.push_back({.name = "content-type", .value = std::string(attributes.data_content_type)});
  }
}

}  // namespace carillon
