#include "bench_event.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "options.h"

namespace carillon {

namespace {

constexpr size_t kLaneDigits = 6;
constexpr size_t kNumberDigits = 10;
constexpr size_t kTimeDigits = 19;
constexpr size_t kLetters = 26;
constexpr unsigned kSeenBits = 64;

// Letters to compare with: filler of any length begins at the letter of its number.
const std::string& filler(uint64_t number) {
  static const std::array<std::string, kLetters> kFillers = [] {
    std::array<std::string, kLetters> made;
    for (size_t i = 0; i < kLetters; ++i)
      made[i] = std::string(kBenchEventBytesMax, static_cast<char>('a' + i));
    return made;
  }();
  return kFillers[number % kLetters];
}

bool take_digits(std::string_view& rest, size_t digits, char end, uint64_t& value) {
  if (rest.size() <= digits || rest[digits] != end) return false;
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (rest[i] < '0' || rest[i] > '9') return false;
    value = value * 10 + static_cast<uint64_t>(rest[i] - '0');
  }
  rest.remove_prefix(digits + 1);
  return true;
}

}  // namespace

void append_bench_event(std::string& out, const BenchEvent& event, size_t bytes) {
  if (bytes < kBenchEventBytesMin || bytes > kBenchEventBytesMax)
    give_up("an event has 41 to 131072 bytes");
  char head[kBenchEventBytesMin + 1];
  const int length = std::snprintf(head, sizeof head, "@@%06u:%010llu:%019llu|", event.lane,
                                   static_cast<unsigned long long>(event.number),
                                   static_cast<unsigned long long>(event.sent_at));
  out.append(head, static_cast<size_t>(length));
  out.append(filler(event.number), 0, bytes - static_cast<size_t>(length));
}

std::optional<BenchEvent> find_bench_event(std::string_view line, size_t bytes) {
  const size_t at = line.find("@@");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + 2);
  const size_t whole = rest.size() + 2;
  BenchEvent event;
  uint64_t lane = 0;
  if (!take_digits(rest, kLaneDigits, ':', lane) ||
      !take_digits(rest, kNumberDigits, ':', event.number) ||
      !take_digits(rest, kTimeDigits, '|', event.sent_at)) {
    return event;  // not intact
  }
  event.lane = static_cast<uint32_t>(lane);
  const size_t head = whole - rest.size();
  const size_t fill = bytes - head;
  event.intact = rest.size() >= fill &&
                 std::memcmp(rest.data(), filler(event.number).data(), fill) == 0 &&
                 (rest.size() == fill || rest[fill] == '"');
  return event;
}

bool Track::note(uint64_t number, Tally& tally) {
  if (number >= next_) {
    const uint64_t skipped = number - next_;
    tally.missing += skipped;
    seen_ = skipped + 1 >= kSeenBits ? 1 : (seen_ << (skipped + 1)) | 1;
    next_ = number + 1;
    return true;
  }
  const uint64_t age = next_ - 1 - number;
  if (age >= kSeenBits || ((seen_ >> age) & 1) != 0) {
    ++tally.doubled;
    return false;
  }
  seen_ |= uint64_t{1} << age;
  ++tally.reordered;
  --tally.missing;
  return true;
}

uint64_t steady_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace carillon
