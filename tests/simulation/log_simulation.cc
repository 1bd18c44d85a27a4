// log_simulation --seeds N --first-seed S [--steps K] [--jobs J] [--trace]
//
// Lives of a log and its readers, each decided by a seed, each held against a model. Prints how
// often every step, fault and outcome was met; fails on a contradiction (with the seed, which finds
// it again), and over 1,000 seeds or more on a step that was never taken: a simulation that does
// not do what it says proves nothing.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "simulated_log.h"

namespace carillon {
namespace {

constexpr uint64_t kSeedsForCoverage = 1'000;

struct Arguments {
  uint64_t seeds = 1'000;
  uint64_t first_seed = 1;
  uint64_t steps = 100;
  uint64_t jobs = std::max(1U, std::thread::hardware_concurrency());
  bool trace = false;
};

std::optional<Arguments> parse(std::vector<std::string_view> words) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--trace") {
      arguments.trace = true;
      continue;
    }
    const auto number = i + 1 < words.size() ? parse_decimal(words[i + 1]) : std::nullopt;
    if (!number) return std::nullopt;
    if (words[i] == "--seeds")
      arguments.seeds = *number;
    else if (words[i] == "--first-seed")
      arguments.first_seed = *number;
    else if (words[i] == "--steps")
      arguments.steps = *number;
    else if (words[i] == "--jobs")
      arguments.jobs = std::max<uint64_t>(*number, 1);
    else
      return std::nullopt;
    ++i;
  }
  return arguments;
}

// A CHECK ends the process: its seed is what finds it again.
thread_local uint64_t current_seed = 0;

void say_seed(int) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "aborted under seed %llu\n",
                                   static_cast<unsigned long long>(current_seed));
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0) _exit(4);
  _exit(3);
}

// The seeds of one run, shared by its threads.
class Runs {
 public:
  explicit Runs(const Arguments& arguments) : arguments_(arguments), next_(arguments.first_seed) {}

  void work() {
    for (;;) {
      const uint64_t seed = next_++;
      if (seed >= arguments_.first_seed + arguments_.seeds || stopped_) return;
      current_seed = seed;
      const auto report = SimulatedLog(seed, SimulatedLog::Trace::hashed).run(arguments_.steps);
      const std::scoped_lock lock(mutex_);
      for (const auto& [name, times] : report.taken) taken_[name] += times;
      if (report.violation.empty()) continue;
      stopped_ = true;
      if (!failed_seed_ || seed < *failed_seed_) failed_seed_ = seed;
    }
  }

  std::optional<uint64_t> failed_seed() const { return failed_seed_; }
  std::map<std::string, uint64_t>& taken() { return taken_; }

 private:
  const Arguments& arguments_;
  std::atomic<uint64_t> next_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // guards what follows while threads run
  std::map<std::string, uint64_t> taken_;
  std::optional<uint64_t> failed_seed_;
};

void show(uint64_t seed, uint64_t steps) {
  current_seed = seed;
  const auto report = SimulatedLog(seed, SimulatedLog::Trace::kept).run(steps);
  fmt::print("{}seed {}, trace {:016x}: {}\n", report.trace, seed, report.trace_hash,
             report.violation.empty() ? "no contradiction" : report.violation);
}

bool repeats_itself(uint64_t seed, uint64_t steps) {
  current_seed = seed;
  const auto first = SimulatedLog(seed, SimulatedLog::Trace::hashed).run(steps);
  const auto second = SimulatedLog(seed, SimulatedLog::Trace::hashed).run(steps);
  if (first.trace_hash == second.trace_hash) return true;
  fmt::print("seed {} did two different things: {:016x} and {:016x}\n", seed, first.trace_hash,
             second.trace_hash);
  return false;
}

// True when nothing stayed at zero that should not have.
bool print_coverage(const std::map<std::string, uint64_t>& taken, bool must_be_whole) {
  bool whole = true;
  for (const std::string& name : SimulatedLog::names()) {
    const auto found = taken.find(name);
    const uint64_t times = found == taken.end() ? 0 : found->second;
    fmt::print("{:>12} {}\n", times, name);
    whole = whole && times > 0;
  }
  if (must_be_whole && !whole) fmt::print("something above was never met\n");
  return whole || !must_be_whole;
}

int run(const Arguments& arguments) {
  std::signal(SIGABRT, say_seed);
  if (arguments.trace) {
    show(arguments.first_seed, arguments.steps);
    return 0;
  }
  if (!repeats_itself(arguments.first_seed, arguments.steps)) return 1;
  Runs runs(arguments);
  std::vector<std::thread> threads;
  threads.reserve(arguments.jobs);
  for (uint64_t i = 0; i < arguments.jobs; ++i) threads.emplace_back([&] { runs.work(); });
  for (std::thread& thread : threads) thread.join();
  if (const auto seed = runs.failed_seed()) {
    show(*seed, arguments.steps);
    return 1;
  }
  fmt::print("{} seeds of {} steps, no contradiction\n", arguments.seeds, arguments.steps);
  return print_coverage(runs.taken(), arguments.seeds >= kSeedsForCoverage) ? 0 : 1;
}

}  // namespace
}  // namespace carillon

int main(int argc, char** argv) {
  const auto arguments = carillon::parse({argv + 1, argv + argc});
  if (arguments) return carillon::run(*arguments);
  fmt::print(stderr, "log_simulation --seeds N --first-seed S [--steps K] [--jobs J] [--trace]\n");
  return 2;
}
