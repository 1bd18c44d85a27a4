#include "wire/json_check.h"

#include <simdjson.h>

#include "base/check.h"
#include "testing/pieces.h"
#include "wire/json_walk.h"

namespace carillon {
namespace {

// simdjson bounds numbers, counts depth in its own way and has not always checked surrogate pairs.
bool simdjson_may_differ(simdjson::error_code error, std::string_view text) {
  return error == simdjson::NUMBER_ERROR || error == simdjson::DEPTH_ERROR ||
         text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos;
}

// Everything that the walk hands out is JSON, and lies within what it walks over.
void check_walk(std::string_view value) {
  const auto inside = [&](std::string_view part) {
    CHECK(part.data() >= value.data() && part.data() + part.size() <= value.data() + value.size());
    CHECK(check_json(part).has_value());
    check_walk(part);
  };
  switch (json_kind(value)) {
    case JsonKind::object: {
      JsonMembers members(value);
      while (const auto member = members.next()) inside(member->value);
      return;
    }
    case JsonKind::array: {
      JsonItems items(value);
      while (const auto item = items.next()) inside(*item);
      return;
    }
    case JsonKind::string: json_text(value); return;
    case JsonKind::null:
    case JsonKind::boolean:
    case JsonKind::number: return;
  }
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  constexpr size_t kWalkedBytesMax = 4096;  // the walk checks every part anew
  const auto text = fuzzed_text(data, size);
  const auto checked = check_json(text);
  const bool accepted = checked.has_value();
  simdjson::dom::parser parser;
  const auto error = parser.parse(simdjson::padded_string(text)).error();
  if (!simdjson_may_differ(error, text)) {
    // Only the depth is ours to refuse.
    const bool deep = !accepted && checked.error().detail.ends_with("nested too deeply");
    CHECK(deep || accepted == (error == simdjson::SUCCESS));
  }
  if (accepted && text.size() <= kWalkedBytesMax) check_walk(text);
  return 0;
}
