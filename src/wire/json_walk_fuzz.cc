#include "wire/json_walk.h"

#include "base/check.h"
#include "base/text.h"
#include "testing/pieces.h"
#include "wire/json_check.h"

namespace carillon {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// The value made again from what the walk hands out, without the blanks between its tokens.
std::string made_again(std::string_view value) {
  std::string out;
  switch (json_kind(value)) {
    case JsonKind::object: {
      JsonMembers members(value);
      while (const auto member = members.next()) {
        out += out.empty() ? "{" : ",";
        out += json_string(member->name) + ":" + made_again(member->value);
      }
      return out.empty() ? "{}" : out + "}";
    }
    case JsonKind::array: {
      JsonItems items(value);
      while (const auto item = items.next()) {
        out += out.empty() ? "[" : ",";
        out += made_again(*item);
      }
      return out.empty() ? "[]" : out + "]";
    }
    case JsonKind::string: return json_string(json_text(value));
    case JsonKind::null:
    case JsonKind::boolean:
    case JsonKind::number: break;
  }
  const size_t from = value.find_first_not_of(kBlanks);
  return std::string(value.substr(from, value.find_last_not_of(kBlanks) - from + 1));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  if (!check_json(text)) return 0;
  const auto again = made_again(text);
  CHECK(check_json(again).has_value());
  CHECK(again.find_first_of("\r\n") == std::string::npos);
  // What has no blanks and one way to be written stays as it is.
  CHECK(made_again(again) == again);
  // Blanks around the value change nothing.
  CHECK(made_again(" \t\r\n" + again + "\n ") == again);
  return 0;
}
