// A WebSocket on a topic URL or /stream: events out, and on a topic frames in.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/event_door.h"
#include "out/gap.h"
#include "out/socket_subscription.h"

namespace carillon {

// Owned by its WebSocket.
class TopicSocket : public WebSocketHandler {
 public:
  struct Plan {
    StreamReader::Start start;
    std::vector<Gap> gaps;     // to be told first
    std::string topic;         // where frames are published to; empty: they are not taken
    std::string content_type;  // of them; empty: by the kind of frame
    bool may_publish = false;
    bool anonymous = false;  // it may not, and gave no token
  };

  TopicSocket(FanOut& fan_out, EventDoor& door, Plan plan)
      : fan_out_(fan_out),
        door_(door),
        plan_(std::make_unique<Plan>(std::move(plan))),
        structured_(plan_->start.key.form.kind == StreamKind::websocket_cloudevents) {}
  ~TopicSocket() override;

  // WebSocketHandler
  void on_open(WebSocket& socket) override;
  bool on_item(WebSocketItem item) override;
  void on_writable() override;
  void on_held() override;
  void on_sweep(MonotonicTime now) override;
  void on_drain() override;
  void on_closing() override;
  std::string describe() const override;

 private:
  Result<GivenEvent> event_of(WebSocketItem item) const;
  void take_answer(const std::expected<StoredEvent, Problem>& answer);
  void refuse(const Problem& problem);

  FanOut& fan_out_;
  EventDoor& door_;
  std::unique_ptr<Plan> plan_;
  bool structured_;
  WebSocket* socket_ = nullptr;
  std::optional<SocketSubscription> subscription_;
  std::shared_ptr<TopicSocket*> self_;  // null inside once this is gone; for answers on their way
  size_t unanswered_ = 0;
};

}  // namespace carillon
