// What an event costs in the log itself, on a real directory: appending at 100 a commit, and
// reading `**` from sealed segments, cold and warm. `carillon_bench_log --dir DIR --topics N`: DIR
// must not exist; it is left for a look.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "event/event.h"
#include "event/record.h"
#include "event/topic.h"
#include "log/disk.h"
#include "log/embedded_log.h"

namespace carillon {
namespace {

constexpr size_t kCommitEvents = 100;
constexpr size_t kNumberDigits = 12;
constexpr uint64_t kJournalBytes = 64UL << 20;
constexpr size_t kReadEvents = 1000;
constexpr size_t kReadBytes = 256UL << 10;
constexpr std::chrono::seconds kSealTime{120};
constexpr unsigned kReadRounds = 3;

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "log_bench: %s\n", reason.c_str());
  std::exit(2);
}

template <typename T>
T must(Result<T> result, const char* what) {
  if (!result) give_up(std::string(what) + ": " + result.error().detail);
  return std::move(*result);
}

double cpu_microseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Plan {
  std::string directory;
  uint64_t events = 1'000'000;
  size_t topics = 100;
  size_t bytes = 300;
};

// Makes appends of 100 events: each in a topic of chance, with a number that rises in its topic.
class Generator {
 public:
  explicit Generator(const Plan& plan) : plan_(plan), numbers_(plan.topics) {
    for (size_t i = 0; i < plan.topics; ++i) names_.push_back("bench.topic-" + std::to_string(i));
    event_.type = kDefaultType;
    event_.form = DataForm::text;
    event_.data_content_type = "text/plain";
    event_.data = std::string(plan.bytes, 'x');
  }

  Append next() {
    Append append;
    append.records.reserve(kCommitEvents * (plan_.bytes + 160));
    for (size_t i = 0; i < kCommitEvents; ++i) {
      const size_t topic = random_.below(plan_.topics);
      char number[kNumberDigits + 1];
      std::snprintf(number, sizeof number, "%012llu",
                    static_cast<unsigned long long>(numbers_[topic]++));
      event_.data.replace(0, kNumberDigits, number, kNumberDigits);
      event_.source = default_source(names_[topic]);
      event_.id = make_uuid_v7(WallTime{}, random_);
      append.items.push_back({.topic = names_[topic],
                              .offset = static_cast<uint32_t>(append.records.size()),
                              .repeat = {},
                              .given = {}});
      append_event_record(append.records, event_, TopicId{}, names_[topic]);
    }
    return append;
  }

 private:
  const Plan& plan_;
  std::vector<uint64_t> numbers_;
  std::vector<std::string> names_;
  Event event_;
  SeededRandom random_{20240229};
};

// Waits for `done` of one append.
class Waiter {
 public:
  void finish(const Result<Appended>& result) {
    const std::lock_guard lock(mutex_);
    if (!result) give_up("append: " + result.error().detail);
    done_ = true;
    wake_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return done_; });
    done_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
};

class LogBench {
 public:
  explicit LogBench(const Plan& plan) : plan_(plan) {
    if (std::filesystem::exists(plan.directory))
      give_up(plan.directory + " exists: name a new one");
    disk_ = must(PosixDisk::open_directory(plan.directory, PosixDisk::Lock::exclusive), "open");
    EmbeddedLog::Options options;
    options.settings_for = [](std::string_view) { return TopicSettings{}; };
    options.journal_bytes = kJournalBytes;
    options.on_failed = [](const Error& error) { give_up(error.detail); };
    log_ = must(EmbeddedLog::open(*disk_, clock_, random_, logger_, std::move(options)), "open");
  }

  void run() {
    append_all();
    wait_until_sealed();
    auto topics = log_->select({must(TopicPattern::parse("**"), "pattern")});
    std::vector<double> cold;
    std::vector<double> warm;
    for (unsigned round = 0; round < kReadRounds; ++round) {
      drop_cache();
      cold.push_back(read_all(topics));
      warm.push_back(read_all(topics));
    }
    const LogStats stats = log_->stats();
    std::printf(
        "{\"topics\": %zu, \"events\": %llu, \"bytes\": %zu, \"append_cpu_us\": %.3f, "
        "\"append_sealed_cpu_us\": %.3f, \"append_per_s\": %.0f, \"read_cold_cpu_us\": %.3f, "
        "\"read_warm_cpu_us\": %.3f, \"segments\": %llu, \"journals\": %llu, \"faults\": %llu}\n",
        plan_.topics, static_cast<unsigned long long>(plan_.events), plan_.bytes, append_cpu_,
        append_sealed_cpu_, append_rate_, median(cold), median(warm),
        static_cast<unsigned long long>(stats.segments),
        static_cast<unsigned long long>(stats.journals), static_cast<unsigned long long>(faults_));
  }

  uint64_t faults() const { return faults_; }

