#include "out/stream_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace carillon {

namespace {

constexpr std::chrono::milliseconds kRetryMin{1'000};
constexpr std::chrono::milliseconds kRetryMax{30'000};

}  // namespace

std::chrono::milliseconds spread_retry(uint64_t connection) {
  // By its number: evenly over the span without asking for chance.
  const auto span = static_cast<uint64_t>((kRetryMax - kRetryMin).count());
  return kRetryMin + std::chrono::milliseconds((connection * 2'654'435'761ULL) % span);
}

StreamReader::StreamReader(FanOut& fan_out, Start start)
    : fan_out_(fan_out),
      class_(&fan_out.class_for(start.key)),
      told_marks_(start.told_marks),
      gap_ok_(start.gap_ok) {
  behind_ = std::make_unique<CatchUp>(class_->key.conflate);
  behind_->cursor = start.after;
  if (start.credit) meter_ = std::make_unique<Meter>(Meter{*start.credit, {}});
  fan_out_.readers_.insert(this);
}

StreamReader::~StreamReader() { leave_class(); }

void StreamReader::begin(StreamHandle& handle) {
  handle_ = &handle;
  if (fan_out_.draining()) return drain();
  behind_->written = fan_out_.loop().now();
  fan_out_.watch(*this);
  if (meter_ != nullptr) class_->metered.push_back(this);
  pump();
}

void StreamReader::ack(Position position) {
  if (meter_ == nullptr || class_ == nullptr) return;
  while (!meter_->unacked.empty() && meter_->unacked.front() <= position) {
    meter_->unacked.pop_front();
    ++meter_->left;
  }
  // One with a rate is woken by the next batch.
  if (!class_->batch_waits) wake();
}

void StreamReader::wake() {
  if (woken_) return;
  woken_ = true;
  fan_out_.pump_later(*this);
}

void StreamReader::leave_class() {
  if (class_ == nullptr) return;
  description_ = describe();
  if (behind_ != nullptr && behind_->self != nullptr) *behind_->self = nullptr;
  if (live()) fan_out_.leave(*class_, row_);
  if (meter_ != nullptr) std::erase(class_->metered, this);
  row_ = kNoRow;
  fan_out_.forget(*this);
  fan_out_.release(*class_);
  class_ = nullptr;
}

Position StreamReader::position() const {
  if (class_ == nullptr) return {};
  if (!live()) return behind_->cursor;
  return std::max(joined_at_, class_->stream.position_at(class_->rows[row_].offset));
}

// Sends what is encoded, reads more, joins: until the socket is full, a read is on its way, or it
// is a row.
void StreamReader::pump() {
  woken_ = false;
  if (live() || class_ == nullptr || handle_ == nullptr) return;
  if (!send_pending() || behind_->reading) return;
  if (meter_ != nullptr) {
    // Woken again by an ack, or by what comes.
    if (out_of_credit() || behind_->cursor >= fan_out_.hub().tail().end()) return;
  } else if (behind_->window.empty() && fan_out_.join(*class_, *this, behind_->cursor)) {
    behind_.reset();
    blocked_since_ = {};
    fan_out_.unwatch(*this);
    // What stands before may still be on its way: the socket says when it takes more.
    if (!handle_->is_clear()) {
      class_->rows[row_].blocked = true;
      row_blocked(false);
    }
    return;
  }
  if (!read_tail()) return read_log();
  if (send_pending()) fan_out_.pump_later(*this);
}

bool StreamReader::send_pending() {
  CatchUp& behind = *behind_;
  while (!behind.pending.empty()) {
    const iovec run{behind.pending.data(), behind.pending.size()};
    const WriteResult result = write({&run, 1});
    behind.pending.erase(0, result.bytes);
    ++fan_out_.deliveries_;
    if (result.state == WriteState::closed) {
      cut(kClientReset);
      return false;
    }
    if (result.state == WriteState::blocked) {
      blocked(result.bytes > 0);
      return false;
    }
  }
  std::string().swap(behind.pending);
  blocked_since_ = {};
  return true;
}

void StreamReader::take_event(const EventView& event) {
  if (!class_->key.filter.matches(event)) return;
  if (class_->rated()) {
    behind_->window.add(event);
  } else {
    append_event(event);
  }
}

void StreamReader::append_event(const EventView& event) {
  append_event_frame(behind_->pending, class_->form, event, fan_out_.hub().epoch());
  if (meter_ == nullptr) return;
  --meter_->left;
  meter_->unacked.push_back(event.position());
}

// A block from this loop's tail: no thread is asked. False when the tail does not reach back so
// far, or marks rose that this reader was not told of.
bool StreamReader::read_tail() {
  LocalHub& hub = fan_out_.hub();
  CatchUp& behind = *behind_;
  if (behind.cursor < hub.tail().start()) return false;
  if (told_marks_ > hub.mark_number())
    return false;  // the log knows of marks that this loop does not
  if (behind.cursor < hub.highest_mark() && told_marks_ < hub.mark_number()) return false;
  size_t looked_at = 0;
  const auto before = behind.cursor;
  const bool to_end = hub.tail().for_each_behind(behind.cursor, [&](const EventView& event) {
    if (behind.pending.size() >= kReadBytesMax || ++looked_at > 16 * kCommitEventsMax ||
        behind.window.full() || out_of_credit())
      return false;
    behind.cursor = event.position();
    if (event.position() <= hub.mark_of(event.topic_id())) return true;
    if (any_matches(class_->key.topics, event.topic())) take_event(event);
    return true;
  });
  if (class_->rated()) {
    for (auto& commit : hub.tail().commits_behind(before))
      behind.window.keep_alive(std::move(commit));
  }
  if (to_end) behind.cursor = hub.tail().end();
  if (window_due()) emit_window();
  return true;
}

void StreamReader::read_log() {
  CatchUp& behind = *behind_;
  behind.reading = true;
  if (behind.self == nullptr) behind.self = std::make_shared<StreamReader*>(this);
  const Cursor cursor{fan_out_.hub().epoch(), behind.cursor};
  ReadRequest request{.topics = class_->selection,
                      .after = behind.cursor,
                      .bytes_max = kReadBytesMax,
                      .events_max = kCommitEventsMax,
                      .told_marks = told_marks_};
  Log& log = fan_out_.hub().log();
  fan_out_.hub().off_loop(
      [&log, request = std::move(request), cursor] {
        auto result = log.read(request);
        std::vector<Gap> gaps;
        if (result) gaps = gaps_of(log, *result, cursor);
        return std::pair(std::move(result), std::move(gaps));
      },
      [self = behind.self](auto read) {
        if (*self != nullptr) (*self)->take_result(std::move(read.first), std::move(read.second));
      });
}

void StreamReader::take_result(Result<ReadResult> result, std::vector<Gap> gaps) {
  CatchUp& behind = *behind_;
  behind.reading = false;
  if (!result) return cut("log unreadable");
  told_marks_ = result->told_marks;
  if (!gaps.empty() && !can_tell_gap(class_->form.kind) && !gap_ok_) return end_with_gap();
  for (const Gap& gap : gaps)
    append_gap_frame(behind.pending, class_->form, gap.resumed, gap_json(gap));
  take_events(*result);
  if (class_->rated()) behind.window.keep_alive(result->keeps_alive);
  if (window_due()) emit_window();
  pump();
}

void StreamReader::take_events(const ReadResult& result) {
  for (const EventView& event : result.events) {
    if (out_of_credit()) return;
    take_event(event);
    behind_->cursor = event.position();
  }
  behind_->cursor = result.looked;
}

// A behind reader's window ends at the head, or when it is full; then the next follows at once.
bool StreamReader::window_due() const {
  if (!class_->rated() || behind_->window.empty()) return false;
  return behind_->window.full() || behind_->cursor >= fan_out_.hub().tail().end();
}

void StreamReader::emit_window() {
  for (const EventView& event : behind_->window.take()) {
    // Without credit the rest is read again behind the last one given, and reduced anew.
    if (out_of_credit()) break;
    append_event(event);
    if (out_of_credit()) behind_->cursor = event.position();
  }
  behind_->window.clear();
}

// Payloads alone have no word for it.
void StreamReader::end_with_gap() {
  std::string pending = std::move(behind_->pending);
  auto* handle = handle_;
  leave_class();
  handle->end(std::move(pending), "gap");
}

void StreamReader::blocked(bool took_some) {
  if (blocked_since_ == MonotonicTime() || took_some) blocked_since_ = fan_out_.loop().now();
  handle_->wait_writable();
}

void StreamReader::row_blocked(bool took_some) {
  blocked(took_some);
  fan_out_.watch(*this);
}

void StreamReader::on_writable() {
  if (!live()) return pump();
  class_->rows[row_].descriptor = plain_descriptor();
  blocked_since_ = {};
  fan_out_.unwatch(*this);
  fan_out_.unblock(*class_, row_);
}

void StreamReader::write_through() {
  if (live()) class_->rows[row_].descriptor = -1;
}

void StreamReader::fall_behind(Position position, std::string rest) {
  row_ = kNoRow;
  behind_ = std::make_unique<CatchUp>(class_->key.conflate);
  // The frames alone do not tell of a place between two of them.
  behind_->cursor = std::max(position, joined_at_);
  behind_->pending = std::move(rest);
  behind_->written = fan_out_.loop().now();
  told_marks_ = 0;
  fan_out_.watch(*this);
  if (blocked_since_ == MonotonicTime()) fan_out_.pump_later(*this);
}

void StreamReader::cut(std::string_view reason) {
  auto* handle = handle_;
  leave_class();
  handle->cut(reason);
}

void StreamReader::on_gone() { leave_class(); }

void StreamReader::sweep(MonotonicTime now) {
  if (blocked_since_ != MonotonicTime() && now - blocked_since() >= fan_out_.options_.stall)
    return cut("stalled");
  // A filtered reader that catches up through much that is not for it hears how far.
  if (live() || blocked_since_ != MonotonicTime() ||
      now - behind_->written < fan_out_.options_.heartbeat)
    return;
  if (!behind_->window.empty() || behind_->reading) return;
  behind_->written = now;
  append_cursor_frame(behind_->pending, class_->form, {fan_out_.hub().epoch(), behind_->cursor});
  fan_out_.pump_later(*this);
}

void StreamReader::drain() {
  if (class_ == nullptr) return;  // its WebSocket ended with another of its readers
  std::string pending;
  if (live()) {
    pending = class_->stream.cut_frame_at(class_->rows[row_].offset).rest;
  } else {
    pending = std::move(behind_->pending);
  }
  append_bye_frame(pending, class_->form, spread_retry(handle_->id()));
  auto* handle = handle_;
  leave_class();
  handle->end(std::move(pending), "drained");
}

std::string StreamReader::describe() const {
  if (class_ == nullptr) return description_;
  std::string out = fmt::format(R"("protocol":"{}","topics":[)", protocol_name_of(class_->form));
  for (size_t i = 0; i < class_->key.topics.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, class_->key.topics[i].text());
  }
  const Position end = fan_out_.hub().tail().end();
  const Position at = position();
  const bool caught_up =
      live() ? class_->rows[row_].offset == class_->stream.end() : meter_ != nullptr && at >= end;
  fmt::format_to(std::back_inserter(out), R"(],"cursor":"{}","lag":{},"state":"{}")",
                 Cursor{fan_out_.hub().epoch(), caught_up ? end : at}.text(),
                 caught_up ? 0 : end.value - std::min(end.value, at.value),
                 blocked_since_ != MonotonicTime() ? "blocked"
                 : out_of_credit()                 ? "waits for credit"
                 : caught_up                       ? "live"
                                                   : "catching up");
  return out;
}

}  // namespace carillon
