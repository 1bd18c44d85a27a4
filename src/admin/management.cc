#include "admin/management.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ranges>

#include "base/limits.h"
#include "base/text.h"
#include "net/answers.h"

namespace carillon {

namespace {

constexpr size_t kRequestBytesMax = 64 * kKiB;
constexpr size_t kListDefault = 100;
constexpr size_t kListMax = 1'000;

// The string member `name` of the JSON object in `body`.
Result<std::string> string_member(const std::string& body, std::string_view name) {
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  if (error) return fail(Errc::bad_input, "the body is not JSON: {}", error.message());
  const auto* object = value.if_object();
  const auto* member = object == nullptr ? nullptr : object->if_contains(name);
  if (member == nullptr || !member->is_string())
    return fail(Errc::bad_input, "the body needs a string '{}'", name);
  return std::string(member->as_string());
}

Response no_topic(const std::string& topic) {
  return problem_response(
      make_problem(kNotFound, fmt::format("there is no topic '{}'", topic),
                   "GET /v1/topics lists what there is; a topic is made by its first event."));
}

Response bad_topic(const std::string& detail) {
  return problem_response(
      make_problem(kBadTopic, detail, "Use dot-separated segments of A-Z, a-z, 0-9, _ and -."));
}

// What the hub itself publishes on is not for users to remove.
std::optional<Response> refuse_own(const std::string& topic) {
  if (auto checked = check_topic(topic); !checked) return bad_topic(checked.error().detail);
  if (is_system_topic(topic)) return forbidden("change a topic of the hub's own");
  return std::nullopt;
}

// An open connection, by its id.
using Described = std::pair<uint64_t, std::string>;

// The loop's first `limit` behind `after`.
std::vector<Described> describe_connections(const LoopProbe& probe, uint64_t after, size_t limit) {
  std::vector<const Connection*> behind;
  for (const auto& [id, connection] : probe.connections->connections()) {
    if (id > after) behind.push_back(connection.get());
  }
  std::ranges::sort(behind, {}, &Connection::id);
  behind.resize(std::min(behind.size(), limit));
  std::vector<Described> described;
  described.reserve(behind.size());
  const auto now = probe.loop->now();
  for (const Connection* connection : behind) {
    described.emplace_back(
        connection->id(),
        fmt::format(
            R"({{"id":"{}","loop":{},"peer":"{}","seconds":{},{}}})", connection->id(),
            probe.loop->index(), connection->peer(),
            std::chrono::duration_cast<std::chrono::seconds>(now - connection->since()).count(),
            connection->describe()));
  }
  return described;
}

std::string ended_json(const LoopProbe& probe) {
  std::string out;
  for (const EndedConnection& ended : probe.connections->ended()) {
    out += out.empty() ? "" : ",\n";
    out += fmt::format(R"({{"id":"{}","peer":"{}",{},"at":"{}","reason":{}}})", ended.id,
                       ended.peer, ended.what, to_rfc3339(ended.at), json_string(ended.reason));
  }
  return out;
}

template <typename T>
std::string joined(const T& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    out += out.empty() ? "" : ",\n";
    out += part;
  }
  return out;
}

Response bad_option(std::string detail) {
  return problem_response(
      make_problem(kBadRequest, std::move(detail), "Leave it out, or correct it."));
}

std::optional<size_t> limit_of(const Query& query) {
  const auto given = query.get("limit");
  const auto limit = given ? parse_decimal(*given) : std::optional<uint64_t>(kListDefault);
  return limit && *limit > 0 && *limit <= kListMax ? limit : std::nullopt;
}

Response snapshot_refused(const Error& error) {
  const auto with_fix = [&](const ProblemKind& kind, std::string fix) {
    return problem_response(make_problem(kind, error.detail, std::move(fix)));
  };
  switch (error.code) {
    case Errc::conflict: return with_fix(kConflict, "Name an empty or absent directory.");
    case Errc::not_found:
    case Errc::denied:
      return with_fix(kBadRequest, "Name a directory that the hub may make and write to.");
    default: return log_error_response(error);
  }
}

std::string position_json(Position position, Epoch epoch) {
  return position.value == 0 ? "null" : fmt::format("\"{}\"", Cursor{epoch, position}.text());
}

}  // namespace

std::string topic_json(const TopicBounds& bounds, Epoch epoch) {
  return fmt::format(
      R"({{"topic":"{}","oldest":{},"newest":{},"events":{},"bytes":{},"durability":"{}"}})",
      bounds.topic, position_json(bounds.oldest, epoch), position_json(bounds.newest, epoch),
      bounds.events, bounds.bytes, name_of(bounds.durability));
}