 private:
  // CPU of all threads but what this one spends on making events.
  void append_all() {
    Generator generator(plan_);
    Waiter waiter;
    double generating = 0;
    const double begin = cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID);
    const double wall_begin = cpu_microseconds(CLOCK_MONOTONIC);
    for (uint64_t done = 0; done < plan_.events; done += kCommitEvents) {
      const double before = cpu_microseconds(CLOCK_THREAD_CPUTIME_ID);
      Append append = generator.next();
      append.done = [&](const Result<Appended>& result) { waiter.finish(result); };
      std::vector<Append> appends;
      appends.push_back(std::move(append));
      generating += cpu_microseconds(CLOCK_THREAD_CPUTIME_ID) - before;
      log_->append(std::move(appends));
      waiter.wait();
    }
    const auto events = static_cast<double>(plan_.events);
    append_cpu_ = (cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID) - begin - generating) / events;
    append_rate_ = events / (cpu_microseconds(CLOCK_MONOTONIC) - wall_begin) * 1e6;
    generating_ = generating;
    append_begin_ = begin;
  }

  // Until housekeeping has sealed what it will: the number of segments rests for two seconds.
  void wait_until_sealed() {
    const auto end = std::chrono::steady_clock::now() + kSealTime;
    double last_cpu = 0;
    for (int quiet = 0; quiet < 4;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      const double cpu = cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID);
      quiet = cpu - last_cpu < 5'000 ? quiet + 1 : 0;
      last_cpu = cpu;
      if (std::chrono::steady_clock::now() > end) give_up("sealing does not end");
    }
    append_sealed_cpu_ =
        (cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID) - append_begin_ - generating_) /
        static_cast<double>(plan_.events);
  }

  void drop_cache() const {
    for (const auto& entry : std::filesystem::directory_iterator(plan_.directory)) {
      if (!entry.is_regular_file()) continue;
      const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      ::fdatasync(fd);
      ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
      ::close(fd);
    }
  }

  // CPU microseconds an event; checks that every topic's numbers follow each other.
  double read_all(const std::shared_ptr<TopicSelection>& topics) {
    std::vector<uint64_t> next(plan_.topics);
    uint64_t seen = 0;
    ReadRequest request{.topics = topics,
                        .after = kBeforeEverything,
                        .bytes_max = kReadBytes,
                        .events_max = kReadEvents,
                        .told_marks = 0};
    const double begin = cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID);
    while (request.after < log_->durable_end()) {
      const ReadResult result = must(log_->read(request), "read");
      faults_ += result.gaps.size() + result.damage.size();
      Position last = request.after;
      for (const EventView& event : result.events) {
        const size_t topic =
            std::strtoull(event.topic().data() + std::strlen("bench.topic-"), nullptr, 10);
        const std::string number(event.data().substr(0, kNumberDigits));
        if (topic >= next.size() || std::strtoull(number.c_str(), nullptr, 10) != next[topic]++ ||
            event.position() <= last) {
          ++faults_;
        }
        last = event.position();
      }
      seen += result.events.size();
      if (result.looked <= request.after) give_up("a read does not move on");
      request.after = result.looked;
      request.told_marks = result.told_marks;
    }
    if (seen != plan_.events) ++faults_;
    return (cpu_microseconds(CLOCK_PROCESS_CPUTIME_ID) - begin) / static_cast<double>(seen);
  }

  const Plan& plan_;
  SystemClock clock_;
  SystemRandom random_;
  NullLogger logger_;
  std::unique_ptr<PosixDisk> disk_;
  std::unique_ptr<EmbeddedLog> log_;
  double generating_ = 0;
  double append_begin_ = 0;
  double append_cpu_ = 0;
  double append_sealed_cpu_ = 0;
  double append_rate_ = 0;
  uint64_t faults_ = 0;
};

Plan parse(int count, char** arguments) {
  Plan plan;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    const std::string value = arguments[i + 1];
    if (name == "--dir")
      plan.directory = value;
    else if (name == "--events")
      plan.events = std::stoull(value);
    else if (name == "--topics")
      plan.topics = std::stoull(value);
    else if (name == "--bytes")
      plan.bytes = std::stoull(value);
    else
      give_up("unknown option " + name);
  }
  if (plan.directory.empty() || plan.topics == 0 || plan.bytes < kNumberDigits ||
      plan.events % kCommitEvents != 0) {
    give_up("usage: carillon_bench_log --dir NEW [--events N00] [--topics N] [--bytes N]");
  }
  return plan;
}

int run(int count, char** arguments) {
  const Plan plan = parse(count, arguments);
  LogBench bench(plan);
  bench.run();
  return bench.faults() == 0 ? 0 : 3;
}

}  // namespace
}  // namespace carillon

int main(int count, char** arguments) { return carillon::run(count, arguments); }
