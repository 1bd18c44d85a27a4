// `polling`: N clients that ask for the page behind their cursor at every interval, while events
// come at a pace. (The same clients on SSE: `fanout --rate`.)
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "load.h"
#include "publisher.h"
#include "server_cost.h"
#include "sockets.h"

namespace carillon {

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr unsigned kSeed = 20240229;

// One polling client on its keep-alive connection.
class PollingClient {
 public:
  PollingClient(uint16_t port, std::string page, size_t event_bytes)
      : page_(std::move(page)),
        event_bytes_(event_bytes),
        fd_(connect_to(port, Blocking::no, 0, 0)) {}
  ~PollingClient() { ::close(fd_); }
  PollingClient(const PollingClient&) = delete;
  PollingClient& operator=(const PollingClient&) = delete;

  void ask() {
    const std::string request = "GET " + page_ + "?limit=1000&after=" + cursor_ +
                                " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
    send_all(fd_, request);
    bytes_ += request.size();
    ++requests_;
    waiting_ = true;
  }

  // Takes the answer when it is there.
  void look(Tally& tally, std::vector<uint32_t>* staleness) {
    if (!waiting_) return;
    char buffer[16 * 1024];
    while (true) {
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) return void(++tally.closed);
      bytes_ += static_cast<uint64_t>(count);
      in_.append(buffer, static_cast<size_t>(count));
      if (take_answer(tally, staleness)) return;
    }
  }

  bool waiting() const { return waiting_; }
  uint64_t requests() const { return requests_; }
  uint64_t bytes() const { return bytes_; }
  const Track& track() const { return track_; }

 private:
  bool take_answer(Tally& tally, std::vector<uint32_t>* staleness) {
    const size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const char* length = ::strcasestr(in_.c_str(), "\r\ncontent-length:");
    const size_t body_bytes = length == nullptr ? 0 : std::strtoull(length + 17, nullptr, 10);
    if (in_.size() < end + 4 + body_bytes) return false;
    const char* cursor = ::strcasestr(in_.c_str(), "\r\ncarillon-cursor: ");
    if (!in_.starts_with("HTTP/1.1 200") || cursor == nullptr) {
      ++tally.damaged;
    } else {
      cursor_.assign(cursor + 19, std::strcspn(cursor + 19, "\r"));
      take_page(std::string_view(in_).substr(end + 4), tally, staleness);
    }
    in_.clear();
    waiting_ = false;
    return true;
  }

  void take_page(std::string_view page, Tally& tally, std::vector<uint32_t>* staleness) {
    const uint64_t now = steady_nanoseconds();
    for (size_t end; (end = page.find('\n')) != std::string_view::npos;
         page.remove_prefix(end + 1)) {
      const auto event = find_bench_event(page.substr(0, end), event_bytes_);
      if (!event) continue;
      ++tally.received;
      if (!event->intact) {
        ++tally.damaged;
      } else if (track_.note(event->number, tally) && staleness != nullptr) {
        staleness->push_back(static_cast<uint32_t>((now - event->sent_at) / 1000));
      }
    }
  }

  std::string page_;
  size_t event_bytes_;
  int fd_;
  std::string cursor_ = "first";
  std::string in_;
  bool waiting_ = false;
  uint64_t requests_ = 0;
  uint64_t bytes_ = 0;
  Track track_;
};

// The whole run: clients spread over the interval, events at their pace.
class PollingRun {
 public:
  explicit PollingRun(Options& options)
      : interval_(options.number("interval-ms", 1000) * kMillisecond),
        seconds_(options.real("seconds", 20)),
        rate_(options.real("rate", 2)),
        poll_microseconds_(options.number("poll-us", 200)),
        cost_(options.text("pid")) {
    const auto port = static_cast<uint16_t>(options.number("port"));
    const size_t bytes = options.number("bytes", 300);
    const std::string get = options.text("get");
    const size_t clients = options.number("clients", 200);
    publisher_ = std::make_unique<Publisher>(port, options.text("post"), bytes, 0);
    options.check_all_used();
    raise_open_files(clients + 64);
    for (size_t i = 0; i < clients; ++i)
      clients_.push_back(std::make_unique<PollingClient>(port, get, bytes));
  }

  bool run() {
    ask_all_once();
    const uint64_t begin = steady_nanoseconds();
    std::mt19937_64 chance(kSeed);
    std::vector<uint64_t> next(clients_.size());
    for (uint64_t& time : next) time = begin + chance() % interval_;
    const uint64_t requests_before = sum(&PollingClient::requests);
    const uint64_t bytes_before = sum(&PollingClient::bytes);
    const uint64_t cpu_before = cost_.cpu_nanoseconds();
    const uint64_t end = begin + static_cast<uint64_t>(seconds_ * 1e9);
    const double step = 1e9 / rate_;
    uint64_t published = 0;
    // One interval more, so that everything published is seen.
    for (uint64_t now = begin; now < end + interval_ + 50 * kMillisecond;
         now = steady_nanoseconds()) {
      if (now < end && static_cast<double>(now - begin) >= step * static_cast<double>(published)) {
        publisher_->publish(1);
        ++published;
      }
      publisher_->read_answers(tally_);
      for (size_t i = 0; i < clients_.size(); ++i) {
        clients_[i]->look(tally_, &staleness_);
        if (clients_[i]->waiting() || now < next[i]) continue;
        clients_[i]->ask();
        next[i] += interval_;
      }
      sleep_microseconds(poll_microseconds_);
    }
    for (const auto& client : clients_) tally_.missing += published - client->track().next();
    report(published, sum(&PollingClient::requests) - requests_before,
           sum(&PollingClient::bytes) - bytes_before, cost_.cpu_nanoseconds() - cpu_before);
    return tally_.faults() == 0 && publisher_->refused() == 0;
  }

 private:
  uint64_t sum(uint64_t (PollingClient::*count)() const) const {
    uint64_t all = 0;
    for (const auto& client : clients_) all += ((*client).*count)();
    return all;
  }

  // Each has a cursor before anything is published.
  void ask_all_once() {
    for (const auto& client : clients_) {
      client->ask();
      const uint64_t end = steady_nanoseconds() + 10'000 * kMillisecond;
      while (client->waiting()) {
        client->look(tally_, nullptr);
        if (steady_nanoseconds() > end || tally_.closed > 0) give_up("the page is not answered");
        sleep_microseconds(poll_microseconds_);
      }
    }
  }

  void report(uint64_t published, uint64_t requests, uint64_t bytes, uint64_t cpu) {
    Outcome outcome;
    outcome.add("clients", static_cast<uint64_t>(clients_.size()));
    outcome.add("events", published);
    outcome.add("requests", requests);
    outcome.add("bytes", bytes);
    outcome.add("cpu_us", static_cast<double>(cpu) / 1e3);
    outcome.add("late_us_p50", percentile(staleness_, 0.5));
    outcome.add("late_us_p99", percentile(staleness_, 0.99));
    outcome.add("refused", publisher_->refused());
    add_tally(outcome, tally_);
    outcome.print();
  }

  uint64_t interval_;
  double seconds_;
  double rate_;
  uint64_t poll_microseconds_;
  ServerCost cost_;
  std::unique_ptr<Publisher> publisher_;
  std::vector<std::unique_ptr<PollingClient>> clients_;
  std::vector<uint32_t> staleness_;
  Tally tally_;
};

}  // namespace

bool run_polling(Options& options) { return PollingRun(options).run(); }

}  // namespace carillon
