// `idle`: what N quiet readers cost in memory and, over some seconds, in CPU time.
#include <algorithm>

#include "crowd.h"
#include "load.h"
#include "publisher.h"
#include "server_cost.h"
#include "sockets.h"

namespace carillon {

namespace {

// So many first: what a server makes once (loops' scratch, pools, caches) is not the readers'.
constexpr size_t kFirstReaders = 32;
constexpr uint64_t kSettleMicroseconds = 500'000;
constexpr uint64_t kDeliveryTimeout = 30'000'000'000;
constexpr uint64_t kLookMicroseconds = 500'000;

void deliver_one(Crowd& crowd, Publisher& publisher) {
  publisher.publish(1);
  crowd.expect(publisher.published());
  const uint64_t end = steady_nanoseconds() + kDeliveryTimeout;
  while (crowd.behind() > 0 || publisher.answered() < publisher.published()) {
    publisher.read_answers(crowd.tally());
    crowd.look();
    if (steady_nanoseconds() > end) give_up("an event did not reach all readers");
    sleep_microseconds(200);
  }
  sleep_microseconds(kSettleMicroseconds);
}

// Pings are answered meanwhile, or the server would take its readers for dead.
void stay_idle(double seconds, Crowd& first, Crowd& crowd) {
  const uint64_t end = steady_nanoseconds() + static_cast<uint64_t>(seconds * 1e9);
  for (uint64_t now; (now = steady_nanoseconds()) < end;) {
    sleep_microseconds(std::min(kLookMicroseconds, (end - now) / 1000 + 1));
    first.look();
    crowd.look();
  }
}

double each(uint64_t after, uint64_t before, size_t readers) {
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(readers);
}

}  // namespace

bool run_idle(Options& options) {
  const auto port = static_cast<uint16_t>(options.number("port"));
  const size_t readers = options.number("readers");
  const size_t bytes = options.number("bytes", 128);
  const double seconds = options.real("seconds", 30);
  const Reading reading = reading_of(options);
  const std::string post = options.text("post");
  const ServerCost cost(options.text("pid"));
  options.check_all_used();
  raise_open_files(readers + kFirstReaders + 64);

  Publisher publisher(port, post, bytes, 0);
  publisher.spread_over(reading.subscriptions);
  Crowd first(port, reading, bytes);
  first.connect(kFirstReaders);
  deliver_one(first, publisher);
  const MemoryUse before = cost.memory();
  const uint64_t cpu_before = cost.cpu_nanoseconds();
  Crowd crowd(port, reading, bytes);
  crowd.connect(readers);
  const uint64_t cpu_connected = cost.cpu_nanoseconds();
  sleep_microseconds(kSettleMicroseconds);
  const MemoryUse connected = cost.memory();
  const uint64_t idle_begin = cost.cpu_nanoseconds();
  stay_idle(seconds, first, crowd);
  const uint64_t idle_cpu = cost.cpu_nanoseconds() - idle_begin;
  // (Made now: a server need not wait so long for a first request.)
  Publisher second_publisher(port, post, bytes, 0);
  second_publisher.spread_over(reading.subscriptions);
  deliver_one(crowd, second_publisher);
  const MemoryUse delivered = cost.memory();

  Outcome outcome;
  outcome.add("readers", static_cast<uint64_t>(readers));
  outcome.add("connect_cpu_us", each(cpu_connected, cpu_before, readers) / 1e3);
  outcome.add("private_dirty_kib",
              each(connected.private_dirty_kib, before.private_dirty_kib, readers));
  outcome.add("resident_kib", each(connected.resident_kib, before.resident_kib, readers));
  outcome.add("private_dirty_kib_delivered",
              each(delivered.private_dirty_kib, before.private_dirty_kib, readers));
  outcome.add("resident_kib_delivered", each(delivered.resident_kib, before.resident_kib, readers));
  outcome.add("idle_seconds", seconds);
  outcome.add("idle_cpu_ms", static_cast<double>(idle_cpu) / 1e6);
  add_tally(outcome, crowd.tally());
  outcome.print();
  return crowd.tally().faults() == 0;
}

}  // namespace carillon
