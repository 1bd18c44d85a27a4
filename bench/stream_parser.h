// Endless HTTP answers, in any pieces: head, chunks or plain body, then the lines of SSE or NDJSON;
// or the frames of a WebSocket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench_event.h"
#include "deflating.h"
#include "stream_form.h"
#include "web_socket.h"

namespace carillon {

// One per connection, so it owns no buffer while nothing is cut. Strict: an odd byte in head, chunk
// or frame, an event without its blank line or with two data lines count as damage, and so does a
// frame that is not compressed where that was agreed on. (Not the hub's own parser: both would be
// wrong alike.)
class StreamParser {
 public:
  // `inflater` is borrowed, and needed by StreamForm::deflate alone.
  StreamParser(StreamForm form, size_t event_bytes, FrameInflater* inflater = nullptr)
      : event_bytes_(event_bytes), inflater_(inflater), form_(form) {}

  // `on_event(event)` for each whole event; what is wrong is counted in `tally`.
  template <typename OnEvent>
  void feed(std::string_view bytes, Tally& tally, OnEvent on_event) {
    while (!bytes.empty()) {
      if (state_ == State::frames) {
        if (const auto event = take_frame(bytes, tally)) on_event(*event);
        continue;
      }
      const std::string_view line_bytes = next_body_run(bytes, tally);
      take_lines(line_bytes, tally, on_event);
    }
  }

  // The first bytes of the body came, or a WebSocket is open: a reader of any server measured here
  // is subscribed by then. (But not a session: each `ok` says so of one subscription.)
  bool body_began() const { return body_began_; }
  // How many ops of a session were answered with `ok`.
  uint64_t answers() const { return answers_; }
  // Pings since the last call: each wants a pong. (Nobody measured here puts anything into one.)
  uint64_t take_pings() { return std::exchange(pings_, 0); }
  // What events published from now on are long; the stream must be quiet.
  void set_event_bytes(size_t bytes) { event_bytes_ = bytes; }

 private:
  enum class State : uint8_t { head, size, data, data_end, plain, frames, broken };

  // Removes framing from the front of `bytes`; returns the next run of body bytes (empty: only
  // framing was there).
  std::string_view next_body_run(std::string_view& bytes, Tally& tally);
  void take_head(std::string_view& bytes, Tally& tally);
  bool head_agrees() const;
  void take_size(std::string_view& bytes, Tally& tally);
  void take_data_end(std::string_view& bytes, Tally& tally);
  void break_off(std::string_view& bytes, Tally& tally);
  // The event that `line` completes.
  std::optional<BenchEvent> take_line(std::string_view line, Tally& tally);
  // The event in the frame that `bytes` completes, which is taken off.
  std::optional<BenchEvent> take_frame(std::string_view& bytes, Tally& tally);
  std::optional<BenchEvent> take_data(const Frame& frame, Tally& tally);
  // False for one that carries an event.
  bool take_quiet_op(std::string_view op, Tally& tally);

  template <typename OnEvent>
  void take_lines(std::string_view bytes, Tally& tally, OnEvent& on_event) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        cut_.append(bytes);
        return;
      }
      std::string_view line = bytes.substr(0, end);
      if (!cut_.empty()) {
        cut_.append(line);
        line = cut_;
      }
      if (const auto event = take_line(line, tally)) on_event(*event);
      cut_.clear();
      bytes.remove_prefix(end + 1);
    }
  }

  size_t event_bytes_;
  FrameInflater* inflater_;
  uint64_t left_ = 0;  // of the chunk, or of the size line's digits so far
  uint64_t answers_ = 0;
  uint64_t pings_ = 0;
  BenchEvent pending_;
  std::string cut_;  // an unfinished head or line
  FrameParser frames_;
  StreamForm form_;
  State state_ = State::head;
  uint8_t digits_ = 0;
  uint8_t data_lines_ = 0;
  bool extension_ = false;
  bool body_began_ = false;
};

}  // namespace carillon
