#include "wire/chunked.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/result.h"
#include "wire/http_token.h"

namespace carillon {

namespace {

// What fills 64 bits, so that no size overflows. More would be leading zeros, bytes that mean
// nothing.
constexpr size_t kSizeDigitsMax = 16;
static_assert(kSizeDigitsMax * 4 <= 64);
constexpr size_t kSizeLineBytesMax = kSizeDigitsMax + kChunkExtensionBytesMax;

std::unexpected<HttpRefusal> bad(std::string detail, std::string fix) {
  return std::unexpected(HttpRefusal{400, std::move(detail), std::move(fix)});
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool take_token(std::string_view& text) {
  const size_t end =
      static_cast<size_t>(std::ranges::find_if_not(text, is_token_char) - text.begin());
  text.remove_prefix(end);
  return end > 0;
}

// `text` begins with a quote (RFC 9110 section 5.6.4).
bool take_quoted(std::string_view& text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') ++i;
  }
  return false;
}

// *( ";" name [ "=" value ] ), RFC 9112 section 7.1.1. The blanks that its grammar allows are "bad"
// to itself.
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    if (!take_token(text)) return false;
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (!(text.starts_with('"') ? take_quoted(text) : take_token(text))) return false;
  }
  return true;
}

}  // namespace

ChunkedDecoder::Line ChunkedDecoder::take_line(std::string_view& in, size_t bytes_max) {
  const size_t line_feed = in.find('\n');
  const size_t taken = line_feed == std::string_view::npos ? in.size() : line_feed + 1;
  if (line_.size() + taken > bytes_max + 2) {
    return bad("a line of the chunked body is too long", "send short chunk heads and no trailers");
  }
  line_ += in.substr(0, taken);
  in.remove_prefix(taken);
  if (line_feed == std::string_view::npos) return false;
  line_.pop_back();
  // The one CR stands before the LF: elsewhere some parsers see a line end and others do not.
  if (line_.empty() || line_.back() != '\r') {
    return bad("a line of the chunked body ends in a bare line feed", "end each line with CR LF");
  }
  line_.pop_back();
  if (std::ranges::any_of(line_, is_header_control)) {
    return bad("a line of the chunked body holds a control character", "remove it");
  }
  return true;
}

std::expected<void, HttpRefusal> ChunkedDecoder::take_size_line() {
  const std::string_view line = line_;
  const size_t digits = static_cast<size_t>(std::ranges::find_if_not(line, is_hex) - line.begin());
  if (digits == 0 || digits > kSizeDigitsMax) {
    return bad("a chunk has no valid size", "write it in 1 to 16 hexadecimal digits");
  }
  std::from_chars(line.data(), line.data() + digits, left_, 16);
  extension_bytes_ += line.size() - digits;
  if (extension_bytes_ > kChunkExtensionBytesMax) {
    return bad("the chunk extensions are too large",
               fmt::format("send none, or at most {} bytes", kChunkExtensionBytesMax));
  }
  if (!are_extensions(line.substr(digits))) {
    return bad("a chunk's size is followed by what is no extension", "end it with CR LF");
  }
  state_ = left_ == 0 ? State::trailer : State::data;
  line_.clear();
  return {};
}

std::expected<void, HttpRefusal> ChunkedDecoder::take_trailer_line() {
  if (line_.empty()) {
    state_ = State::done;
    return {};
  }
  trailer_bytes_ += line_.size() + 2;
  if (trailer_bytes_ > kTrailerBytesMax) {
    return bad("the trailers are too large",
               fmt::format("send at most {} bytes", kTrailerBytesMax));
  }
  std::string_view rest = line_;
  if (!take_token(rest) || !rest.starts_with(':')) {
    return bad("a trailer is no header field", "write name: value, or send no trailers");
  }
  line_.clear();
  return {};
}

std::expected<void, HttpRefusal> ChunkedDecoder::take_data_end(std::string_view& in) {
  line_ += in.front();
  in.remove_prefix(1);
  if (!kChunkEnd.starts_with(line_)) {
    return bad("a chunk is longer than its size says", "end its data with CR LF");
  }
  if (line_.size() == kChunkEnd.size()) {
    line_.clear();
    state_ = State::size;
  }
  return {};
}

std::expected<ChunkedDecoder::Step, HttpRefusal> ChunkedDecoder::feed(std::string_view in) {
  const size_t given = in.size();
  while (!in.empty() && state_ != State::done) {
    if (state_ == State::data) {
      const auto data = in.substr(0, std::min<uint64_t>(in.size(), left_));
      left_ -= data.size();
      if (left_ == 0) state_ = State::data_end;
      return Step{.consumed = given - in.size() + data.size(), .data = data};
    }
    if (state_ == State::data_end) {
      TRY(take_data_end(in));
      continue;
    }
    const bool trailer = state_ == State::trailer;
    TRY(const bool whole, take_line(in, trailer ? kTrailerBytesMax : kSizeLineBytesMax));
    if (!whole) continue;
    if (trailer) {
      TRY(take_trailer_line());
    } else {
      TRY(take_size_line());
    }
  }
  return Step{.consumed = given - in.size(), .data = {}};
}

void append_chunk_head(std::string& out, size_t bytes) {
  char digits[kSizeDigitsMax];
  const auto written = std::to_chars(digits, digits + sizeof digits, bytes, 16);
  out.append(digits, static_cast<size_t>(written.ptr - digits));
  out += kChunkEnd;
}

}  // namespace carillon
