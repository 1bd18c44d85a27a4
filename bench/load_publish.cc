// `publish`: P keep-alive publishers, each with W POSTs unanswered, for some seconds; what was
// acknowledged is then read back and checked. `prepare`: fills topics by NDJSON batches.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "load.h"
#include "publisher.h"
#include "server_cost.h"
#include "sockets.h"
#include "stream_parser.h"

namespace carillon {

namespace {

constexpr uint64_t kNanoseconds = 1'000'000'000;
constexpr double kWarmSeconds = 0.5;
constexpr size_t kReadyMax = 256;
constexpr uint64_t kRetryMicroseconds = 20'000;
constexpr unsigned kSeed = 20240229;

uint64_t total(const std::vector<std::unique_ptr<Publisher>>& publishers,
               uint64_t (Publisher::*count)() const) {
  return std::accumulate(publishers.begin(), publishers.end(), uint64_t{0},
                         [&](uint64_t sum, const auto& p) { return sum + ((*p).*count)(); });
}

// Publishers in a closed loop: an answer makes the next publish.
class PublishLoop {
 public:
  PublishLoop(uint16_t port, const std::string& path, size_t bytes, size_t publishers,
              size_t window)
      : window_(window), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (size_t i = 0; i < publishers; ++i) {
      publishers_.push_back(
          std::make_unique<Publisher>(port, path, bytes, static_cast<uint32_t>(i)));
      publishers_.back()->collect_latencies(&latencies_);
      epoll_event wanted{.events = EPOLLIN, .data = {.ptr = publishers_.back().get()}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, publishers_.back()->fd(), &wanted);
    }
  }
  ~PublishLoop() { ::close(epoll_); }
  PublishLoop(const PublishLoop&) = delete;
  PublishLoop& operator=(const PublishLoop&) = delete;

  void begin() {
    for (const auto& publisher : publishers_) publisher->publish(window_);
  }

  void run_until(uint64_t end, bool publish_on) {
    epoll_event ready[kReadyMax];
    while (steady_nanoseconds() < end && tally_.closed == 0) {
      if (!publish_on && answered() == published()) return;
      const int count = ::epoll_wait(epoll_, ready, kReadyMax, 10);
      for (int i = 0; i < count; ++i) {
        auto& publisher = *static_cast<Publisher*>(ready[i].data.ptr);
        publisher.read_answers(tally_);
        // Freed places are filled in one write: that is what pipelining clients do.
        const uint64_t open = publisher.published() - publisher.answered();
        if (publish_on && open < window_) publisher.publish(window_ - open);
      }
    }
    if (!publish_on && answered() != published()) ++tally_.timed_out;
  }

  uint64_t answered() const { return total(publishers_, &Publisher::answered); }
  uint64_t published() const { return total(publishers_, &Publisher::published); }
  uint64_t refused() const { return total(publishers_, &Publisher::refused); }
  const std::vector<std::unique_ptr<Publisher>>& publishers() const { return publishers_; }
  std::vector<uint32_t>& latencies() { return latencies_; }
  Tally& tally() { return tally_; }

 private:
  size_t window_;
  int epoll_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<uint32_t> latencies_;
  Tally tally_;
};

// Reads everything back from the start: each acknowledged event once, in the order of its
// publisher.
void read_back(uint16_t port, const std::string& path, size_t bytes, PublishLoop& loop) {
  const int fd = connect_to(port, Blocking::yes, 0, 0);
  send_all(fd, stream_request(StreamForm::sse, path));
  const timeval timeout{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  StreamParser parser(StreamForm::sse, bytes);
  std::vector<Track> tracks(loop.publishers().size());
  std::string buffer(256UL * 1024, '\0');
  uint64_t seen = 0;
  while (seen < loop.published()) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    parser.feed({buffer.data(), static_cast<size_t>(count)}, loop.tally(),
                [&](const BenchEvent& e) {
                  ++seen;
                  if (e.lane >= tracks.size()) return void(++loop.tally().damaged);
                  tracks[e.lane].note(e.number, loop.tally());
                });
  }
  ::close(fd);
  loop.tally().received = seen;
  for (size_t i = 0; i < tracks.size(); ++i)
    loop.tally().missing += loop.publishers()[i]->published() - tracks[i].next();
}

}  // namespace

