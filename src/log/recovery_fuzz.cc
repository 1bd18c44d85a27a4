#include "log/recovery.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "testing/log_fixture.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

constexpr uint64_t kSmallJournal = 256 * kKiB;
// The front of the input: a file, what becomes of it, and a place in it.
constexpr size_t kFrontBytes = 5;
// Each further byte of the input stands for so many zeros.
constexpr size_t kZerosAByte = 64;

struct Stored {
  std::string topic;
  std::string record;
};

// Hands out each event of an open log, to its end.
template <typename Visit>
void read_everything(EmbeddedLog& log, const std::vector<std::string>& patterns, Visit visit) {
  std::vector<TopicPattern> parsed;
  for (const std::string& text : patterns) parsed.push_back(pattern_of(text));
  ReadRequest request{.topics = log.select(std::move(parsed)),
                      .after = {},
                      .bytes_max = kReadBytesMax,
                      .events_max = kPageEventsMax,
                      .told_marks = 0};
  while (request.after < log.durable_end()) {
    const auto read = log.read(request);
    CHECK(read.has_value());
    Position before = request.after;
    for (const EventView& event : read->events) {
      CHECK(event.position() > before && event.position() <= read->looked);
      before = event.position();
      visit(event);
    }
    CHECK(read->looked > request.after);
    request.after = read->looked;
    request.told_marks = read->told_marks;
  }
}

// A stopped log of segments and a journal, with repeats, a mark and a deleted topic.
class StoppedLog {
 public:
  StoppedLog() {
    LogFixture fixture(disk, kSmallJournal);
    CHECK(fixture.open().has_value());
    for (int i = 0; i < 60; ++i) {
      const auto data = fmt::format("{}:", i) + std::string(static_cast<size_t>(i) % 7 * 1500, 'd');
      const auto key = std::to_string(i);
      CHECK(fixture.publish_once("t" + std::to_string(i % 3), data, key).has_value());
      if (i % 20 == 10) fixture.keep_house();
    }
    // The deleted one, too: a journal that is cut behind it has lost the deletion.
    CHECK(fixture.publish("gone", "x").has_value());
    read_everything(fixture.log(), {"**"}, [&](const EventView& event) {
      events[event.position()] = {std::string(event.topic()),
                                  std::string(event.record(), event.record_bytes())};
    });
    CHECK(fixture.drop("gone").has_value());
    CHECK(fixture.log().stats().segments > 0 && events.size() == 61);
  }

  FakeDisk disk;
  std::map<Position, Stored> events;
};

// Opens what the damage left and reads all of it: each event is one that was written, byte for
// byte, whatever else is lost (RELIABILITY F11).
void check_open(FakeDisk& damaged, const StoppedLog& intact) {
  LogFixture fixture(damaged, kSmallJournal);
  if (const auto opened = fixture.open(); !opened) {
    const Errc code = opened.error().code;
    CHECK(code == Errc::corrupt || code == Errc::conflict);
    CHECK(!opened.error().detail.empty());
    return;
  }
  const auto check_event = [&](const EventView& event) {
    const auto written = intact.events.find(event.position());
    CHECK(written != intact.events.end());
    CHECK(written->second.topic == event.topic());
    CHECK(written->second.record == std::string_view(event.record(), event.record_bytes()));
  };
  read_everything(fixture.log(), {"**"}, check_event);
  read_everything(fixture.log(), {"t1"}, check_event);
  // It goes on, and its next event lies behind all that were given.
  const Position end = fixture.log().durable_end();
  const auto next = fixture.publish("t0", "next");
  CHECK(!next || next->last > end);
}

// So that the fuzzer, which copies what is compared into its input, forges no checksum: what it
// forged would be an event that was written.
std::string scrambled(std::string_view bytes) {
  SeededRandom key(1);
  std::string out;
  for (const char c : bytes)
    out += static_cast<char>(static_cast<uint8_t>(c) ^ static_cast<uint8_t>(key.next()));
  return out;
}

// `bytes` stand over the file from `place` on, or as many zeros do, or it ends there.
void damage(std::string& content, size_t place, uint8_t how, std::string_view bytes) {
  constexpr uint8_t kWays = 3;
  if (how % kWays == 0) return content.resize(place);
  const std::string over =
      how % kWays == 1 ? std::string(bytes.size() * kZerosAByte, '\0') : scrambled(bytes);
  std::copy_n(over.begin(), std::min(over.size(), content.size() - place),
              content.begin() + static_cast<std::ptrdiff_t>(place));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  static const StoppedLog kIntact;
  const auto bytes = fuzzed_text(data, size);
  if (bytes.size() < kFrontBytes) return 0;
  const auto names = kIntact.disk.names();
  const std::string& name = names[data[0] % names.size()];
  std::string content = kIntact.disk.content(name);
  if (content.empty()) return 0;
  const size_t place =
      (size_t{data[2]} << 16 | size_t{data[3]} << 8 | size_t{data[4]}) % content.size();
  damage(content, place, data[1], bytes.substr(kFrontBytes));

  FakeDisk damaged = kIntact.disk.copy();
  damaged.put(name, content);
  check_open(damaged, kIntact);
  return 0;
}
