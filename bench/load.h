// The commands of the load tool: each takes one measurement and prints one JSON object.
#pragma once

#include "bench_event.h"
#include "options.h"

namespace carillon {

// Each returns whether everything that was published came once, in order and whole.
bool run_fan_out(Options& options);
bool run_idle(Options& options);
bool run_publish(Options& options);
bool run_prepare(Options& options);
bool run_catch_up(Options& options);
bool run_polling(Options& options);
bool run_round_trip(Options& options);

// The members `missing` to `timed_out`, and `faults`, their sum.
void add_tally(Outcome& outcome, const Tally& tally);

}  // namespace carillon
