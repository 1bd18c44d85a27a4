// The load tool: publishes, reads, checks what it reads, and says what the server used meanwhile.
#include "load.h"

#include <cstdio>
#include <cstring>
#include <string_view>

namespace carillon {

void add_tally(Outcome& outcome, const Tally& tally) {
  outcome.add("received", tally.received);
  outcome.add("missing", tally.missing);
  outcome.add("doubled", tally.doubled);
  outcome.add("reordered", tally.reordered);
  outcome.add("damaged", tally.damaged);
  outcome.add("told_gaps", tally.told_gaps);
  outcome.add("closed", tally.closed);
  outcome.add("timed_out", tally.timed_out);
  outcome.add("faults", tally.faults());
}

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitFaults = 3;

int run(int count, char** arguments) {
  struct Command {
    std::string_view name;
    bool (*run)(Options&);
  };
  constexpr Command kCommands[] = {
      {"fanout", run_fan_out},       {"idle", run_idle},        {"publish", run_publish},
      {"prepare", run_prepare},      {"catchup", run_catch_up}, {"polling", run_polling},
      {"roundtrip", run_round_trip},
  };
  for (const Command& command : kCommands) {
    if (count < 2 || command.name != arguments[1]) continue;
    Options options(count - 2, arguments + 2);
    return command.run(options) ? 0 : kExitFaults;
  }
  std::fputs(
      "usage: carillon_bench_load fanout|idle|publish|prepare|catchup|polling|roundtrip "
      "--name value …\n",
      stderr);
  return kExitUsage;
}

}  // namespace

}  // namespace carillon

int main(int count, char** arguments) { return carillon::run(count, arguments); }
