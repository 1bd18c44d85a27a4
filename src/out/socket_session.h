// A multiplexed WebSocket session, `/ws`: many subscriptions, publishes and presence on one
// connection.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/access.h"
#include "net/event_door.h"
#include "out/presences.h"
#include "out/read_start.h"
#include "out/socket_subscription.h"
#include "wire/session_op.h"

namespace carillon {

// What all sessions of a loop share; outlives them.
struct SessionParts {
  FanOut& fan_out;
  EventDoor& door;
  Presences& presences;
  const Access& access;
  const Config& config;
  const std::vector<TopicPattern>& memory_patterns;
};

// Owned by its WebSocket. A mistake of the client is answered with `error` and its id; only what
// breaks the protocol, or has no right to be here, ends the session.
class SocketSession : public WebSocketHandler {
 public:
  struct Opening {
    std::string session;  // its name, new for each
    Rights rights;
    bool loopback = false;
    uint8_t deflate_bits = 0;
  };

  SocketSession(const SessionParts& parts, Opening opening);
  ~SocketSession() override;

  // WebSocketHandler
  void on_open(WebSocket& socket) override;
  bool on_item(WebSocketItem item) override;
  void on_writable() override;
  void on_sweep(MonotonicTime now) override;
  void on_drain() override;
  void on_closing() override;
  std::string describe() const override;

 private:
  using Self = std::shared_ptr<SocketSession*>;  // null inside once the session is gone
  struct Subscription {
    uint64_t number = 0;  // an id may be used again while a start is looked for
    ClassKey key;
    std::unique_ptr<SocketSubscription> reader;  // null while its start is looked for
  };

  void subscribe(SessionOp op);
  struct Begun {
    std::string id;
    uint64_t number = 0;
    std::optional<uint64_t> credit;
  };
  void begin_subscription(const Begun& begun, Result<ReadStart> start);
  void unsubscribe(const SessionOp& op);
  void publish(SessionOp op);
  void take_answer(const std::string& id, const std::expected<StoredEvent, Problem>& answer);
  void ack(const SessionOp& op);
  void authenticate(const SessionOp& op);
  void drop_forbidden();
  void set_presence(SessionOp op);
  struct PresenceChange {
    std::string id;
    std::string topic;
    std::string before;  // the state until then; empty where there was none
    uint64_t number = 0;
    bool leaves = false;
  };
  void take_presence_answer(const PresenceChange& change,
                            const std::expected<StoredEvent, Problem>& answer);
  void answered();

  // False, and told so, without the right to.
  bool may_subscribe(const std::string& id, const std::vector<TopicPattern>& topics);
  void ok(std::string_view id, std::string_view members = "") { say(ok_op(id, members)); }
  void error(std::string_view id, const Problem& problem) { say(error_op(id, problem)); }
  void forbid(std::string_view id, std::string_view what);
  void say(std::string_view text);
  Self self();

  const SessionParts& parts_;
  std::string session_;
  Rights rights_;
  bool loopback_;
  bool admitted_;  // it has done something that it may
  StreamForm form_;
  WebSocket* socket_ = nullptr;
  MonotonicTime opened_{};
  std::map<std::string, Subscription, std::less<>> subscriptions_;  // by id
  std::map<std::string, std::string, std::less<>> presences_;       // topic -> state
  size_t unanswered_ = 0;
  uint64_t published_ = 0;
  uint64_t last_number_ = 0;
  uint64_t last_presence_ = 0;
  std::string served_;  // the subscription that had its turn last
  bool draining_ = false;
  Self self_;
};

}  // namespace carillon
