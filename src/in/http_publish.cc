#include "in/http_publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "in/ndjson_publish.h"
#include "in/publish_answers.h"
#include "in/publish_builder.h"
#include "net/answers.h"
#include "wire/cloudevents_binary.h"
#include "wire/json_check.h"

namespace carillon {

namespace {

// Beside its data an event may carry attributes of this size in a structured body.
constexpr size_t kEnvelopeBytesMax = kEventBytesMax / 2;
// base64 makes four bytes of three.
constexpr size_t kStructuredBytesMax = kEventBytesMax / 3 * 4 + kEnvelopeBytesMax;

bool is_ndjson(std::string_view content_type) {
  return to_lower(trim(content_type.substr(0, content_type.find(';')))) == "application/x-ndjson";
}

std::optional<Response> check_idempotency_key(const RequestHead& head) {
  const auto keys = head.all("idempotency-key");
  if (keys.empty()) return std::nullopt;
  if (keys.size() == 1 && !keys[0].empty() && keys[0].size() <= kIdempotencyKeyBytesMax)
    return std::nullopt;
  return problem_response(
      make_problem(kBadRequest, "Idempotency-Key must be given once, with 1 to 256 bytes",
                   "Use e.g. a UUID, the same one on every try of one publish."));
}

}  // namespace

HttpPublish::HttpPublish(LocalHub& hub, const Access& access, const Clock& clock, Random& random)
    : hub_(hub), access_(access), clock_(clock), random_(random) {}

void HttpPublish::add_routes(Router& router) {
  router.add({"POST", "/t/{topic}", RouteRight::publish,
              [this](const ExchangePtr& exchange, const PathValues& values) {
                post_topic(exchange, values[0]);
              }});
}

bool HttpPublish::permit(Exchange& exchange, const std::string& topic) {
  const auto rights =
      access_.rights_for(exchange.head().field("authorization"), exchange.peer_is_loopback());
  if (!rights) {
    exchange.respond(unauthorized(true));
    return false;
  }
  if (auto checked = check_topic(topic); !checked) {
    exchange.respond(problem_response(
        make_problem(kBadTopic, checked.error().detail,
                     "Use dot-separated segments of A-Z, a-z, 0-9, _ and -, e.g. orders.eu.")));
    return false;
  }
  if (rights->may_publish(topic)) return true;
  const bool own = is_system_topic(topic);
  exchange.respond(rights->anonymous && !own && !rights->everything
                       ? unauthorized(false)
                       : forbidden(own ? "publish to a topic of the hub's own"
                                       : fmt::format("publish to {}", topic)));
  return false;
}

void HttpPublish::post_topic(const ExchangePtr& exchange, const std::string& topic) {
  if (!permit(*exchange, topic)) return;
  const auto& head = exchange->head();
  if (auto refused = check_idempotency_key(head)) return exchange->respond(std::move(*refused));
  if (head.has("content-encoding") && head.field("content-encoding") != "identity") {
    return exchange->respond(
        problem_response(make_problem(kUnsupportedMediaType, "compressed bodies are not taken",
                                      "Send the body without Content-Encoding.")));
  }
  const auto content_type = head.field("content-type");
  if (is_ndjson(content_type)) {
    if (head.has("idempotency-key")) {
      return exchange->respond(problem_response(
          make_problem(kBadRequest, "NDJSON is stored line by line and takes no Idempotency-Key",
                       "Give each event an id with ?as=cloudevents.")));
    }
    const bool structured = exchange->target().query.get("as") == "cloudevents";
    return NdjsonPublish::start(exchange, hub_, {topic, structured, clock_, random_});
  }
  if (is_cloudevents_batch(content_type)) {
    const auto take = [this, exchange, topic](const std::string& body) {
      take_batch(exchange, topic, body);
    };
    exchange->read_body(kBatchBytesMax, take);
    if (!exchange->has_body()) take({});
    return;
  }
  if (is_unknown_cloudevents_format(content_type)) {
    return exchange->respond(problem_response(make_problem(
        kUnsupportedMediaType, fmt::format("the format '{}' is not read here", content_type),
        "Send application/cloudevents+json.")));
  }
  const bool structured = is_cloudevents_structured(content_type);
  const auto take = [this, exchange, topic, structured](std::string body) {
    take_single(exchange, topic, std::move(body), structured);
  };
  exchange->read_body(structured ? kStructuredBytesMax : kEventBytesMax, take);
  // A request without a body publishes an empty event.
  if (!exchange->has_body()) take({});
}

void HttpPublish::take_single(const ExchangePtr& exchange, const std::string& topic,
                              std::string body, bool structured) {
  const auto& head = exchange->head();
  PublishBuilder builder(topic, clock_, random_);
  if (const auto key = head.field("idempotency-key"); !key.empty()) {
    builder.set_idempotency_key(key, head.field("content-type"), body);
  }
  auto given =
      structured ? parse_structured_event(body) : event_from_binary(head.fields, std::move(body));
  if (!given) return exchange->respond(bad_event_response(given.error()));
  if (auto added = builder.add(std::move(*given)); !added)
    return exchange->respond(bad_event_response(added.error()));
  const auto id = builder.id();
  hub_.publish(builder.take(),
               [exchange, topic, id, epoch = hub_.epoch()](Result<Appended> result) {
                 exchange->respond(result ? published_response(*result, topic, id, epoch)
                                          : publish_error_response(result.error()));
               });
}

void HttpPublish::take_batch(const ExchangePtr& exchange, const std::string& topic,
                             const std::string& body) {
  const auto& head = exchange->head();
  auto events = parse_event_batch(body);
  if (!events) return exchange->respond(bad_event_response(events.error()));
  PublishBuilder builder(topic, clock_, random_);
  if (const auto key = head.field("idempotency-key"); !key.empty()) {
    builder.set_idempotency_key(key, head.field("content-type"), body);
  }
  for (size_t i = 0; i < events->size(); ++i) {
    auto added = builder.add(std::move((*events)[i]));
    if (added) continue;
    added.error().detail = fmt::format("event {}: {}", i, added.error().detail);
    return exchange->respond(bad_event_response(added.error()));
  }
  const bool keyed = head.has("idempotency-key");
  hub_.publish(builder.take(), [exchange, keyed, epoch = hub_.epoch()](Result<Appended> result) {
    // A batch of one that was stored before is no other than a batch of several.
    if (result && result->repeat && !keyed) result->repeat = false;
    exchange->respond(result ? batch_response(*result, epoch)
                             : publish_error_response(result.error()));
  });
}

}  // namespace carillon
