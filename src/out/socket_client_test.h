// The other end of a WebSocket in the tests of its handlers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "out/fan_out_hub_test.h"

namespace carillon {

inline void say(FakeStreamHandle& handle, WebSocketOpcode opcode, std::string_view payload) {
  std::string bytes;
  append_client_frame(bytes, {.opcode = opcode, .mask = {'m', 'a', 's', 'k'}}, payload);
  static_cast<DuplexOwner*>(handle.owner())->on_bytes(bytes);
}
inline void say(FakeStreamHandle& handle, std::string_view text) {
  say(handle, WebSocketOpcode::text, text);
}

// What came: the data of each frame, and of a close frame its code.
inline std::vector<std::string> heard_in(std::string_view rest) {
  WebSocketParser parser(
      {.reads = WebSocketParser::Reads::server_frames, .message_bytes_max = 16 * kMiB});
  std::vector<std::string> all;
  while (!rest.empty()) {
    auto step = parser.feed(rest);
    EXPECT_TRUE(step) << (step ? "" : step.error().detail);
    if (!step || !step->item) break;
    rest.remove_prefix(step->consumed);
    const bool close = step->item->kind == WebSocketItem::Kind::close;
    all.push_back(close ? "close " + std::to_string(step->item->code) : step->item->data);
  }
  return all;
}
inline std::vector<std::string> heard(const FakeStreamHandle& handle) {
  return heard_in(handle.received());
}

}  // namespace carillon
