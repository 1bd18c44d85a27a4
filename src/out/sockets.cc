#include "out/sockets.h"

#include <fmt/format.h>

#include <array>

#include "base/limits.h"
#include "net/answers.h"
#include "out/admission.h"
#include "out/topic_page.h"
#include "wire/session_op.h"

namespace carillon {

namespace {

// Enough to hear why most frames are refused.
constexpr size_t kRefusedFrameBytesMax = 4 * kKiB;

OfferDeflate offer_of(const Config& config) {
  return config.websocket_deflate ? OfferDeflate::yes : OfferDeflate::no;
}

uint8_t deflate_bits_of(const WebSocketOpening& opening) {
  return opening.deflate ? static_cast<uint8_t>(opening.deflate->hub_bits) : 0;
}

}  // namespace

// A topic's WebSocket that is permitted, until its place in the log is known.
struct Sockets::Wanted {
  WebSocketOpening opening;
  ReadOptions options;
  std::string topic;
  bool may_publish = false;
  bool anonymous = false;
};

Sockets::Sockets(FanOut& fan_out, EventDoor& door, const Access& access, const Config& config,
                 Chance chance)
    : fan_out_(fan_out),
      door_(door),
      access_(access),
      config_(config),
      chance_(chance),
      memory_patterns_(config.memory_patterns()),
      presences_(fan_out.loop(), door),
      parts_{fan_out, door, presences_, access, config, memory_patterns_} {}

void Sockets::add_routes(Router& router) {
  router.add({"GET", "/ws", RouteRight::open,
              [this](ExchangePtr e, const PathValues&) { open_session(std::move(e)); }});
}

WebSocket::Options Sockets::socket_options(size_t message_bytes_max) const {
  return {
      .message_bytes_max = message_bytes_max, .ping = config_.heartbeat, .stall = config_.stall};
}

// --- topics --------------------------------------------------------------------------------------

void Sockets::open(ExchangePtr exchange, std::vector<TopicPattern> topics,
                   const std::string& topic) {
  constexpr std::array kOurs = {kCloudEventsSubprotocol};
  auto options = admit_read(*exchange, access_, std::move(topics));
  if (!options) return;
  auto opening = admit_websocket(*exchange, kOurs, offer_of(config_));
  if (!opening) return;
  const auto rights =
      access_.rights_for(exchange->head().field("authorization"), exchange->peer_is_loopback());
  Wanted wanted{.opening = std::move(*opening),
                .options = std::move(*options),
                .topic = topic,
                .may_publish = rights && !topic.empty() && rights->may_publish(topic),
                .anonymous = !rights || (rights->anonymous && !rights->everything)};
  Exchange& waiting = *exchange;
  waiting.when_due([this, exchange = std::move(exchange), wanted = std::move(wanted)]() mutable {
    const ReadOptions& asked = wanted.options;
    find_start(fan_out_.hub(), asked, memory_patterns_,
               [this, exchange = std::move(exchange), wanted](Result<ReadStart> start) {
                 begin_topic(*exchange, wanted, std::move(start));
               });
  });
}

void Sockets::begin_topic(Exchange& exchange, const Wanted& wanted, Result<ReadStart> start) {
  if (!start) return exchange.respond(log_error_response(start.error()));
  const ReadOptions& options = wanted.options;
  const bool structured = wanted.opening.subprotocol == kCloudEventsSubprotocol;
  const StreamForm form{
      .kind = structured ? StreamKind::websocket_cloudevents : StreamKind::websocket_data,
      .framing = StreamFraming::plain,
      .deflate_bits = deflate_bits_of(wanted.opening)};
  // Payloads alone have no word for it, so the reader must say that it does not mind.
  if (!start->gaps.empty() && !can_tell_gap(form.kind) && !options.gap_ok)
    return exchange.respond(expired_response(start->gaps.front(), exchange));
  const auto content_type = exchange.target().query.get("content_type").value_or("");
  TopicSocket::Plan plan{
      .start = {.key = {options.topics, options.filter, form, options.rate, options.conflate},
                .after = start->after,
                .told_marks = start->told_marks,
                .gap_ok = options.gap_ok},
      .gaps = std::move(start->gaps),
      .topic = wanted.topic,
      .content_type = std::string(content_type),
      .may_publish = wanted.may_publish,
      .anonymous = wanted.anonymous};
  // What could not be taken is not gathered either.
  const size_t bytes_max = !wanted.may_publish ? kRefusedFrameBytesMax
                           : structured        ? kSessionTextBytesMax
                                               : kEventBytesMax;
  start_websocket(exchange, wanted.opening, socket_options(bytes_max),
                  std::make_unique<TopicSocket>(fan_out_, door_, std::move(plan)));
}

// --- sessions ------------------------------------------------------------------------------------

void Sockets::open_session(ExchangePtr exchange) {
  constexpr std::array kOurs = {kSessionSubprotocol};
  if (!asks_for_websocket(exchange->head())) {
    auto response = problem_response(
        make_problem(kUpgradeRequired, "sessions are spoken over WebSocket",
                     fmt::format("Use a WebSocket client with the subprotocol {}, or read /stream.",
                                 kSessionSubprotocol)));
    for (auto& field : websocket_version_fields()) response.fields.push_back(std::move(field));
    return exchange->respond(std::move(response));
  }
  auto rights =
      access_.rights_for(exchange->head().field("authorization"), exchange->peer_is_loopback());
  if (!rights) return exchange->respond(unauthorized(true));
  auto opening = admit_websocket(*exchange, kOurs, offer_of(config_));
  if (!opening) return;
  SocketSession::Opening begun{.session = make_uuid_v7(chance_.clock.wall_now(), chance_.random),
                               .rights = std::move(*rights),
                               .loopback = exchange->peer_is_loopback(),
                               .deflate_bits = deflate_bits_of(*opening)};
  Exchange& waiting = *exchange;
  waiting.when_due([this, exchange = std::move(exchange), opening = std::move(*opening),
                    begun = std::move(begun)]() mutable {
    start_websocket(*exchange, opening, socket_options(kSessionTextBytesMax),
                    std::make_unique<SocketSession>(parts_, std::move(begun)));
  });
}

}  // namespace carillon
