#include "base/logger.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/text.h"

namespace carillon {

namespace {

// A field longer than this says no more to a reader, and lets one event flood the logger.
constexpr size_t kFieldBytesMax = 1024;

spdlog::level::level_enum level_of(Severity severity) {
  switch (severity) {
    case Severity::debug: return spdlog::level::debug;
    case Severity::info: return spdlog::level::info;
    case Severity::warning: return spdlog::level::warn;
    case Severity::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view word_of(Severity severity) {
  switch (severity) {
    case Severity::debug: return "debug";
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "info";
}

// U+0080..U+009F, U+061C, U+200E/F, U+202A..U+202E, U+2066..U+2069: what a terminal or a reader's
// eye may obey.
bool is_deceptive(std::string_view sequence) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(sequence[i]); };
  if (sequence.size() == 2)
    return (at(0) == 0xc2 && at(1) < 0xa0) || (at(0) == 0xd8 && at(1) == 0x9c);
  if (sequence.size() != 3 || at(0) != 0xe2) return false;
  if (at(1) == 0x80) return at(2) == 0x8e || at(2) == 0x8f || (at(2) >= 0xaa && at(2) <= 0xae);
  return at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9;
}

size_t lead_length(uint8_t lead) { return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; }

void append_bytes_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
}

}  // namespace

namespace {

// The next character of `text` as it may be shown; taken off.
std::string take_shown(std::string_view& text) {
  const size_t length = std::min(lead_length(static_cast<uint8_t>(text.front())), text.size());
  const auto sequence = text.substr(0, length);
  std::string shown;
  if (utf8_valid_prefix(sequence) != length) {
    append_bytes_escaped(shown, text.substr(0, 1));
    text.remove_prefix(1);
    return shown;
  }
  const bool control =
      length == 1 && (static_cast<uint8_t>(sequence[0]) < 0x20 || sequence[0] == 0x7f);
  if (control || is_deceptive(sequence)) {
    append_bytes_escaped(shown, sequence);
  } else {
    shown = sequence;
  }
  text.remove_prefix(length);
  return shown;
}

}  // namespace

std::string printable(std::string_view text, size_t bytes_max) {
  constexpr std::string_view kCut = "...";
  std::string out;
  size_t room_for_cut = 0;  // the longest part behind which the mark of a cut still fits
  while (!text.empty()) {
    const auto shown = take_shown(text);
    if (out.size() + shown.size() > bytes_max) {
      out.resize(room_for_cut);
      if (out.size() + kCut.size() <= bytes_max) out += kCut;
      return out;
    }
    out += shown;
    if (out.size() + kCut.size() <= bytes_max) room_for_cut = out.size();
  }
  return out;
}

StderrLogger::StderrLogger(LogFormat format, Severity least) : format_(format) {
  auto logger = spdlog::stderr_color_mt("carillon");
  logger->set_level(level_of(least));
  logger->set_pattern(format == LogFormat::json ? "%v" : "%H:%M:%S %^%l%$ %v");
  spdlog::set_default_logger(std::move(logger));
}

StderrLogger::~StderrLogger() { spdlog::shutdown(); }

void StderrLogger::write(Severity severity, std::string_view text,
                         std::initializer_list<Field> fields) {
  auto* logger = spdlog::default_logger_raw();
  if (logger == nullptr || !logger->should_log(level_of(severity))) return;
  std::string line;
  if (format_ == LogFormat::json) {
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    line = fmt::format(R"({{"time":"{}","level":"{}","text":)", to_rfc3339(now), word_of(severity));
    append_json_string(line, printable(text, kFieldBytesMax));
    for (const auto& [name, value] : fields) {
      line += ',';
      append_json_string(line, name);
      line += ':';
      append_json_string(line, printable(value, kFieldBytesMax));
    }
    line += '}';
  } else {
    line = printable(text, kFieldBytesMax);
    for (const auto& [name, value] : fields)
      line += fmt::format("  {}={}", name, printable(value, kFieldBytesMax));
  }
  logger->log(level_of(severity), "{}", line);
  if (severity >= Severity::info) logger->flush();
}

}  // namespace carillon
