// The ops of a WebSocket session, subprotocol `carillon.v1.json` (docs/reference/websocket.md).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/cloudevents.h"
#include "wire/problem.h"

namespace carillon {

inline constexpr std::string_view kSessionSubprotocol = "carillon.v1.json";
inline constexpr std::string_view kCloudEventsSubprotocol = "cloudevents.json";

// What a client sent. A value; members that its op does not have are empty.
struct SessionOp {
  enum class Kind { subscribe, unsubscribe, publish, ack, auth, ping, presence };
  Kind kind = Kind::ping;
  std::string id;
  std::vector<std::string> topics;  // subscribe
  // subscribe: after, type, subject, rate and conflate, as a URL would have them.
  std::vector<std::pair<std::string, std::string>> options;
  std::optional<uint64_t> credit;  // subscribe
  std::string topic;               // publish, presence
  GivenEvent event;                // publish
  std::string cursor;              // ack
  std::string token;               // auth
  std::string state;               // presence, as JSON; `null` leaves
};

// Why an op is not done; `id` is its own, when it could be read.
struct SessionRefusal {
  std::string id;
  Problem problem;
};

std::expected<SessionOp, SessionRefusal> parse_session_op(std::string_view text);

// `{"op":"ok","id":…}` with further members, `"a":1`.
std::string ok_op(std::string_view id, std::string_view members = "");
std::string error_op(std::string_view id, const Problem& problem);

}  // namespace carillon
