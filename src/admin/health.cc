#include "admin/health.h"

#include <fmt/format.h>

#include "base/text.h"
#include "net/answers.h"

namespace carillon {

namespace {

constexpr std::chrono::seconds kProbeEvery{2};
// Every how many probes one goes through a sync: 30 s.
constexpr uint64_t kSyncEvery = 15;
// Two probes missed: red within 5 s of the trouble (RELIABILITY O2).
constexpr std::chrono::seconds kAliveFor{5};
constexpr const char* kTopic = "$sys.health";
constexpr const char* kCheckpointSource = "$sys.health";

Append probe_append(uint64_t count, bool through_disk) {
  Append append;
  Event event;
  event.id = std::to_string(count);
  event.source = "/healthz";
  event.type = "carillon.health";
  append_event_record(append.records, event, TopicId{}, kTopic);
  append.items.push_back({.topic = kTopic, .offset = 0, .repeat = {}, .given = {}});
  if (through_disk) append.checkpoint = Checkpoint{kCheckpointSource, std::to_string(count)};
  return append;
}

}  // namespace

HealthProbe::HealthProbe(Loop& loop, LocalHub& hub, HealthState& state)
    : loop_(loop), hub_(hub), state_(state), timer_(loop.context()) {}

void HealthProbe::begin() { probe(); }

void HealthProbe::probe() {
  ++count_;
  hub_.publish(probe_append(count_, count_ % kSyncEvery == 0),
               [this](const Result<Appended>& result) { published(result); });
  timer_.expires_after(kProbeEvery);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) probe();
  });
}

void HealthProbe::published(const Result<Appended>& result) {
  state_.publish_refused = !result && result.error().code == Errc::full;
  if (result) return read_back(result->last);
  // A full disk refuses the probe that goes through it; the one in memory says whether the rest
  // works.
  if (state_.publish_refused) {
    hub_.publish(probe_append(count_, false), [this](const Result<Appended>& again) {
      if (again) read_back(again->last);
    });
  }
}

void HealthProbe::read_back(Position position) {
  Log& log = hub_.log();
  auto selection = log.select({*TopicPattern::parse(kTopic)});
  hub_.off_loop(
      [&log, selection, position] {
        const auto read = log.read({.topics = selection,
                                    .after = Position{position.value - 1},
                                    .bytes_max = 1,
                                    .events_max = 1,
                                    .told_marks = UINT64_MAX});
        return read && !read->events.empty() && read->events.front().position() == position;
      },
      [this](bool seen) {
        if (seen) state_.seen_at_us = loop_.now().time_since_epoch().count();
      });
}

bool HealthDoor::alive(MonotonicTime now) const {
  return now - MonotonicTime(std::chrono::microseconds(state_.seen_at_us)) < kAliveFor;
}

void HealthDoor::add_routes(Router& router) {
  router.add({"GET", "/healthz", RouteRight::probe,
              [this](const std::shared_ptr<Exchange>& exchange, const PathValues&) {
                exchange->respond(health(exchange->loop().now()));
              }});
  router.add({"GET", "/readyz", RouteRight::probe,
              [this](const std::shared_ptr<Exchange>& exchange, const PathValues&) {
                exchange->respond(readiness(exchange->loop().now()));
              }});
}

Response HealthDoor::health(MonotonicTime now) const {
  const LogStats stats = hub_.log().stats();
  const bool ok = alive(now) && !stats.failed;
  const bool refused = !stats.accepting || state_.publish_refused;
  return json_response(ok ? 200 : 503, fmt::format(R"({{"status":"{}","publish":"{}","read":"{}"}})"
                                                   "\n",
                                                   ok ? "ok" : "failing",
                                                   refused ? "refused"
                                                   : ok    ? "ok"
                                                           : "failing",
                                                   ok ? "ok" : "failing"));
}

Response HealthDoor::readiness(MonotonicTime now) const {
  const LogStats stats = hub_.log().stats();
  std::string reason;
  if (state_.draining) {
    reason = "draining";
  } else if (!stats.accepting || state_.publish_refused) {
    reason = "the disk is full";
  } else if (stats.failed || !alive(now)) {
    reason = "the log does not answer";
  }
  std::string damages;
  for (const Damage& damage : hub_.log().damages()) {
    if (!damages.empty()) damages += ',';
    damages +=
        fmt::format(R"({{"file":{},"byte":{},"after":{},"last":{}}})", json_string(damage.file),
                    damage.offset, damage.after.value, damage.last.value);
  }
  if (reason.empty() && !damages.empty()) reason = "the log is damaged";
  return json_response(
      reason.empty() ? 200 : 503,
      fmt::format(R"({{"ready":{},"reason":{},"damage":[{}]}})"
                  "\n",
                  reason.empty(), reason.empty() ? "null" : json_string(reason), damages));
}

}  // namespace carillon
