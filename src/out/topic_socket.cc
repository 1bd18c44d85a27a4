#include "out/topic_socket.h"

#include "base/limits.h"
#include "net/answers.h"
#include "wire/cloudevents_binary.h"

namespace carillon {

namespace {

constexpr uint16_t kCloseOfStatus = 4000;  // 4413 mirrors 413
constexpr uint16_t kCloseNotAccepted = 1003;

}  // namespace

TopicSocket::~TopicSocket() {
  if (self_ != nullptr) *self_ = nullptr;
}

void TopicSocket::on_open(WebSocket& socket) {
  socket_ = &socket;
  const StreamForm form = plan_->start.key.form;
  std::string told;
  for (const Gap& gap : plan_->gaps) append_gap_frame(told, form, gap.resumed, gap_json(gap));
  plan_->gaps.clear();
  subscription_.emplace(socket, fan_out_, std::move(plan_->start));
  socket.allow_write_around();
  socket.send(told);
  subscription_->begin();
}

bool TopicSocket::on_item(WebSocketItem item) {
  if (plan_->topic.empty()) {
    socket_->close(kCloseBadRequest, "frames are taken on a topic's own URL", "bad request");
    return true;
  }
  if (!plan_->may_publish) {
    if (plan_->anonymous) {
      socket_->close(kCloseUnauthorized, "publishing here needs a token", "unauthorized");
    } else {
      socket_->close(kCloseForbidden, "the token does not allow to publish here", "forbidden");
    }
    return true;
  }
  if (structured_ && item.kind == WebSocketItem::Kind::binary) {
    socket_->close(kCloseNotAccepted, "cloudevents.json takes text frames alone", "bad request");
    return true;
  }
  auto event = event_of(std::move(item));
  if (!event) {
    refuse(bad_event_problem(event.error()));
    return true;
  }
  if (self_ == nullptr) self_ = std::make_shared<TopicSocket*>(this);
  ++unanswered_;
  door_.publish(plan_->topic, std::move(*event),
                [self = self_](const std::expected<StoredEvent, Problem>& answer) {
                  if (*self != nullptr) (*self)->take_answer(answer);
                });
  return unanswered_ < kPublishCredit;
}

Result<GivenEvent> TopicSocket::event_of(WebSocketItem item) const {
  if (structured_) return parse_structured_event(item.data);
  std::string type = plan_->content_type;
  if (type.empty())
    type = item.kind == WebSocketItem::Kind::text ? "text/plain" : "application/octet-stream";
  return event_from_binary({{"content-type", std::move(type)}}, std::move(item.data));
}

// One that is stored needs no word here: whoever wants an answer uses a session.
void TopicSocket::take_answer(const std::expected<StoredEvent, Problem>& answer) {
  --unanswered_;
  if (socket_->closing()) return;
  if (!answer) return refuse(answer.error());
  socket_->resume();
}

void TopicSocket::refuse(const Problem& problem) {
  socket_->close(static_cast<uint16_t>(kCloseOfStatus + problem.status % 1000), problem.detail,
                 problem.slug);
}

void TopicSocket::on_writable() { subscription_->reader().on_writable(); }

void TopicSocket::on_held() { subscription_->reader().write_through(); }

void TopicSocket::on_sweep(MonotonicTime) {}

// (Its reader was drained before: this is for one that is not begun.)
void TopicSocket::on_drain() {
  socket_->close(kCloseGoingAway, "the hub is ending: come back", "drained");
}

void TopicSocket::on_closing() {
  if (subscription_) subscription_->stop();
}

std::string TopicSocket::describe() const {
  return subscription_ ? subscription_->reader().describe() : R"("protocol":"websocket")";
}

}  // namespace carillon
