#include "admin/metrics.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "net/answers.h"

namespace carillon {

namespace {

struct LoopMetrics {
  size_t loop = 0;
  LoopCounts counts;
  size_t connections = 0;
  uint64_t accepted = 0;
  std::map<std::string, uint64_t> ended;
};

LoopMetrics look(const LoopProbe& probe) {
  const auto& reasons = probe.connections->end_reasons();
  return {probe.loop->index(),
          probe.counts(),
          probe.connections->size(),
          probe.connections->accepted(),
          {reasons.begin(), reasons.end()}};
}

class MetricsText {
 public:
  void single(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    family(name, type, help);
    fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
  }
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  void labelled(std::string_view name, std::string_view label, std::string_view value,
                uint64_t number) {
    fmt::format_to(std::back_inserter(text_), "{}{{{}={}}} {}\n", name, label, json_string(value),
                   number);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_log(MetricsText& text, const LogStats& stats) {
  text.single("carillon_log_events_total", "counter", "Events stored since start.", stats.events);
  text.single("carillon_log_bytes_total", "counter", "Bytes of event records stored since start.",
              stats.bytes);
  text.single("carillon_log_commits_total", "counter", "Group commits synced since start.",
              stats.commits);
  text.single("carillon_log_repeats_total", "counter",
              "Repeated publishes answered without storing.", stats.repeats);
  text.single("carillon_log_topics", "gauge", "Topics that exist.", stats.topics);
  text.single("carillon_log_segments", "gauge", "Sealed segments.", stats.segments);
  text.single("carillon_log_journals", "gauge", "Journals not sealed yet.", stats.journals);
  text.single("carillon_log_spare_journals", "gauge", "Journals filled with zeros and ready.",
              stats.spares);
  text.single("carillon_log_stored_bytes", "gauge", "Bytes the log takes on disk.",
              stats.stored_bytes);
  text.single("carillon_log_damages", "gauge", "Damaged places of the log.", stats.damages);
  text.single("carillon_log_accepting", "gauge",
              "1 while publishes are taken, 0 while the disk is full.", stats.accepting ? 1 : 0);
}

std::string render(const LogStats& stats, const std::vector<LoopMetrics>& loops) {
  MetricsText text;
  add_log(text, stats);
  const auto per_loop = [&](std::string_view name, std::string_view type, std::string_view help,
                            auto value) {
    text.family(name, type, help);
    for (const LoopMetrics& loop : loops)
      text.labelled(name, "loop", std::to_string(loop.loop), value(loop));
  };
  per_loop("carillon_connections", "gauge", "Open connections.",
           [](const LoopMetrics& l) { return l.connections; });
  per_loop("carillon_connections_accepted_total", "counter", "Connections accepted.",
           [](const LoopMetrics& l) { return l.accepted; });
  per_loop("carillon_readers", "gauge", "Open streams.",
           [](const LoopMetrics& l) { return l.counts.readers; });
  per_loop("carillon_sends_total", "counter", "Writes of frames to streams.",
           [](const LoopMetrics& l) { return l.counts.deliveries; });
  std::map<std::string, uint64_t> ended;
  for (const LoopMetrics& loop : loops) {
    for (const auto& [reason, count] : loop.ended) ended[reason] += count;
  }
  text.family("carillon_connections_ended_total", "counter", "Connections ended, by reason.");
  for (const auto& [reason, count] : ended)
    text.labelled("carillon_connections_ended_total", "reason", reason, count);
  return text.take();
}

}  // namespace

void Metrics::add_routes(Router& router) {
  router.add(
      {"GET", "/metrics", RouteRight::manage,
       [this](const std::shared_ptr<Exchange>& exchange, const PathValues&) { get(exchange); }});
}

void Metrics::get(const std::shared_ptr<Exchange>& exchange) {
  ask_all_loops<LoopMetrics>(
      probes_, exchange->loop(), look, [this, exchange](const std::vector<LoopMetrics>& loops) {
        exchange->respond({.status = 200,
                           .fields = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"},
                                      {"cache-control", "no-store"}},
                           .body = render(hub_.log().stats(), loops)});
      });
}

}  // namespace carillon
