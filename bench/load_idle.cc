// `idle`: what N quiet SSE readers cost in memory and, over some seconds, in CPU time.
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

void deliver_one(Crowd& crowd, Publisher& publisher) {
  publisher.publish(1);
  crowd.expect(publisher.published() - 1);
  const uint64_t end = steady_nanoseconds() + kDeliveryTimeout;
  while (crowd.behind() > 0 || publisher.answered() < publisher.published()) {
    publisher.read_answers(crowd.tally());
    crowd.look();
    if (steady_nanoseconds() > end) give_up("an event did not reach all readers");
    sleep_microseconds(200);
  }
  sleep_microseconds(kSettleMicroseconds);
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
  const std::string get = options.text("get");
  const std::string post = options.text("post");
  const ServerCost cost(options.text("pid"));
  options.check_all_used();
  raise_open_files(readers + kFirstReaders + 64);

  Publisher publisher(port, post, bytes, 0);
  Crowd first(port, get, bytes);
  first.connect(kFirstReaders);
  deliver_one(first, publisher);
  const MemoryUse before = cost.memory();
  const uint64_t cpu_before = cost.cpu_nanoseconds();
  Publisher second_publisher(port, post, bytes, 0);
  Crowd crowd(port, get, bytes);
  crowd.connect(readers);
  const uint64_t cpu_connected = cost.cpu_nanoseconds();
  sleep_microseconds(kSettleMicroseconds);
  const MemoryUse connected = cost.memory();
  const uint64_t idle_begin = cost.cpu_nanoseconds();
  sleep_microseconds(static_cast<uint64_t>(seconds * 1e6));
  const uint64_t idle_cpu = cost.cpu_nanoseconds() - idle_begin;
  crowd.look();
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
