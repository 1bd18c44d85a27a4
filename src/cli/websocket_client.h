// `carillon ws`: a WebSocket at the terminal, the hub's or anyone's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/client.h"

namespace carillon {

struct WebSocketClientOptions {
  std::string url;  // `ws://host:port/path`, or a path of the hub's
  std::vector<std::string> subprotocols;
  bool json = false;    // each frame as a line of JSON
  bool frames = false;  // pings, pongs and the close, too
  uint64_t count = 0;   // 0: without end
};

// A URL taken apart. Errc::bad_input for what is none, and for wss, which is not spoken yet.
struct WebSocketUrl {
  std::string host;
  std::string port;
  std::string target;
  friend bool operator==(const WebSocketUrl&, const WebSocketUrl&) = default;
};
Result<WebSocketUrl> parse_websocket_url(const std::string& server, const std::string& url);

// Prints what comes, sends each line of stdin as a text frame; the exit code. Ends when the other
// side closes, at the end of a terminal's input, or after `count`.
int run_websocket_client(const ClientOptions& client, const WebSocketClientOptions& options);

}  // namespace carillon