Management::Management(LocalHub& hub, const std::vector<LoopProbe>& probes, MonotonicTime started)
    : hub_(hub), probes_(probes), started_(started) {}

void Management::add_routes(Router& router) {
  const auto add = [&](std::string method, std::string path, auto handler) {
    router.add({std::move(method), std::move(path), RouteRight::manage, std::move(handler)});
  };
  add("GET", "/v1/topics", [this](const ExchangePtr& e, const PathValues&) { list_topics(e); });
  add("GET", "/v1/topics/{topic}",
      [this](const ExchangePtr& e, const PathValues& v) { get_topic(e, v[0]); });
  add("DELETE", "/v1/topics/{topic}",
      [this](const ExchangePtr& e, const PathValues& v) { delete_topic(e, v[0]); });
  add("POST", "/v1/topics/{topic}/trim",
      [this](const ExchangePtr& e, const PathValues& v) { trim_topic(e, v[0]); });
  add("GET", "/v1/connections",
      [this](const ExchangePtr& e, const PathValues&) { list_connections(e); });
  add("GET", "/v1/stats", [this](const ExchangePtr& e, const PathValues&) { get_stats(e); });
  add("POST", "/v1/snapshot",
      [this](const ExchangePtr& e, const PathValues&) { take_snapshot(e); });
}

void Management::list_topics(const ExchangePtr& exchange) {
  const auto& query = exchange->target().query;
  auto pattern = TopicPattern::parse(query.get("pattern").value_or("**"));
  if (!pattern) return exchange->respond(bad_topic(pattern.error().detail));
  const auto limit = limit_of(query);
  if (!limit) return exchange->respond(bad_option("limit is no number from 1 to 1000"));
  Log& log = hub_.log();
  const std::string after(query.get("page").value_or(""));
  hub_.off_loop([&log, pattern = *pattern, after,
                 limit = *limit] { return log.list(pattern, after, limit + 1); },
                [exchange, limit = *limit, epoch = hub_.epoch()](std::vector<TopicBounds> topics) {
                  const bool more = topics.size() > limit;
                  if (more) topics.pop_back();
                  std::vector<std::string> items;
                  items.reserve(topics.size());
                  for (const TopicBounds& bounds : topics)
                    items.push_back(topic_json(bounds, epoch));
                  const auto next = more ? json_string(topics.back().topic) : std::string("null");
                  exchange->respond(json_response(
                      200, fmt::format("{{\"items\":[{}],\"next\":{}}}\n", joined(items), next)));
                });
}

void Management::get_topic(const ExchangePtr& exchange, const std::string& topic) {
  if (auto checked = check_topic(topic); !checked)
    return exchange->respond(bad_topic(checked.error().detail));
  Log& log = hub_.log();
  hub_.off_loop([&log, topic] { return log.bounds(topic); },
                [exchange, topic, epoch = hub_.epoch()](const std::optional<TopicBounds>& bounds) {
                  exchange->respond(bounds ? json_response(200, topic_json(*bounds, epoch) + "\n")
                                           : no_topic(topic));
                });
}

void Management::delete_topic(const ExchangePtr& exchange, const std::string& topic) {
  if (auto refused = refuse_own(topic)) return exchange->respond(std::move(*refused));
  Loop& loop = exchange->loop();
  hub_.log().drop(topic, [exchange = exchange, topic, &loop](const Result<>& dropped) mutable {
    loop.post([exchange = std::move(exchange), topic, dropped] {
      if (dropped) return exchange->respond({.status = 204, .fields = {}, .body = {}});
      exchange->respond(dropped.error().code == Errc::not_found
                            ? no_topic(topic)
                            : log_error_response(dropped.error()));
    });
  });
}

void Management::trim_topic(const ExchangePtr& exchange, const std::string& topic) {
  if (auto refused = refuse_own(topic)) return exchange->respond(std::move(*refused));
  exchange->read_body(kRequestBytesMax, [this, exchange, topic](const std::string& body) {
    trim_before(exchange, topic, body);
  });
  if (!exchange->has_body()) trim_before(exchange, topic, "");
}

