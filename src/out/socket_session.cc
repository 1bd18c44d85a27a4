#include "out/socket_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "net/answers.h"
#include "out/admission.h"

namespace carillon {

namespace {

Problem no_subscription(std::string_view id) {
  return make_problem(kNotFound, fmt::format("there is no subscription '{}'", id),
                      "Give the id with which you subscribed.");
}

}  // namespace

SocketSession::SocketSession(const SessionParts& parts, Opening opening)
    : parts_(parts),
      session_(std::move(opening.session)),
      rights_(std::move(opening.rights)),
      loopback_(opening.loopback),
      admitted_(!rights_.anonymous || rights_.everything),
      form_{.kind = StreamKind::websocket_session,
            .framing = StreamFraming::plain,
            .deflate_bits = opening.deflate_bits} {}

SocketSession::~SocketSession() {
  if (self_ != nullptr) *self_ = nullptr;
}

SocketSession::Self SocketSession::self() {
  if (self_ == nullptr) self_ = std::make_shared<SocketSession*>(this);
  return self_;
}

void SocketSession::say(std::string_view text) {
  std::string frame;
  append_websocket_text(frame, form_, text);
  socket_->send(frame);
}

void SocketSession::forbid(std::string_view id, std::string_view what) {
  if (!rights_.anonymous) return error(id, forbidden_problem(what));
  error(id, make_problem(kUnauthorized, fmt::format("without a token nobody may {}", what),
                         R"(Send {"op":"auth","id":"a1","token":"TOKEN"} first.)"));
}

void SocketSession::on_open(WebSocket& socket) {
  socket_ = &socket;
  opened_ = socket.loop().now();
  say(fmt::format(
      R"({{"op":"hello","version":1,"session":{},"message_bytes_max":{},"subscriptions_max":{},)"
      R"("publish_credit":{},"heartbeat_ms":{}}})",
      json_string(session_), kSessionTextBytesMax, kSessionSubscriptionsMax, kPublishCredit,
      parts_.config.heartbeat.count()));
}

bool SocketSession::on_item(WebSocketItem item) {
  if (item.kind == WebSocketItem::Kind::binary) {
    error({}, make_problem(kBadRequest, "a session takes text frames alone",
                           "Send each op as JSON in a text frame."));
    return true;
  }
  auto op = parse_session_op(item.data);
  if (!op) {
    error(op.error().id, op.error().problem);
    return true;
  }
  switch (op->kind) {
    case SessionOp::Kind::subscribe: subscribe(std::move(*op)); break;
    case SessionOp::Kind::unsubscribe: unsubscribe(*op); break;
    case SessionOp::Kind::publish: publish(std::move(*op)); break;
    case SessionOp::Kind::ack: ack(*op); break;
    case SessionOp::Kind::auth: authenticate(*op); break;
    case SessionOp::Kind::ping: ok(op->id); break;
    case SessionOp::Kind::presence: set_presence(std::move(*op)); break;
  }
  // What it has asked for and not taken is bounded, too.
  if (socket_->held_bytes() > kAnswersBytesMax) {
    socket_->wait_writable();
    return false;
  }
  return unanswered_ < kPublishCredit && !draining_;
}

// --- subscriptions -------------------------------------------------------------------------------

bool SocketSession::may_subscribe(const std::string& id, const std::vector<TopicPattern>& topics) {
  for (const TopicPattern& topic : topics) {
    if (rights_.may_subscribe(topic)) continue;
    forbid(id, fmt::format("subscribe to {}", topic.text()));
    return false;
  }
  admitted_ = true;
  return true;
}

void SocketSession::subscribe(SessionOp op) {
  if (subscriptions_.contains(op.id)) {
    return error(op.id, make_problem(kConflict, "this id has a subscription",
                                     "Use an id of its own for each."));
  }
  if (subscriptions_.size() >= kSessionSubscriptionsMax) {
    return error(op.id, make_problem(kTooManyRequests,
                                     fmt::format("a session has at most {} subscriptions",
                                                 kSessionSubscriptionsMax),
                                     "Use patterns, or another session."));
  }
  std::vector<std::pair<std::string, std::string>> named;
  named.reserve(op.topics.size());
  for (auto& topic : op.topics) named.emplace_back("topic", std::move(topic));
  auto topics = parse_topic_options(Query(std::move(named)));
  if (!topics) return error(op.id, option_problem(topics.error()));
  if (!may_subscribe(op.id, *topics)) return;
  auto options = parse_read_options(Query(std::move(op.options)), {}, std::move(*topics));
  if (!options) return error(op.id, option_problem(options.error()));
  ClassKey key{options->topics, options->filter, form_, options->rate, options->conflate};
  const bool known =
      std::ranges::any_of(subscriptions_, [&](const auto& each) { return each.second.key == key; });
  if (known) {
    return error(op.id, make_problem(kAlreadySubscribed, "another id subscribes to just this",
                                     "Use that one, or end it first."));
  }
  const Begun begun{.id = op.id, .number = ++last_number_, .credit = op.credit};
  subscriptions_.emplace(op.id, Subscription{begun.number, std::move(key), nullptr});
  find_start(parts_.fan_out.hub(), *options, parts_.memory_patterns,
             [self = self(), begun](Result<ReadStart> start) {
               if (*self != nullptr) (*self)->begin_subscription(begun, std::move(start));
             });
}

void SocketSession::begin_subscription(const Begun& begun, Result<ReadStart> start) {
  const auto found = subscriptions_.find(begun.id);
  // It was ended meanwhile.
  if (socket_->closing() || found == subscriptions_.end() || found->second.number != begun.number)
    return;
  const std::string& id = begun.id;
  if (!start) {
    subscriptions_.erase(found);
    return error(id, log_error_problem(start.error()));
  }
  FanOut& fan_out = parts_.fan_out;
  auto& reader = found->second.reader;
  reader = std::make_unique<SocketSubscription>(*socket_, fan_out,
                                                StreamReader::Start{.key = found->second.key,
                                                                    .after = start->after,
                                                                    .told_marks = start->told_marks,
                                                                    .credit = begun.credit});
  const StreamForm form = reader->reader().form();
  ok(id, fmt::format(R"("sub":{},"cursor":"{}")", form.sub,
                     Cursor{fan_out.hub().epoch(), start->after}.text()));
  std::string told;
  for (const Gap& gap : start->gaps) append_gap_frame(told, form, gap.resumed, gap_json(gap));
  socket_->send(told);
  reader->begin();
}

void SocketSession::unsubscribe(const SessionOp& op) {
  const auto found = subscriptions_.find(op.id);
  if (found == subscriptions_.end()) return error(op.id, no_subscription(op.id));
  if (found->second.reader != nullptr) found->second.reader->stop();
  subscriptions_.erase(found);
  ok(op.id);
}

void SocketSession::ack(const SessionOp& op) {
  const auto found = subscriptions_.find(op.id);
  if (found == subscriptions_.end()) return error(op.id, no_subscription(op.id));
  const auto cursor = Cursor::parse(op.cursor);
  if (!cursor || cursor->epoch != parts_.fan_out.hub().epoch()) {
    return error(op.id, make_problem(kBadCursor, "this is no cursor of this log",
                                     "Give the cursor of an event that you were sent."));
  }
  // (Not answered: an ack an event would be an answer an event.)
  if (found->second.reader != nullptr) found->second.reader->reader().ack(cursor->after);
}

// --- publishing and rights -----------------------------------------------------------------------

void SocketSession::publish(SessionOp op) {
  if (auto checked = check_topic(op.topic); !checked) {
    return error(op.id, make_problem(kBadTopic, checked.error().detail,
                                     "Use dot-separated segments of A-Z, a-z, 0-9, _ and -."));
  }
  if (!rights_.may_publish(op.topic)) {
    if (!is_system_topic(op.topic)) return forbid(op.id, fmt::format("publish to {}", op.topic));
    return error(op.id, forbidden_problem("publish to a topic of the hub's own"));
  }
  admitted_ = true;
  ++unanswered_;
  ++published_;
  parts_.door.publish(op.topic, std::move(op.event),
                      [self = self(), id = op.id](const auto& answer) {
                        if (*self != nullptr) (*self)->take_answer(id, answer);
                      });
}

void SocketSession::take_answer(const std::string& id,
                                const std::expected<StoredEvent, Problem>& answer) {
  if (answer) {
    ok(id, fmt::format(R"("cursor":"{}"{})", answer->cursor.text(),
                       answer->repeat ? R"(,"repeat":true)" : ""));
  } else {
    error(id, answer.error());
  }
  answered();
}

// One that waited for its sync has its answer.
void SocketSession::answered() {
  --unanswered_;
  if (socket_->closing()) return;
  if (draining_) {
    if (unanswered_ == 0) socket_->close(kCloseGoingAway, "the hub is ending", "drained");
    return;
  }
  if (socket_->held_bytes() <= kAnswersBytesMax) socket_->resume();
}

void SocketSession::authenticate(const SessionOp& op) {
  auto rights = parts_.access.rights_of(op.token, loopback_);
  if (!rights) {
    return error(op.id, make_problem(kUnauthorized, "the token is not known here",
                                     "Send a valid token; what you had before stays."));
  }
  rights_ = std::move(*rights);
  admitted_ = true;
  ok(op.id);
  drop_forbidden();
}

// Under a token of fewer rights what it does not cover ends.
void SocketSession::drop_forbidden() {
  for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
    const auto allowed = [&](const TopicPattern& topic) { return rights_.may_subscribe(topic); };
    if (std::ranges::all_of(at->second.key.topics, allowed)) {
      ++at;
      continue;
    }
    if (at->second.reader != nullptr) at->second.reader->stop();
    error(at->first, forbidden_problem("go on with this subscription"));
    at = subscriptions_.erase(at);
  }
  std::erase_if(presences_, [&](const auto& presence) {
    const auto topic = TopicPattern::parse(presence.first);
    if (topic && rights_.may_subscribe(*topic)) return false;
    parts_.presences.leave(presence.first, session_, presence.second);
    return true;
  });
}

