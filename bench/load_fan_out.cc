// `fanout`: N readers of the same, one publisher. With --rate events come at a pace and lateness
// is taken; without, the next window is published when all readers have the last. With --stalled
// some more readers never read.
#include <algorithm>
#include <memory>
#include <vector>

#include "crowd.h"
#include "load.h"
#include "publisher.h"
#include "server_cost.h"
#include "sockets.h"

namespace carillon {

namespace {

constexpr uint64_t kNanoseconds = 1'000'000'000;
constexpr uint64_t kSpareFiles = 64;
// The kernel books a thread's time when it leaves the core: the server must have gone to sleep.
constexpr uint64_t kSettleMicroseconds = 5'000;
// Doubles of the last event would come within this time.
constexpr uint64_t kQuietMicroseconds = 100'000;

class FanOutRun {
 public:
  explicit FanOutRun(Options& options)
      : readers_(options.number("readers")),
        bytes_(options.number("bytes", 128)),
        window_(options.number("window", 1)),
        count_(options.number("count", 1'000'000)),
        warm_(options.number("warm", 10)),
        seconds_(options.real("seconds", 3)),
        rate_(options.real("rate", 0)),
        poll_microseconds_(options.number("poll-us", 200)),
        timeout_(options.number("timeout", 30) * kNanoseconds),
        stalled_(options.number("stalled", 0)),
        fill_(options.number("fill", 0)),
        fill_bytes_(options.number("fill-bytes", 32 * 1024)),
        port_(static_cast<uint16_t>(options.number("port"))),
        cost_(options.text("pid")),
        reading_(reading_of(options)),
        crowd_(port_, reading_, bytes_),
        publisher_(port_, options.text("post"), bytes_, 0) {
    options.check_all_used();
    publisher_.spread_over(reading_.subscriptions);
    raise_open_files(readers_ + stalled_ + kSpareFiles);
  }

  bool run() {
    crowd_.connect(readers_);
    crowd_.connect_stalled(stalled_);
    const MemoryUse connected = cost_.memory();
    for (uint64_t i = 0; i < warm_ && fine(); ++i) pass_window(window_);
    fill_buffers();
    const uint64_t stalled_bytes = crowd_.stalled_bytes();
    measure();
    const MemoryUse after = cost_.memory();
    const uint64_t stalled_more = crowd_.stalled_bytes() - stalled_bytes;
    crowd_.count_lost();
    report(connected, after, stalled_more);
    return crowd_.tally().faults() == 0 && publisher_.refused() == 0;
  }

 private:
  bool fine() { return crowd_.tally().faults() == 0 && publisher_.refused() == 0; }

  // Until every reader has everything and every POST its answer.
  bool wait_for_all(uint64_t answers) {
    const uint64_t end = steady_nanoseconds() + timeout_;
    while (true) {
      publisher_.read_answers(crowd_.tally());
      crowd_.look();
      if (crowd_.behind() == 0 && publisher_.answered() >= answers) return true;
      if (crowd_.tally().closed > 0) return false;
      if (steady_nanoseconds() > end) {
        ++crowd_.tally().timed_out;
        return false;
      }
      sleep_microseconds(poll_microseconds_);
    }
  }

  void pass_window(size_t count) {
    publisher_.publish(count);
    crowd_.expect(publisher_.published());
    wait_for_all(publisher_.published());
  }

  // Large events until the stalled readers' buffers are full, on both sides. Without stalled
  // readers too, so that both kinds of run leave the server with the same behind it.
  void fill_buffers() {
    if (fill_ == 0) return;
    set_event_bytes(fill_bytes_);
    for (uint64_t i = 0; i < fill_ && fine(); ++i) pass_window(1);
    set_event_bytes(bytes_);
  }

  void set_event_bytes(size_t bytes) {
    publisher_.set_event_bytes(bytes);
    crowd_.set_event_bytes(bytes);
  }

  void measure() {
    const uint64_t bytes_before = crowd_.bytes();
    const uint64_t published_before = publisher_.published();
    if (rate_ > 0) {
      lateness_.reserve(static_cast<size_t>(rate_ * seconds_ * static_cast<double>(readers_ + 1)));
      crowd_.collect_lateness(&lateness_);
    }
    const uint64_t begin = steady_nanoseconds();
    const uint64_t cpu_begin = cost_.cpu_nanoseconds();
    if (rate_ > 0) {
      publish_at_pace();
    } else {
      const uint64_t end =
          begin + static_cast<uint64_t>(seconds_ * static_cast<double>(kNanoseconds));
      for (uint64_t i = 0; i < count_ && fine() && (i < 3 || steady_nanoseconds() < end); ++i)
        pass_window(window_);
    }
    wall_ = steady_nanoseconds() - begin;
    sleep_microseconds(kSettleMicroseconds);
    cpu_ = cost_.cpu_nanoseconds() - cpu_begin;
    events_ = publisher_.published() - published_before;
    sleep_microseconds(kQuietMicroseconds);
    crowd_.look();
    crowd_.collect_lateness(nullptr);
    stream_bytes_ = crowd_.bytes() - bytes_before;
  }

  void publish_at_pace() {
    const uint64_t begin = steady_nanoseconds();
    const auto total = static_cast<uint64_t>(rate_ * seconds_);
    const uint64_t step = static_cast<uint64_t>(static_cast<double>(kNanoseconds) / rate_);
    for (uint64_t i = 0; i < total && crowd_.tally().closed == 0; ++i) {
      while (steady_nanoseconds() < begin + i * step) {
        crowd_.look();
        publisher_.read_answers(crowd_.tally());
        sleep_microseconds(poll_microseconds_);
      }
      publisher_.publish(1);
    }
    crowd_.expect(publisher_.published());
    wait_for_all(publisher_.published());
  }

  void report(const MemoryUse& connected, const MemoryUse& after, uint64_t stalled_more) {
    Outcome outcome;
    outcome.add("readers", readers_);
    outcome.add("events", events_);
    outcome.add("cpu_us", static_cast<double>(cpu_) / 1e3);
    outcome.add("cpu_us_per_event", static_cast<double>(cpu_) / 1e3 / static_cast<double>(events_));
    outcome.add("wall_s", static_cast<double>(wall_) / 1e9);
    outcome.add("stream_bytes", stream_bytes_);
    outcome.add("private_dirty_kib_connected", connected.private_dirty_kib);
    outcome.add("private_dirty_kib_after", after.private_dirty_kib);
    outcome.add("stalled_bytes_more", stalled_more);
    if (rate_ > 0) {
      outcome.add("late_us_p50", percentile(lateness_, 0.5));
      outcome.add("late_us_p99", percentile(lateness_, 0.99));
      outcome.add("late_us_max", percentile(lateness_, 1.0));
    }
    outcome.add("refused", publisher_.refused());
    add_tally(outcome, crowd_.tally());
    outcome.print();
  }

  uint64_t readers_;
  size_t bytes_;
  size_t window_;
  uint64_t count_;
  uint64_t warm_;
  double seconds_;
  double rate_;
  uint64_t poll_microseconds_;
  uint64_t timeout_;
  uint64_t stalled_;
  uint64_t fill_;
  size_t fill_bytes_;
  uint16_t port_;
  ServerCost cost_;
  Reading reading_;
  Crowd crowd_;
  Publisher publisher_;
  std::vector<uint32_t> lateness_;
  uint64_t cpu_ = 0;
  uint64_t wall_ = 0;
  uint64_t events_ = 0;
  uint64_t stream_bytes_ = 0;
};

}  // namespace

bool run_fan_out(Options& options) { return FanOutRun(options).run(); }

}  // namespace carillon
