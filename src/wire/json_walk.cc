#include "wire/json_walk.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/check.h"

namespace carillon {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view without_blanks(std::string_view text) {
  const size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

// How many bytes the string at the front has, quotes included.
size_t string_bytes(std::string_view text) {
  for (size_t at = 1;; ++at) {
    at = text.find('"', at);
    CHECK(at != std::string_view::npos);
    // Escaped when an odd number of backslashes stands before it.
    const size_t other = text.find_last_not_of('\\', at - 1);
    if ((at - other) % 2 == 1) return at + 1;
  }
}

// How many bytes the container at the front has. Brackets match, since check_json has seen to it.
size_t container_bytes(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"': at += string_bytes(text.substr(at)); continue;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']': --depth; break;
      default: break;
    }
    ++at;
    if (depth == 0) return at;
  }
  CHECK(false);
  return 0;
}

size_t value_bytes(std::string_view text) {
  switch (text.front()) {
    case '"': return string_bytes(text);
    case '{':
    case '[': return container_bytes(text);
    default: return std::min(text.find_first_of(",]} \t\r\n"), text.size());
  }
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
}

// The value at the front and what separates it from the next one.
std::string_view take_value(std::string_view& rest) {
  skip_blanks(rest);
  const auto value = rest.substr(0, value_bytes(rest));
  rest.remove_prefix(value.size());
  skip_blanks(rest);
  if (!rest.empty()) rest.remove_prefix(1);
  skip_blanks(rest);
  return value;
}

void append_utf8(std::string& out, uint32_t character) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  const auto put_continuation = [&](int shift) { put(0x80 | ((character >> shift) & 0x3f)); };
  if (character < 0x80) return put(character);
  if (character < 0x800) {
    put(0xc0 | character >> 6);
  } else if (character < 0x10000) {
    put(0xe0 | character >> 12);
    put_continuation(6);
  } else {
    put(0xf0 | character >> 18);
    put_continuation(12);
    put_continuation(6);
  }
  put_continuation(0);
}

uint32_t take_code_unit(std::string_view& text) {
  uint32_t unit = 0;
  const auto digits = text.substr(2, 4);
  std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  text.remove_prefix(6);
  return unit;
}

// Takes the escape at the front of `text`.
void append_unescaped(std::string& out, std::string_view& text) {
  if (text[1] == 'u') {
    uint32_t character = take_code_unit(text);
    if (character >= 0xd800 && character <= 0xdfff) {
      const uint32_t low = take_code_unit(text);
      character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    return append_utf8(out, character);
  }
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const size_t letter = kLetters.find(text[1]);
  out += letter == std::string_view::npos ? text[1] : kMeanings[letter];
  text.remove_prefix(2);
}

// What lies between the brackets.
std::string_view inside(std::string_view container) {
  container = without_blanks(container);
  CHECK(container.size() >= 2);
  return without_blanks(container.substr(1, container.size() - 2));
}

}  // namespace

JsonKind json_kind(std::string_view value) {
  value = without_blanks(value);
  CHECK(!value.empty());
  switch (value.front()) {
    case '{': return JsonKind::object;
    case '[': return JsonKind::array;
    case '"': return JsonKind::string;
    case 'n': return JsonKind::null;
    case 't':
    case 'f': return JsonKind::boolean;
    default: return JsonKind::number;
  }
}

std::string json_text(std::string_view string) {
  auto text = without_blanks(string);
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) append_unescaped(out, text);
  }
  return out;
}

JsonMembers::JsonMembers(std::string_view object) : rest_(inside(object)) {}

std::optional<JsonMembers::Member> JsonMembers::next() {
  if (rest_.empty()) return std::nullopt;
  Member member;
  member.name = json_text(take_value(rest_));  // its separator is the colon
  member.value = take_value(rest_);
  return member;
}

JsonItems::JsonItems(std::string_view array) : rest_(inside(array)) {}

std::optional<std::string_view> JsonItems::next() {
  if (rest_.empty()) return std::nullopt;
  return take_value(rest_);
}

}  // namespace carillon