bool run_publish(Options& options) {
  const auto port = static_cast<uint16_t>(options.number("port"));
  const size_t publishers = options.number("publishers", 64);
  const size_t window = options.number("window", 1);
  const size_t bytes = options.number("bytes", 300);
  const double seconds = options.real("seconds", 3);
  const std::string check = options.text("check", "");
  const ServerCost cost(options.text("pid"));
  PublishLoop loop(port, options.text("post"), bytes, publishers, window);
  options.check_all_used();

  loop.begin();
  loop.run_until(steady_nanoseconds() + static_cast<uint64_t>(kWarmSeconds * 1e9), true);
  loop.latencies().clear();
  const uint64_t answered_before = loop.answered();
  const uint64_t cpu_before = cost.cpu_nanoseconds();
  const uint64_t begin = steady_nanoseconds();
  loop.run_until(begin + static_cast<uint64_t>(seconds * 1e9), true);
  const uint64_t answered = loop.answered() - answered_before;
  const auto wall = static_cast<double>(steady_nanoseconds() - begin);
  const auto cpu = static_cast<double>(cost.cpu_nanoseconds() - cpu_before);
  std::vector<uint32_t> latencies = loop.latencies();
  loop.run_until(steady_nanoseconds() + 10 * kNanoseconds, false);
  if (!check.empty() && loop.tally().faults() == 0) read_back(port, check, bytes, loop);

  Outcome outcome;
  outcome.add("publishes", answered);
  outcome.add("publishes_all", loop.published());
  outcome.add("per_s", static_cast<double>(answered) / wall * 1e9);
  outcome.add("cpu_us_per_publish", cpu / 1e3 / static_cast<double>(answered));
  outcome.add("p50_us", percentile(latencies, 0.5));
  outcome.add("p99_us", percentile(latencies, 0.99));
  outcome.add("max_us", percentile(latencies, 1.0));
  outcome.add("refused", loop.refused());
  add_tally(outcome, loop.tally());
  outcome.print();
  return loop.tally().faults() == 0 && loop.refused() == 0;
}

namespace {

// One connection of `prepare`: fills its own topics, round by round in a random order, one batch
// unanswered.
class Filler {
 public:
  Filler(uint16_t port, size_t bytes) : bytes_(bytes), fd_(connect_to(port, Blocking::yes, 0, 0)) {}
  ~Filler() { ::close(fd_); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  void fill(const std::string& path, uint32_t lane, uint64_t first, size_t count) {
    body_.clear();
    for (size_t i = 0; i < count; ++i) {
      body_ += '"';  // each line is JSON
      append_bench_event(body_, {.lane = lane, .number = first + i, .sent_at = 0, .intact = true},
                         bytes_ - 2);
      body_ += "\"\n";
    }
    out_.clear();
    append_post(out_, path, "application/x-ndjson", body_);
    send_all(fd_, out_);
  }

  // Waits for the answer; a hub that fills a spare journal says 503 and means: again.
  void finish() {
    while (true) {
      const int status = answer();
      if (status / 100 == 2) return;
      if (status != 503) give_up("a batch was refused with " + std::to_string(status));
      sleep_microseconds(kRetryMicroseconds);
      send_all(fd_, out_);
    }
  }

 private:
  int answer() {
    std::vector<int> statuses;
    char buffer[4096];
    while (statuses.empty()) {
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) give_up("the server closed the connection that fills it");
      parser_.feed({buffer, static_cast<size_t>(count)}, statuses);
    }
    return statuses.front();
  }

  size_t bytes_;
  int fd_;
  std::string body_;
  std::string out_;
  AnswerParser parser_;
};

}  // namespace

bool run_prepare(Options& options) {
  const auto port = static_cast<uint16_t>(options.number("port"));
  const uint64_t events = options.number("events");
  const size_t topics = options.number("topics", 1);
  const size_t batch = options.number("batch", 100);
  const size_t bytes = options.number("bytes", 300);
  const uint64_t first = options.number("first", 0);
  const std::string prefix = options.text("prefix", "/t/catchup.");
  const size_t connections = std::min<size_t>(options.number("connections", 32), topics);
  options.check_all_used();

  const uint64_t of_topic = events / topics;
  if (of_topic == 0 || of_topic * topics != events) give_up("--events is a multiple of --topics");
  std::vector<std::unique_ptr<Filler>> fillers;
  fillers.reserve(connections);
  for (size_t i = 0; i < connections; ++i) fillers.push_back(std::make_unique<Filler>(port, bytes));
  std::vector<uint32_t> order(topics);
  std::iota(order.begin(), order.end(), 0U);
  std::mt19937 chance(kSeed);
  for (uint64_t done = 0; done < of_topic;) {
    const size_t count = std::min<uint64_t>(batch, of_topic - done);
    std::shuffle(order.begin(), order.end(), chance);
    for (size_t begin = 0; begin < topics; begin += connections) {
      const size_t end = std::min(topics, begin + connections);
      for (size_t i = begin; i < end; ++i)
        fillers[i - begin]->fill(prefix + std::to_string(order[i]), order[i], first + done, count);
      for (size_t i = begin; i < end; ++i) fillers[i - begin]->finish();
    }
    done += count;
  }
  Outcome outcome;
  outcome.add("events", events);
  outcome.print();
  return true;
}

}  // namespace carillon
