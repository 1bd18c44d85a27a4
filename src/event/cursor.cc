#include "event/cursor.h"

#include <charconv>

namespace carillon {

namespace {

// The longest cursor: 13 digits of base 36, the dash, 20 decimal digits.
constexpr size_t kCursorBytesMax = 34;

template <typename T>
bool parse_whole(std::string_view text, T& value, int base) {
  if (text.empty() || (text.size() > 1 && text.front() == '0'))
    return false;  // one spelling a cursor
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = base == 36 && c >= 'a' && c <= 'z';
    if (!digit && !letter) return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void Cursor::append_to(std::string& out) const {
  char digits[kCursorBytesMax];
  char* at = std::to_chars(digits, digits + sizeof digits, epoch.value, 36).ptr;
  *at++ = '-';
  at = std::to_chars(at, digits + sizeof digits, after.value).ptr;
  out.append(digits, static_cast<size_t>(at - digits));
}

std::string Cursor::text() const {
  std::string out;
  append_to(out);
  return out;
}

std::optional<Cursor> Cursor::parse(std::string_view text) {
  if (text.size() > kCursorBytesMax) return std::nullopt;
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  Cursor cursor;
  if (!parse_whole(text.substr(0, dash), cursor.epoch.value, 36)) return std::nullopt;
  if (!parse_whole(text.substr(dash + 1), cursor.after.value, 10)) return std::nullopt;
  return cursor;
}

}  // namespace carillon