void Management::trim_before(const ExchangePtr& exchange, const std::string& topic,
                             const std::string& body) {
  const auto before = string_member(body, "before");
  if (!before) {
    return exchange->respond(problem_response(
        make_problem(kBadRequest, before.error().detail, R"(Send {"before":"CURSOR"}.)")));
  }
  const auto cursor = Cursor::parse(*before);
  if (!cursor || cursor->epoch != hub_.epoch() || cursor->after > hub_.log().durable_end()) {
    return exchange->respond(problem_response(
        make_problem(kBadCursor, fmt::format("'{}' is no cursor of this log", *before),
                     "Give the cursor of the oldest event to be kept.")));
  }
  Log& log = hub_.log();
  Loop& loop = exchange->loop();
  hub_.off_loop(
      [&log, &loop, exchange, topic, at = cursor->after, epoch = hub_.epoch()] {
        log.trim(topic, at, [&log, &loop, exchange, topic, epoch](const Result<>& trimmed) {
          loop.post([&log, exchange, topic, trimmed, epoch] {
            if (!trimmed) {
              return exchange->respond(trimmed.error().code == Errc::not_found
                                           ? no_topic(topic)
                                           : log_error_response(trimmed.error()));
            }
            const auto bounds = log.bounds(topic);
            exchange->respond(bounds ? json_response(200, topic_json(*bounds, epoch) + "\n")
                                     : no_topic(topic));
          });
        });
        return true;
      },
      [](bool) {});
}

void Management::list_connections(const ExchangePtr& exchange) {
  const auto& query = exchange->target().query;
  const auto limit = limit_of(query);
  if (!limit) return exchange->respond(bad_option("limit is no number from 1 to 1000"));
  const auto after = parse_decimal(query.get("page").value_or("0"));
  if (!after) return exchange->respond(bad_option("page is not what `next` was"));
  using OfLoop = std::pair<std::vector<Described>, std::string>;
  ask_all_loops<OfLoop>(
      probes_, exchange->loop(),
      [after = *after, limit = *limit](const LoopProbe& probe) {
        return OfLoop(describe_connections(probe, after, limit + 1), ended_json(probe));
      },
      [exchange, limit = *limit](const std::vector<OfLoop>& all) {
        std::vector<Described> open;
        std::vector<std::string> ended;
        for (const auto& [described, past] : all) {
          open.insert(open.end(), described.begin(), described.end());
          ended.push_back(past);
        }
        std::ranges::sort(open);
        const bool more = open.size() > limit;
        if (more) open.resize(limit);
        exchange->respond(json_response(
            200,
            fmt::format("{{\"items\":[{}],\"next\":{},\"ended\":[{}]}}\n",
                        joined(open | std::views::values),
                        more ? fmt::format("\"{}\"", open.back().first) : "null", joined(ended))));
      });
}

void Management::get_stats(const ExchangePtr& exchange) {
  ask_all_loops<std::pair<LoopCounts, size_t>>(
      probes_, exchange->loop(),
      [](const LoopProbe& probe) { return std::pair(probe.counts(), probe.connections->size()); },
      [this, exchange](const auto& all) {
        LoopCounts sum;
        size_t connections = 0;
        for (const auto& [counts, open] : all) {
          sum.deliveries += counts.deliveries;
          sum.readers += counts.readers;
          connections += open;
        }
        const LogStats stats = hub_.log().stats();
        const auto up =
            std::chrono::duration_cast<std::chrono::seconds>(exchange->loop().now() - started_)
                .count();
        exchange->respond(json_response(
            200,
            fmt::format(R"({{"uptime_seconds":{},"cursor":"{}","topics":{},"connections":{},)"
                        R"("readers":{},"deliveries":{},)"
                        R"("log":{{"events":{},"bytes":{},"commits":{},"repeats":{},"segments":{},)"
                        R"("journals":{},"spares":{},)"
                        R"("stored_bytes":{},"damages":{},"accepting":{}}}}})"
                        "\n",
                        up, Cursor{hub_.epoch(), stats.durable_end}.text(), stats.topics,
                        connections, sum.readers, sum.deliveries, stats.events, stats.bytes,
                        stats.commits, stats.repeats, stats.segments, stats.journals, stats.spares,
                        stats.stored_bytes, stats.damages, stats.accepting)));
      });
}

void Management::take_snapshot(const ExchangePtr& exchange) {
  exchange->read_body(kRequestBytesMax, [this, exchange](const std::string& body) {
    const auto to = string_member(body, "to");
    const bool sound = to && to->starts_with('/') && to->find('\0') == std::string::npos;
    if (!sound) {
      return exchange->respond(problem_response(
          make_problem(kBadRequest, to ? "'to' is no absolute path" : to.error().detail,
                       R"(Send {"to":"/path/of/an/empty/directory"}.)")));
    }
    Log& log = hub_.log();
    hub_.off_loop([&log, to = *to] { return log.snapshot(to); },
                  [exchange, to = *to](const Result<>& taken) {
                    if (taken)
                      return exchange->respond(
                          json_response(201, fmt::format("{{\"to\":{}}}\n", json_string(to))));
                    exchange->respond(snapshot_refused(taken.error()));
                  });
  });
  if (!exchange->has_body()) {
    exchange->respond(problem_response(make_problem(
        kBadRequest, "the body is empty", R"(Send {"to":"/path/of/an/empty/directory"}.)")));
  }
}

}  // namespace carillon
