#include "stream_parser.h"

#include <string.h>

#include <algorithm>

namespace carillon {

namespace {

constexpr size_t kHeadBytesMax = 16 * 1024;
constexpr uint8_t kSizeDigitsMax = 8;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view StreamParser::next_body_run(std::string_view& bytes, Tally& tally) {
  switch (state_) {
    case State::head: take_head(bytes, tally); return {};
    case State::size: take_size(bytes, tally); return {};
    case State::data_end: take_data_end(bytes, tally); return {};
    case State::broken: bytes = {}; return {};
    case State::plain:
    case State::data:
    case State::frames: break;
  }
  body_began_ = true;
  const size_t count = state_ == State::plain ? bytes.size() : std::min(left_, bytes.size());
  const std::string_view run = bytes.substr(0, count);
  bytes.remove_prefix(count);
  if (state_ == State::data) {
    left_ -= count;
    if (left_ == 0) state_ = State::data_end;
  }
  return run;
}

void StreamParser::take_head(std::string_view& bytes, Tally& tally) {
  const size_t before = cut_.size();
  cut_.append(bytes);
  const size_t end = cut_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (cut_.size() > kHeadBytesMax) return break_off(bytes, tally);
    bytes = {};
    return;
  }
  const bool upgraded = is_websocket(form_);
  if (!cut_.starts_with(upgraded ? "HTTP/1.1 101" : "HTTP/1.1 200")) return break_off(bytes, tally);
  bytes.remove_prefix(end + 4 - before);
  cut_.resize(end);
  if (upgraded && !head_agrees()) return break_off(bytes, tally);
  const bool chunked = ::strcasestr(cut_.c_str(), "\r\ntransfer-encoding: chunked") != nullptr;
  state_ = upgraded ? State::frames : chunked ? State::size : State::plain;
  body_began_ = upgraded;
  cut_ = std::string();
  left_ = 0;
}

// A WebSocket that is not what was asked for has no figure: one that is not compressed, say.
bool StreamParser::head_agrees() const {
  const auto says = [&](std::string_view field, std::string_view value) {
    const std::string line = "\r\n" + std::string(field) + ": " + std::string(value);
    return ::strcasestr(cut_.c_str(), line.c_str()) != nullptr;
  };
  const bool right_extension =
      says("sec-websocket-extensions", "permessage-deflate") == (form_ == StreamForm::deflate);
  const bool right_subprotocol =
      form_ != StreamForm::session || says("sec-websocket-protocol", kSessionSubprotocol);
  return says("sec-websocket-accept", kSocketAccept) && right_extension && right_subprotocol;
}

void StreamParser::take_size(std::string_view& bytes, Tally& tally) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c == '\n') {
      if (digits_ == 0) return break_off(bytes, tally);
      digits_ = 0;
      extension_ = false;
      state_ = left_ == 0 ? State::broken : State::data;
      if (left_ == 0) ++tally.closed;  // the last chunk: the stream was ended
      return;
    }
    if (c == '\r' || extension_) continue;
    if (c == ';') {
      extension_ = true;
      continue;
    }
    const int digit = hex_digit(c);
    if (digit < 0 || ++digits_ > kSizeDigitsMax) return break_off(bytes, tally);
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
  }
}

void StreamParser::take_data_end(std::string_view& bytes, Tally& tally) {
  const char expected = left_ == 0 ? '\r' : '\n';  // left_ counts how much of CRLF was seen
  if (bytes.front() != expected) return break_off(bytes, tally);
  bytes.remove_prefix(1);
  if (++left_ == 2) {
    left_ = 0;
    state_ = State::size;
  }
}

void StreamParser::break_off(std::string_view& bytes, Tally& tally) {
  ++tally.damaged;
  state_ = State::broken;
  bytes = {};
}

std::optional<BenchEvent> StreamParser::take_line(std::string_view line, Tally& tally) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (form_ == StreamForm::json_lines) {
    if (line.find("\"type\":\"carillon.gap\"") != std::string_view::npos) ++tally.told_gaps;
    auto event = find_bench_event(line, event_bytes_);
    if (event && !event->intact) {
      ++tally.damaged;
      return std::nullopt;
    }
    return event;
  }
  if (line.empty()) {
    const bool whole = data_lines_ == 1 && pending_.intact;
    if (data_lines_ > 0 && !whole) ++tally.damaged;
    data_lines_ = 0;
    if (whole) return pending_;
    return std::nullopt;
  }
  if (line.starts_with("data: ") && line.size() > 6) {
    const auto event = find_bench_event(line.substr(6), event_bytes_);
    // Data that is no bench event belongs to what the hub says of itself: heartbeats, gaps, bye.
    if (event && data_lines_ < 2) {
      ++data_lines_;
      pending_ = *event;
    }
  } else if (line.starts_with("event: carillon.gap") || line.starts_with("event: carillon.bye")) {
    ++tally.told_gaps;
  }
  return std::nullopt;
}

std::optional<BenchEvent> StreamParser::take_frame(std::string_view& bytes, Tally& tally) {
  const auto frame = frames_.next(bytes);
  if (frames_.odd()) break_off(bytes, tally);
  if (!frame) return std::nullopt;
  switch (frame->kind) {
    case FrameKind::ping: ++pings_; return std::nullopt;
    case FrameKind::pong: return std::nullopt;
    case FrameKind::close:
      ++tally.closed;
      state_ = State::broken;
      return std::nullopt;
    case FrameKind::text:
    case FrameKind::binary: break;
  }
  return take_data(*frame, tally);
}

std::optional<BenchEvent> StreamParser::take_data(const Frame& frame, Tally& tally) {
  if (form_ == StreamForm::session && take_quiet_op(frame.payload, tally)) return std::nullopt;
  const bool deflate = form_ == StreamForm::deflate;
  std::optional<BenchEvent> event;
  if ((frame.compressed == Compressed::yes) == deflate) {
    event = deflate ? inflater_->find_event(frame.payload, event_bytes_)
                    : find_bench_event(frame.payload, event_bytes_);
  }
  if (event && event->intact) return event;
  ++tally.damaged;
  return std::nullopt;
}

bool StreamParser::take_quiet_op(std::string_view op, Tally& tally) {
  const auto is = [&](std::string_view name) {
    constexpr std::string_view kBegin = R"({"op":")";
    return op.starts_with(kBegin) && op.substr(kBegin.size()).starts_with(name);
  };
  if (is("event\"")) return false;
  if (is("ok\"")) {
    ++answers_;
  } else if (!is("hello\"") && !is("cursor\"")) {
    ++tally.told_gaps;  // or an error, or a bye: something is not as it was asked for
  }
  return true;
}

}  // namespace carillon
