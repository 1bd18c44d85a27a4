// `roundtrip`: one connection that publishes, and publishes again when it has read the event back.
// `--form session`: to a topic that it subscribes to. `--form websocket`: to an echo, which sends
// the op itself back. It blocks while it waits, or its latency would be that of its sleeps.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "load.h"
#include "server_cost.h"
#include "sockets.h"
#include "stream_parser.h"
#include "web_socket.h"

namespace carillon {

namespace {

// The kernel books a thread's time when it leaves the core: the server must have gone to sleep.
constexpr uint64_t kSettleMicroseconds = 20'000;
constexpr timeval kReadTimeout{.tv_sec = 10, .tv_usec = 0};
constexpr timeval kQuietTimeout{.tv_sec = 0, .tv_usec = 100'000};

class RoundTripRun {
 public:
  explicit RoundTripRun(Options& options)
      : form_(stream_form(options.text("form"))),
        path_(options.text("get")),
        topic_(options.text("topic")),
        bytes_(options.number("bytes", 128)),
        count_(options.number("count", 10'000)),
        warm_(options.number("warm", 1'000)),
        step_(1e9 / options.real("rate", 5'000)),
        cost_(options.text("pid")),
        parser_(form_, bytes_) {
    const auto port = static_cast<uint16_t>(options.number("port"));
    options.check_all_used();
    if (form_ != StreamForm::session && form_ != StreamForm::websocket)
      give_up("round trips are of a session or of an echo");
    fd_ = connect_to(port, Blocking::yes, 0, 0);
  }
  ~RoundTripRun() { ::close(fd_); }
  RoundTripRun(const RoundTripRun&) = delete;
  RoundTripRun& operator=(const RoundTripRun&) = delete;

  bool run() {
    set_timeout(kReadTimeout);
    open();
    make_trips(warm_);
    latencies_.clear();
    latencies_.reserve(count_);
    sleep_microseconds(kSettleMicroseconds);
    const uint64_t cpu_before = cost_.cpu_nanoseconds();
    const uint64_t begin = steady_nanoseconds();
    make_trips(count_);
    const uint64_t wall = steady_nanoseconds() - begin;
    read_answers();
    sleep_microseconds(kSettleMicroseconds);
    const uint64_t cpu = cost_.cpu_nanoseconds() - cpu_before;
    check_quiet();
    report(cpu, wall);
    return tally_.faults() == 0;
  }

 private:
  void set_timeout(timeval timeout) const {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  }

  bool fine() const { return tally_.faults() == 0; }

  // Until something came.
  void read() {
    char buffer[16 * 1024];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) {
      ++(count < 0 && errno == EAGAIN ? tally_.timed_out : tally_.closed);
      return;
    }
    parser_.feed({buffer, static_cast<size_t>(count)}, tally_, [&](const BenchEvent& event) {
      ++tally_.received;
      track_.note(event.number, tally_);
    });
  }

  void open() {
    send_all(fd_, stream_request(form_, path_));
    while (fine() && !parser_.body_began()) read();
    if (form_ == StreamForm::session) {
      std::string op;
      append_subscribe_op(op, topic_);
      send_all(fd_, op);
      while (fine() && parser_.answers() == 0) read();
    }
    if (!fine()) give_up("the server does not begin its WebSocket");
  }

  // At their pace, or one after the other as long as they are behind it.
  void make_trips(uint64_t count) {
    const uint64_t begin = steady_nanoseconds();
    for (uint64_t i = 0; i < count && fine(); ++i) {
      const uint64_t due = begin + static_cast<uint64_t>(step_ * static_cast<double>(i));
      const uint64_t now = steady_nanoseconds();
      if (now < due) sleep_microseconds((due - now) / 1000);
      make_trip();
    }
  }

  void make_trip() {
    const uint64_t number = track_.next();
    const uint64_t begin = steady_nanoseconds();
    op_.assign(R"({"op":"publish","id":"p","topic":")").append(topic_).append(R"(","data":")");
    append_bench_event(op_, {.lane = 0, .number = number, .sent_at = begin, .intact = true},
                       bytes_);
    op_ += R"("})";
    out_.clear();
    append_client_frame(out_, FrameKind::text, op_);
    send_all(fd_, out_);
    while (fine() && track_.next() <= number) read();
    latencies_.push_back(static_cast<uint32_t>((steady_nanoseconds() - begin) / 1000));
  }

  // Every publish is answered as well, before its event or behind it. The first answer was the
  // subscription's.
  void read_answers() {
    if (form_ != StreamForm::session) return;
    while (fine() && parser_.answers() < 1 + track_.next()) read();
  }

  // What comes now comes too often.
  void check_quiet() {
    if (!fine()) return;
    set_timeout(kQuietTimeout);
    const uint64_t answers = parser_.answers();
    read();
    tally_.timed_out = 0;
    if (parser_.answers() != answers) ++tally_.doubled;
  }

  void report(uint64_t cpu, uint64_t wall) {
    const auto trips = static_cast<double>(latencies_.size());
    Outcome outcome;
    outcome.add("round_trips", static_cast<uint64_t>(latencies_.size()));
    outcome.add("per_s", trips * 1e9 / static_cast<double>(wall));
    outcome.add("cpu_us_per_round_trip", static_cast<double>(cpu) / 1e3 / trips);
    outcome.add("p50_us", percentile(latencies_, 0.5));
    outcome.add("p99_us", percentile(latencies_, 0.99));
    outcome.add("max_us", percentile(latencies_, 1.0));
    add_tally(outcome, tally_);
    outcome.print();
  }

  StreamForm form_;
  std::string path_;
  std::string topic_;
  size_t bytes_;
  uint64_t count_;
  uint64_t warm_;
  double step_;  // nanoseconds
  ServerCost cost_;
  StreamParser parser_;
  int fd_ = -1;
  Track track_;
  Tally tally_;
  std::string op_;
  std::string out_;
  std::vector<uint32_t> latencies_;
};

}  // namespace

bool run_round_trip(Options& options) { return RoundTripRun(options).run(); }

}  // namespace carillon
