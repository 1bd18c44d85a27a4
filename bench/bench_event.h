// The events that the load tool publishes: each says who it is, so that a reader can tell loss,
// doubles, disorder and damage. A figure of a server that delivers something else is worthless.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon {

// What a reader finds in an event. A value.
struct BenchEvent {
  uint32_t lane = 0;     // whose numbers these are: a topic or a publisher
  uint64_t number = 0;   // 0, 1, 2, … in its lane
  uint64_t sent_at = 0;  // steady clock, nanoseconds
  bool intact = false;   // length and filler are those that were published
};

// `@@lane:number:sent_at|` and filler that depends on the number: plain letters, safe in JSON and
// SSE.
inline constexpr size_t kBenchEventBytesMin = 41;
inline constexpr size_t kBenchEventBytesMax = 128UL * 1024;
void append_bench_event(std::string& out, const BenchEvent& event, size_t bytes);
// The event in `line`, wherever it begins; nothing when there is none. `bytes` is the length that
// was published.
std::optional<BenchEvent> find_bench_event(std::string_view line, size_t bytes);

// What went wrong so far, over all readers.
struct Tally {
  uint64_t received = 0;
  uint64_t missing = 0;
  uint64_t doubled = 0;
  uint64_t reordered = 0;
  uint64_t damaged = 0;
  uint64_t told_gaps = 0;
  uint64_t closed = 0;
  uint64_t timed_out = 0;

  uint64_t faults() const {
    return missing + doubled + reordered + damaged + told_gaps + closed + timed_out;
  }
};

// How far one reader is in one lane. Tells a double from a late one within 64 numbers.
class Track {
 public:
  // False for a repeat.
  bool note(uint64_t number, Tally& tally);
  uint64_t next() const { return next_; }

 private:
  uint64_t next_ = 0;
  uint64_t seen_ = 0;  // bit i: next_ - 1 - i was seen
};

uint64_t steady_nanoseconds();

}  // namespace carillon
