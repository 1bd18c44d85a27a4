// The doors that go both ways: WebSockets on topic URLs and /stream, and sessions on /ws.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "hub/access.h"
#include "net/event_door.h"
#include "net/router.h"
#include "net/websocket.h"
#include "out/read_start.h"
#include "out/socket_session.h"
#include "out/topic_socket.h"

namespace carillon {

// One a loop; everything it borrows outlives it.
class Sockets {
 public:
  struct Chance {
    const Clock& clock;
    Random& random;
  };
  Sockets(FanOut& fan_out, EventDoor& door, const Access& access, const Config& config,
          Chance chance);

  // /ws
  void add_routes(Router& router);
  // The upgrade of a GET on these topics; `topic` is where frames are published to, empty on
  // /stream.
  void open(std::shared_ptr<Exchange> exchange, std::vector<TopicPattern> topics,
            const std::string& topic);

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;
  struct Wanted;

  void open_session(ExchangePtr exchange);
  void begin_topic(Exchange& exchange, const Wanted& wanted, Result<ReadStart> start);
  WebSocket::Options socket_options(size_t message_bytes_max) const;

  FanOut& fan_out_;
  EventDoor& door_;
  const Access& access_;
  const Config& config_;
  Chance chance_;
  std::vector<TopicPattern> memory_patterns_;
  Presences presences_;
  SessionParts parts_;
};

}  // namespace carillon