// --- presence ------------------------------------------------------------------------------------

void SocketSession::set_presence(SessionOp op) {
  auto topics = parse_topic_options(Query({{"topic", op.topic}}));
  if (!topics || !topics->front().is_exact() || is_system_topic(op.topic)) {
    return error(op.id,
                 make_problem(kBadTopic, "presence is on one topic that is not the hub's own",
                              "Name the topic without * and **."));
  }
  if (!may_subscribe(op.id, *topics)) return;
  const auto found = presences_.find(op.topic);
  const bool leaves = op.state == "null";
  if (found == presences_.end() && !leaves && presences_.size() >= kSessionPresencesMax) {
    return error(op.id, make_problem(kTooManyRequests,
                                     fmt::format("a session is present on at most {} topics",
                                                 kSessionPresencesMax),
                                     "Leave one by the state null."));
  }
  const bool joins = found == presences_.end();
  if (leaves && joins) return ok(op.id, fmt::format(R"("member":{})", json_string(session_)));
  // Answered behind its sync, as a publish is, and counted as one.
  const PresenceChange change{.id = op.id,
                              .topic = op.topic,
                              .before = joins ? "" : found->second,
                              .number = ++last_presence_,
                              .leaves = leaves};
  auto done = [self = self(), change](const std::expected<StoredEvent, Problem>& answer) {
    if (*self != nullptr) (*self)->take_presence_answer(change, answer);
  };
  ++unanswered_;
  if (leaves) {
    parts_.presences.leave(op.topic, session_, change.before, std::move(done));
    presences_.erase(found);
  } else {
    parts_.presences.tell(op.topic, session_, joins ? "join" : "change", op.state, std::move(done));
    presences_.insert_or_assign(op.topic, std::move(op.state));
  }
}

