#include "wire/sse_parser.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace carillon {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";
// A client that is told to wait longer than a day was not told anything it can use.
constexpr uint64_t kRetryMillisecondsMax = 24ULL * 3600 * 1000;

// What a UTF-8 sequence may go on with, by its first byte (Encoding standard, "UTF-8 decoder").
struct Lead {
  size_t continuations;
  uint8_t lower = 0x80;  // bounds of the first continuation
  uint8_t upper = 0xbf;
};

// Not called for ASCII. Nothing when no sequence begins with `byte`.
std::optional<Lead> lead_of(uint8_t byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return Lead{1};
  if (byte == 0xe0) return Lead{2, 0xa0, 0xbf};
  if (byte == 0xed) return Lead{2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return Lead{2};
  if (byte == 0xf0) return Lead{3, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return Lead{3};
  if (byte == 0xf4) return Lead{3, 0x80, 0x8f};
  return std::nullopt;
}

// One U+FFFD for each longest front of a sequence that breaks off, as the Encoding standard has it.
std::string decode_with_replacement(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    const auto lead = byte < 0x80 ? Lead{0} : lead_of(byte).value_or(Lead{1, 1, 0});
    size_t taken = 1;
    for (size_t k = 0; k < lead.continuations && i + taken < bytes.size(); ++k, ++taken) {
      const auto next = static_cast<uint8_t>(bytes[i + taken]);
      const bool first = k == 0;
      if (next < (first ? lead.lower : 0x80) || next > (first ? lead.upper : 0xbf)) break;
    }
    const bool whole = taken == lead.continuations + 1;
    out += whole ? bytes.substr(i, taken) : kReplacement;
    i += taken;
  }
  return out;
}

std::unexpected<Error> too_large(size_t bytes_max) {
  return fail(Errc::too_large, "the stream sent a line or an event of more than {} bytes",
              bytes_max);
}

}  // namespace

Result<> SseParser::feed(std::string_view bytes, std::vector<SseEvent>& events) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    if (line_.size() + end > event_bytes_max_) return too_large(event_bytes_max_);
    if (end == bytes.size()) {
      line_ += bytes;
      return {};
    }
    after_cr_ = bytes[end] == '\r';
    line_ += bytes.substr(0, end);
    TRY(take_line(line_, events));
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
  return {};
}

Result<> SseParser::take_line(std::string_view line, std::vector<SseEvent>& events) {
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    dispatch(events);
    return {};
  }
  std::string decoded;
  if (!is_utf8(line)) {
    decoded = decode_with_replacement(line);
    line = decoded;
  }
  const size_t colon = std::min(line.find(':'), line.size());
  auto value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  return take_field(line.substr(0, colon), value);
}

Result<> SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (data_.size() + value.size() > event_bytes_max_) return too_large(event_bytes_max_);
    data_ += value;
    data_ += '\n';
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    const auto delay = parse_decimal(value);
    if (delay && *delay <= kRetryMillisecondsMax) {
      retry_ = std::chrono::milliseconds(static_cast<int64_t>(*delay));
    }
  }
  return {};  // a comment has an empty name; unknown names are ignored
}

void SseParser::dispatch(std::vector<SseEvent>& events) {
  last_event_id_ = id_;
  auto data = std::exchange(data_, {});
  auto type = std::exchange(type_, {});
  if (data.empty()) return;
  data.pop_back();
  events.push_back({.last_event_id = last_event_id_,
                    .type = type.empty() ? "message" : std::move(type),
                    .data = std::move(data)});
}

bool is_event_stream(std::string_view content_type) {
  return equals_ignoring_case(trim(content_type.substr(0, content_type.find(';'))),
                              "text/event-stream");
}

}  // namespace carillon
