#include "net/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace carillon {

namespace {

constexpr int kTurnHandlersMax = 256;
constexpr std::chrono::seconds kSweepEvery{1};

MonotonicTime monotonic_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::steady_clock::now());
}

}  // namespace

Loop::Loop(size_t index)
    : index_(index),
      context_(1),
      sweep_timer_(context_),
      scratch_(std::make_unique<std::array<char, 64 * 1024>>()) {}

void Loop::run() {
  const auto work = boost::asio::make_work_guard(context_);
  arm_sweep();
  bool more = false;
  while (!stopping_) {
    int handled = 0;
    now_known_ = false;
    if (more) {
      handled = static_cast<int>(context_.poll_one());
    } else if (context_.run_one() == 0) {
      return;  // stopped from outside
    }
    while (handled++ < kTurnHandlersMax && context_.poll_one() != 0) {
    }
    more = false;
    for (TurnEnd* part : turn_ends_) more = part->on_turn_end() || more;
  }
}

MonotonicTime Loop::now() const {
  if (!now_known_) now_ = monotonic_now();
  now_known_ = true;
  return now_;
}

void Loop::stop() {
  post([this] { stopping_ = true; });
}

void Loop::post(std::move_only_function<void()> task) {
  bool first = false;
  {
    const std::scoped_lock lock(mail_mutex_);
    first = mail_.empty();
    mail_.push_back(std::move(task));
  }
  if (first) boost::asio::post(context_, [this] { take_mail(); });
}

void Loop::take_mail() {
  std::vector<std::move_only_function<void()>> mail;
  {
    const std::scoped_lock lock(mail_mutex_);
    mail.swap(mail_);
  }
  for (auto& task : mail) task();
}

void Loop::arm_sweep() {
  sweep_timer_.expires_after(kSweepEvery);
  sweep_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    for (Sweep* part : sweeps_) part->on_sweep(now());
    arm_sweep();
  });
}

}  // namespace carillon
