// One event loop: a thread, its sockets, and the end-of-turn work that makes coalescing possible.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace carillon {

// Work done once at the end of every turn of a loop.
class TurnEnd {
 public:
  virtual ~TurnEnd() = default;
  // True when there is more to do at once: the loop then looks at its sockets without sleeping and
  // comes back.
  virtual bool on_turn_end() = 0;
};

// Work done about once a second: time-outs are a sweep of a table, not a timer each.
class Sweep {
 public:
  virtual ~Sweep() = default;
  virtual void on_sweep(MonotonicTime now) = 0;
};

// Everything but post() and stop() belongs to the thread in run(). A turn is what is ready now, at
// most kTurnHandlersMax handlers, then the turn's end: many publishes become one commit, many
// events one write. (Asio has no end-of-turn hook, hence a run loop of our own around run_one and
// poll_one.)
class Loop {
 public:
  explicit Loop(size_t index);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  size_t index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  // Until stop().
  void run();
  void stop();
  // Thread-safe: runs `task` on the loop. One wake-up however many tasks arrive before it runs.
  void post(std::move_only_function<void()> task);

  // Registered parts must outlive run(). Ends run in the order of their registration.
  void add_turn_end(TurnEnd& part) { turn_ends_.push_back(&part); }
  void add_sweep(Sweep& part) { sweeps_.push_back(&part); }

  // The time this turn began, as its first handler asks.
  MonotonicTime now() const;
  // One buffer for all reads of this loop: an idle connection owns none.
  std::array<char, 64 * 1024>& scratch() { return *scratch_; }

 private:
  void take_mail();
  void arm_sweep();

  size_t index_;
  boost::asio::io_context context_;
  boost::asio::steady_timer sweep_timer_;
  std::vector<TurnEnd*> turn_ends_;
  std::vector<Sweep*> sweeps_;
  mutable MonotonicTime now_{};
  mutable bool now_known_ = false;  // of this turn
  bool stopping_ = false;
  std::unique_ptr<std::array<char, 64 * 1024>> scratch_;

  std::mutex mail_mutex_;  // guards mail_
  std::vector<std::move_only_function<void()>> mail_;
};

}  // namespace carillon
