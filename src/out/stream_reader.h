// One endless answer: a reader that catches up from the tail or the log, and is a row of its class
// once it has.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/exchange.h"
#include "out/fan_out.h"
#include "out/gap.h"

namespace carillon {

// The reconnect hint of a drain, spread over the connections, so that readers do not come back as
// one (RELIABILITY G9).
std::chrono::milliseconds spread_retry(uint64_t connection);

// Owned by its connection. Live, it is a row and nothing else; behind, it reads blocks of bounded
// size, at most one at a time, encodes them as its class does, and joins the class where the shared
// frames go on. Replay, resume and catch-up are the same steps from another cursor.
class StreamReader : public StreamOwner {
 public:
  struct Start {
    ClassKey key;
    Position after;
    uint64_t told_marks = 0;
    bool gap_ok = false;  // a form that cannot tell a gap goes on behind it
    // So many events may be ahead of ack(). Absent: as many as there are.
    std::optional<uint64_t> credit;
  };

  StreamReader(FanOut& fan_out, Start start);
  ~StreamReader() override;

  // The answer's head and start block are sent, or on their way.
  void begin(StreamHandle& handle);
  // The client has done with all events up to there: returns the credit of each.
  void ack(Position position);

  // With the number of its class. Not once it has left.
  StreamForm form() const { return class_->form; }

  // StreamOwner
  void on_writable() override;
  void on_gone() override;
  std::string describe() const override;

  // FanOut's side
  void pump();
  // Something it may want came: pumped once in this turn.
  void wake();
  WriteResult write(std::span<const iovec> run) { return handle_->transport().write(run); }
  int plain_descriptor() const { return handle_->transport().plain_descriptor(); }
  WriteResult settle(std::span<const iovec> run, WriteResult result) {
    return handle_->transport().settle(run, result);
  }
  // Its transport holds something that goes first: until it is writable, not around it.
  void write_through();
  // It has everything up to `joined_at`, which may lie between two frames of its class.
  void become_row(size_t row, Position joined_at) {
    row_ = row;
    joined_at_ = joined_at;
  }
  void set_row(size_t row) { row_ = row; }
  size_t row() const { return row_; }
  void row_blocked(bool took_some);
  // Ends without a word; `reason` is for the operator.
  void cut(std::string_view reason);
  // Bytes that are held for this reader alone, and since when it takes none.
  size_t pinned_bytes() const {
    return handle_->held_bytes() + (behind_ == nullptr ? 0 : behind_->pending.size());
  }
  MonotonicTime blocked_since() const {
    return blocked_since_ == MonotonicTime() ? blocked_since_
                                             : std::max(blocked_since_, handle_->taken_at());
  }
  // No longer a row: has everything up to `position`, and owes `rest` of a frame that was cut.
  void fall_behind(Position position, std::string rest);
  void sweep(MonotonicTime now);
  void drain();

 private:
  static constexpr size_t kNoRow = SIZE_MAX;

  // What only a reader that is behind needs.
  struct CatchUp {
    explicit CatchUp(bool conflate) : window(conflate) {}
    Position cursor;  // everything up to here is in `pending`, sent, or passed over
    std::string pending;
    bool reading = false;
    ConflationWindow window;
    std::shared_ptr<StreamReader*> self;  // null inside once the reader is gone
    MonotonicTime written{};
  };

  // What a reader with credit has: it is never a row, since it must stop between two events.
  struct Meter {
    uint64_t left = 0;
    std::deque<Position> unacked;
  };

  bool live() const { return row_ != kNoRow; }
  bool out_of_credit() const { return meter_ != nullptr && meter_->left == 0; }
  Position position() const;
  bool send_pending();
  bool read_tail();
  void read_log();
  void take_result(Result<ReadResult> result, std::vector<Gap> gaps);
  void take_events(const ReadResult& result);
  void take_event(const EventView& event);
  void append_event(const EventView& event);
  bool window_due() const;
  void emit_window();
  void end_with_gap();
  void leave_class();
  void blocked(bool took_some);

  FanOut& fan_out_;
  SubscriptionClass* class_;
  StreamHandle* handle_ = nullptr;
  size_t row_ = kNoRow;
  Position joined_at_;
  uint64_t told_marks_;
  bool gap_ok_;
  MonotonicTime blocked_since_{};  // 0: it takes what it is given
  std::unique_ptr<CatchUp> behind_;
  std::unique_ptr<Meter> meter_;
  bool woken_ = false;
  std::string description_;  // of what it was, once it has left its class
};

}  // namespace carillon