// A join or change that is refused has not happened, unless another came behind it. (A leave is
// told again.)
void SocketSession::take_presence_answer(const PresenceChange& change,
                                         const std::expected<StoredEvent, Problem>& answer) {
  if (answer) {
    ok(change.id, fmt::format(R"("member":{})", json_string(session_)));
    return answered();
  }
  if (!change.leaves && change.number == last_presence_ && !socket_->closing()) {
    if (change.before.empty()) {
      presences_.erase(change.topic);
    } else {
      presences_.insert_or_assign(change.topic, change.before);
    }
  }
  error(change.id, answer.error());
  answered();
}

// --- the connection ------------------------------------------------------------------------------

// Behind the one that had its turn last: one that catches up must not fill the socket for ever.
void SocketSession::on_writable() {
  auto at = subscriptions_.upper_bound(served_);
  for (size_t left = subscriptions_.size(); left > 0; --left, ++at) {
    if (at == subscriptions_.end()) at = subscriptions_.begin();
    if (at->second.reader == nullptr) continue;
    const bool had_room = socket_->is_clear();
    at->second.reader->reader().on_writable();
    if (socket_->closing()) return;
    if (had_room && !socket_->is_clear()) served_ = at->first;
  }
  if (unanswered_ < kPublishCredit && !draining_) socket_->resume();
}

void SocketSession::on_sweep(MonotonicTime now) {
  if (admitted_ || now - opened_ < kSessionAuthTime) return;
  socket_->close(kCloseUnauthorized, "nothing was done that is allowed without a token",
                 "unauthorized");
}

// What was published is answered before the end.
void SocketSession::on_drain() {
  if (draining_) return;
  draining_ = true;
  for (auto& [id, subscription] : subscriptions_) {
    if (subscription.reader != nullptr) subscription.reader->stop();
  }
  say(fmt::format(R"({{"op":"bye","retry_ms":{}}})", spread_retry(socket_->id()).count()));
  if (unanswered_ == 0) socket_->close(kCloseGoingAway, "the hub is ending", "drained");
}

void SocketSession::on_closing() {
  for (auto& [id, subscription] : subscriptions_) {
    if (subscription.reader != nullptr) subscription.reader->stop();
  }
  for (const auto& [topic, state] : presences_) parts_.presences.leave(topic, session_, state);
  presences_.clear();
}

std::string SocketSession::describe() const {
  std::string out =
      fmt::format(R"("protocol":"websocket-session","session":{},"published":{},"subscriptions":[)",
                  json_string(session_), published_);
  bool first = true;
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.reader == nullptr) continue;
    out += fmt::format(R"({}{{"id":{},{}}})", first ? "" : ",", json_string(id),
                       subscription.reader->reader().describe());
    first = false;
  }
  return out + "]";
}

}  // namespace carillon
