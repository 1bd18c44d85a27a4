// `catchup`: one reader takes everything from the start of its topics, as fast as it comes.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "load.h"
#include "server_cost.h"
#include "sockets.h"
#include "stream_parser.h"

namespace carillon {

namespace {

constexpr size_t kBufferBytes = 1024UL * 1024;
// The kernel books a thread's time when it leaves the core: the server must have gone to sleep.
constexpr uint64_t kSettleMicroseconds = 20'000;
constexpr long kQuietMicroseconds = 200'000;

void set_receive_timeout(int fd, timeval timeout) {
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

}  // namespace

bool run_catch_up(Options& options) {
  const auto port = static_cast<uint16_t>(options.number("port"));
  const uint64_t events = options.number("events");
  const size_t topics = options.number("topics", 1);
  const size_t bytes = options.number("bytes", 300);
  const std::string get = options.text("get");
  const StreamForm form = stream_form(options.text("form", "sse"));
  const ServerCost cost(options.text("pid"));
  options.check_all_used();

  const int fd = connect_to(port, Blocking::yes, 0, 0);
  set_receive_timeout(fd, {.tv_sec = 30, .tv_usec = 0});
  StreamParser parser(form, bytes - 2);
  std::vector<Track> tracks(topics);
  std::string buffer(kBufferBytes, '\0');
  Tally tally;
  const auto note = [&](const BenchEvent& event) {
    ++tally.received;
    if (event.lane >= tracks.size()) return void(++tally.damaged);
    tracks[event.lane].note(event.number, tally);
  };
  uint64_t stream_bytes = 0;
  const uint64_t cpu_before = cost.cpu_nanoseconds();
  const uint64_t begin = steady_nanoseconds();
  send_all(fd, stream_request(form, get));
  while (tally.received < events) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      ++(count < 0 && errno == EAGAIN ? tally.timed_out : tally.closed);
      break;
    }
    stream_bytes += static_cast<uint64_t>(count);
    parser.feed({buffer.data(), static_cast<size_t>(count)}, tally, note);
  }
  const uint64_t wall = steady_nanoseconds() - begin;
  sleep_microseconds(kSettleMicroseconds);
  const uint64_t cpu = cost.cpu_nanoseconds() - cpu_before;
  // What comes after the last event comes too often.
  set_receive_timeout(fd, {.tv_sec = 0, .tv_usec = kQuietMicroseconds});
  const ssize_t more = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (more > 0) parser.feed({buffer.data(), static_cast<size_t>(more)}, tally, note);
  ::close(fd);
  for (const Track& track : tracks) tally.missing += events / topics - track.next();

  Outcome outcome;
  outcome.add("events", tally.received);
  outcome.add("cpu_us_per_event", static_cast<double>(cpu) / 1e3 / static_cast<double>(events));
  outcome.add("events_per_s", static_cast<double>(events) * 1e9 / static_cast<double>(wall));
  outcome.add("bytes_per_event", static_cast<double>(stream_bytes) / static_cast<double>(events));
  add_tally(outcome, tally);
  outcome.print();
  return tally.faults() == 0;
}

}  // namespace carillon
