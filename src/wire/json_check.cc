#include "wire/json_check.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/limits.h"
#include "base/text.h"

namespace carillon {

namespace {

// One bit a level in JsonScan::objects_.
static_assert(kJsonDepthMax <= 64);

// How many bytes at the front are a quote, a backslash nor a control character:
// what a string is mostly made of. Looks at 16 bytes at once, which is where the time of a check
// goes.
size_t plain_prefix(const char* at, const char* end) {
  const char* const from = at;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  while (end - at >= 16) {
    __m128i block;
    std::memcpy(&block, at, sizeof block);
    const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(block, last_control), last_control);
    const __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash));
    const auto found = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(control, marks)));
    if (found != 0)
      return static_cast<size_t>(at - from) + static_cast<size_t>(std::countr_zero(found));
    at += 16;
  }
  while (at < end && *at != '"' && *at != '\\' && static_cast<uint8_t>(*at) >= 0x20) ++at;
  return static_cast<size_t>(at - from);
}

// Reads one value from front to back. Where it stops, at() and wrong() say where and why.
class JsonScan {
 public:
  explicit JsonScan(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  bool run();
  size_t at() const { return static_cast<size_t>(at_ - begin_); }
  const char* wrong() const { return wrong_; }

 private:
  // The byte at the front; 0, which no JSON holds outside strings, at the end.
  char front() const { return at_ < end_ ? *at_ : '\0'; }
  bool stop(const char* wrong) {
    wrong_ = wrong;
    return false;
  }
  void skip_blank() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool skip_digits();

  // A value up to where another one may begin; false in `whole` when it opened a container that is
  // not empty.
  bool take_value(bool& whole);
  bool open(bool object, bool& whole);
  // What follows a value: the next one, or the ends of containers.
  bool take_rest_of_containers();
  bool take_member_name();
  bool take_string();
  bool take_escape();
  bool take_code_unit(uint32_t& unit);
  bool take_number();
  bool take_word(std::string_view word);

  bool in_object() const { return (objects_ & 1) != 0; }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* wrong_ = "";
  size_t depth_ = 0;
  uint64_t objects_ = 0;  // the open containers, innermost in bit 0: 1 for an object
};

bool JsonScan::run() {
  skip_blank();
  for (;;) {
    bool whole = false;
    if (!take_value(whole)) return false;
    if (!whole) continue;
    if (!take_rest_of_containers()) return false;
    if (depth_ == 0) return at_ == end_ || stop("nothing may follow the value");
  }
}

bool JsonScan::take_value(bool& whole) {
  whole = true;
  switch (front()) {
    case '{': return open(/*object=*/true, whole);
    case '[': return open(/*object=*/false, whole);
    case '"': return take_string();
    case 't': return take_word("true");
    case 'f': return take_word("false");
    case 'n': return take_word("null");
    default: return take_number();
  }
}

bool JsonScan::open(bool object, bool& whole) {
  if (depth_ == kJsonDepthMax) return stop("it is nested too deeply");
  ++at_;
  skip_blank();
  if (front() == (object ? '}' : ']')) {
    ++at_;
    return true;
  }
  ++depth_;
  objects_ = objects_ << 1 | (object ? 1 : 0);
  whole = false;
  return !object || take_member_name();
}

bool JsonScan::take_rest_of_containers() {
  for (;;) {
    skip_blank();
    if (depth_ == 0) return true;
    if (front() == ',') {
      ++at_;
      skip_blank();
      return !in_object() || take_member_name();
    }
    if (front() != (in_object() ? '}' : ']')) {
      return stop(in_object() ? "expected , or }" : "expected , or ]");
    }
    ++at_;
    --depth_;
    objects_ >>= 1;
  }
}

bool JsonScan::take_member_name() {
  if (front() != '"') return stop("expected a member name in double quotes");
  if (!take_string()) return false;
  skip_blank();
  if (front() != ':') return stop("expected a colon");
  ++at_;
  skip_blank();
  return true;
}

bool JsonScan::take_string() {
  ++at_;
  for (;;) {
    at_ += plain_prefix(at_, end_);
    if (at_ == end_) return stop("the string does not end");
    if (*at_ == '"') break;
    if (*at_ != '\\') return stop("a control character in a string must be escaped");
    if (!take_escape()) return false;
  }
  ++at_;
  return true;
}

bool JsonScan::take_escape() {
  const char* const start = at_;
  ++at_;
  if (front() != 'u') {
    if (at_ == end_ || std::string_view("\"\\/bfnrt").find(*at_) == std::string_view::npos) {
      return stop("there is no such escape");
    }
    ++at_;
    return true;
  }
  uint32_t unit = 0;
  if (!take_code_unit(unit)) return false;
  if (unit < 0xd800 || unit > 0xdfff) return true;
  // A lone surrogate is no character: what it becomes differs from reader to reader (RFC 8259
  // section 8.2).
  uint32_t low = 0;
  const bool high = unit < 0xdc00;
  if (high && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
    ++at_;
    if (!take_code_unit(low)) return false;
  }
  if (low >= 0xdc00 && low <= 0xdfff) return true;
  at_ = start;
  return stop("half of a surrogate pair stands alone");
}

bool JsonScan::take_code_unit(uint32_t& unit) {
  ++at_;  // the u
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = front();
    const char lower = static_cast<char>(c | 0x20);
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (lower < 'a' || lower > 'f')) return stop("\\u needs four hexadecimal digits");
    unit = unit << 4 | static_cast<uint32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return true;
}

bool JsonScan::skip_digits() {
  const char* const from = at_;
  while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return at_ > from;
}

bool JsonScan::take_number() {
  if (at_ == end_) return stop("it ends where a value is expected");
  const bool minus = front() == '-';
  if (minus) ++at_;
  const char* const digits = at_;
  if (!skip_digits()) return stop(minus ? "a digit must follow the minus" : "expected a value");
  if (*digits == '0' && at_ - digits > 1) {
    at_ = digits;
    return stop("a number may not begin with a needless zero");
  }
  if (front() == '.') {
    ++at_;
    if (!skip_digits()) return stop("a digit must follow the decimal point");
  }
  if (front() == 'e' || front() == 'E') {
    ++at_;
    if (front() == '+' || front() == '-') ++at_;
    if (!skip_digits()) return stop("the exponent has no digits");
  }
  return true;
}

bool JsonScan::take_word(std::string_view word) {
  if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) {
    return stop("expected a value");
  }
  at_ += word.size();
  return true;
}

std::unexpected<Error> broken(std::string_view bytes, size_t at, std::string_view wrong) {
  const auto before = bytes.substr(0, at);
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto continuation = [](char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; };
  const auto in_line = before.substr(line_start);
  const auto column =
      in_line.size() - static_cast<size_t>(std::ranges::count_if(in_line, continuation));
  return fail(Errc::bad_input, "{}line {}, column {} (byte {}): {}", kBrokenJson,
              std::ranges::count(before, '\n') + 1, column + 1, at + 1, wrong);
}

}  // namespace

Result<> check_json(std::string_view bytes) {
  if (!is_utf8(bytes)) return broken(bytes, utf8_valid_prefix(bytes), "it is not UTF-8");
  JsonScan scan(bytes);
  if (!scan.run()) return broken(bytes, scan.at(), scan.wrong());
  return {};
}

}  // namespace carillon
